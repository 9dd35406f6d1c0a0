"""Build the first page of a meeting's minutes: the verdict, its cost against reviewing everything,
its conditions, and the author of the decision.

It is about the scenario of the meeting's last decision; before a decision about a scenario, about
the one of the least cost a month, among those in the currency of the first. Chooses no words: they
come in as ReportWords.
"""

from collections.abc import Sequence
from dataclasses import replace

from core.decision.meeting.scenario import COLUMN_NAMES
from core.decision.staffing.headcount import FullTime
from core.decision.thresholds.costs import DAYS_PER_MONTH
from core.decision.thresholds.verdict import policy_verdict
from core.messages import sentence
from core.report import phrases
from core.report.bar_charts import measure_chart
from core.report.document import BarChart, DocumentSection, DocumentTable, TableCell, text_cell
from core.report.meeting import ScenarioColumn
from core.report.phrases import ReportWords
from core.stats.difference import excludes_zero, interval_difference
from core.store.meetings import MeetingDecision
from core.types import Interval

TITLE_LETTERS = 60  # of a decision in the page's title; the page has the whole text below


def cheapest_scenario(columns: Sequence[ScenarioColumn]) -> ScenarioColumn | None:
    """Return the scenario of the least cost a month in the currency of the first; None if no cost
    is known.
    """
    # Amounts of different currencies do not compare.
    currency = columns[0].used.currency
    priced = [
        column
        for column in columns
        if column.used.currency == currency and column.measure("money_per_month").value is not None
    ]
    return min(
        priced, key=lambda column: column.measure("money_per_month").estimate[0], default=None
    )


def review_all_cost(column: ScenarioColumn) -> float:
    """Return the cost a month of reviewing every case of a scenario."""
    return column.figures.consequence.cost_model.review_all * DAYS_PER_MONTH


def decision_section(
    words: ReportWords,
    columns: Sequence[ScenarioColumn],
    log: Sequence[MeetingDecision],
    full_time: FullTime | None,
) -> DocumentSection:
    """Return the page.

    words: the words of the report's language.
    columns: the scenarios of the meeting, at least one.
    log: the decisions, the oldest first.
    full_time: the work of one person at the desk; None leaves out the people.
    """
    cheapest = cheapest_scenario(columns)
    if cheapest is None:
        return DocumentSection(
            words("minutes.verdict.unknown"), (words("minutes.verdict.unknown.why"),)
        )
    column = _decided_scenario(columns, log) or cheapest
    verdict = policy_verdict(column.figures.consequence)
    lines = [
        _cost_sentence(words, column),
        *(sentence(words.language, f"poc.reason.{name}") for name in verdict.reasons),
        *_conditions(words, column),
        _decided_by(words, log),
    ]
    title = words(f"minutes.verdict.{verdict.decision}", name=column.name)
    if log:
        # What people decided comes first; what the figures say may differ, and follows as such.
        title = words("minutes.decided", decision=_in_short(log[-1].decision))
        figures = [words(f"minutes.figures.{verdict.decision}", name=column.name)]
        if column is not cheapest:
            figures.append(_cheaper_sentence(words, column, cheapest))
        lines = [*figures, *lines]
    table = _comparison(words, column, full_time)
    return DocumentSection(title, tuple(lines), tables=(table,), beside=_cost_chart(words, column))


def _cost_chart(words: ReportWords, column: ScenarioColumn) -> BarChart:
    """Return the cost a month of reviewing everything beside that of the scenario."""
    cost = column.measure("money_per_month")
    names = (
        words("minutes.verdict.review_all"),
        words("minutes.verdict.scenario", name=column.name),
    )
    review_all = Interval(review_all_cost(column), None, None, cost.n)
    chart = measure_chart(words, "money_per_month", names, (review_all, cost), column.used.currency)
    return replace(chart, options=(None, COLUMN_NAMES.index(column.name)))


def _decided_scenario(
    columns: Sequence[ScenarioColumn], log: Sequence[MeetingDecision]
) -> ScenarioColumn | None:
    """Return the scenario of the last decision; None if it names none of these, or its cost is
    unknown.
    """
    if not log:
        return None
    decided = (log[-1].scenario, log[-1].scenario_version)
    named = [column for column in columns if column.frozen.key == decided]
    return next((c for c in named if c.measure("money_per_month").value is not None), None)


def _in_short(decision: str) -> str:
    """Return the text of a decision for a title: one line of at most TITLE_LETTERS."""
    line = " ".join(decision.split())
    return line if len(line) <= TITLE_LETTERS else f"{line[: TITLE_LETTERS - 1]}…"


def _cheaper_sentence(words: ReportWords, column: ScenarioColumn, cheapest: ScenarioColumn) -> str:
    """Return how much less the cheapest scenario costs than the decided one."""
    currency = cheapest.used.currency
    if column.used.currency != currency:
        return words("meeting.other_currency", names=column.name)
    saving = interval_difference(
        column.measure("money_per_month"), cheapest.measure("money_per_month")
    )
    sure = "sure" if excludes_zero(saving) else "unsure"
    write = words.money_form(saving.bounds, currency)
    amounts = {end: write(getattr(saving, end)) for end in ("value", "low", "high")}
    return words(
        f"minutes.cheaper.{sure}",
        name=cheapest.name,
        decided=column.name,
        n=words.number(saving.n, 0),
        **amounts,
    )


def _cost_sentence(words: ReportWords, column: ScenarioColumn) -> str:
    cost, currency = column.measure("money_per_month"), column.used.currency
    saving = review_all_cost(column) - cost.estimate[0]
    amounts = {
        "cost": cost.value,
        "low": cost.low,
        "high": cost.high,
        "all": review_all_cost(column),
        "saving": abs(saving),
    }
    key = "minutes.verdict.saves" if saving > 0 else "minutes.verdict.costs"
    write = words.money_form(amounts.values(), currency)
    return words(
        key,
        about=phrases.scenario_summary(words, column.used),
        **{name: write(amount) for name, amount in amounts.items()},
    )


def _conditions(words: ReportWords, column: ScenarioColumn) -> list[str]:
    """Return the conditions under which the verdict holds."""
    scenario = column.used
    assumed = {
        name: phrases.assumption_text(words, scenario, name)
        for name in ("review", "escape", "cases_per_day")
    }
    people = (
        words("minutes.verdict.condition.miss", miss=words.percent(scenario.reviewer_miss))
        if scenario.reviewer_miss
        else words("minutes.verdict.condition.no_miss")
    )
    retraining = words.money(scenario.retraining_per_month, scenario.currency)
    texts = assumed | {"people": people, "retraining": retraining}
    lines = [words("minutes.verdict.condition.costs", **texts)]
    if not scenario.unseen:
        lines.append(words("minutes.verdict.condition.unseen"))
    if not column.unchanged:
        lines.append(words("meeting.changed", name=column.name))
    return lines


def _decided_by(words: ReportWords, log: Sequence[MeetingDecision]) -> str:
    if not log:
        return words("minutes.verdict.undecided")
    last = log[-1]
    return words(
        "minutes.verdict.decided",
        decision=" ".join(last.decision.split()),
        author=last.author,
        at=f"{words.time(last.decided_at)} {last.decided_at.tzname() or ''}",
    )


def _comparison(
    words: ReportWords, column: ScenarioColumn, full_time: FullTime | None
) -> DocumentTable:
    """Return cost, reviews, people and escapes of reviewing everything and of the scenario."""
    scenario, volume = column.used, column.figures.consequence.cases_per_day
    reviews, escapes = column.measure("reviews_per_day"), column.measure("escapes_per_month")
    rows = [
        _row(words, scenario.currency, "money_per_month", review_all_cost(column), column),
        _row(words, scenario.currency, "reviews_per_day", volume, column),
    ]
    if full_time is not None and reviews.value is not None:
        # the minutes of the scenario: its cost of a review rests on them
        at_minutes = replace(full_time, minutes=scenario.minutes)
        rows.append(_people_row(words, volume, reviews, at_minutes))
    if escapes.value is not None:
        slips = scenario.reviewer_miss * volume * DAYS_PER_MONTH
        rows.append(_row(words, scenario.currency, "escapes_per_month", slips, column))
    heads = (
        words("minutes.measure"),
        words("minutes.verdict.review_all"),
        words("minutes.verdict.scenario", name=column.name),
        words("minutes.verdict.interval"),
    )
    return DocumentTable(heads, tuple(rows), (3, 2, 2, 3))


def _row(
    words: ReportWords, currency: str, measure: str, all_human: float, column: ScenarioColumn
) -> tuple[TableCell, ...]:
    interval = column.measure(measure)
    # one form for the whole row, whose amounts a reader compares
    write = phrases.measure_form(words, measure, (all_human, *interval.bounds), currency)
    cells = [
        TableCell(
            write(value), value, phrases.number_pattern(words, measure, write(value), currency)
        )
        for value in (all_human, interval.value)
    ]
    ends = (
        ""
        if interval.value is None
        else words("card.interval", low=write(interval.low), high=write(interval.high))
    )
    return text_cell(phrases.measure_label(words, measure)), *cells, text_cell(ends)


def _people_row(
    words: ReportWords, volume: float, reviews: Interval, full_time: FullTime
) -> tuple[TableCell, ...]:
    # whole people, as the page Decide counts them
    people = [
        full_time.least(per_day) if per_day else 0 for per_day in (volume, reviews.estimate[0])
    ]
    cells = [TableCell(words.number(n, 0), n, "#,##0") for n in people]
    basis = words("minutes.verdict.people.basis", minutes=f"{full_time.minutes:g}")
    return text_cell(words("minutes.verdict.people")), *cells, text_cell(basis)
