"""Write the figures of a meeting in words, once for the page and for every export.

Pure: words and results in, plain strings out; a page escapes them for its markup. The words come in
as `ReportWords`, because the catalogues belong to the screen: dashboard.i18n.Words implements it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from core.decision.meeting.scenario import MeetingScenario
from core.decision.thresholds.policy import Policy
from core.report.meeting import ScenarioColumn, ScenarioDifference
from core.stats.difference import excludes_zero
from core.types import Interval

# Measure -> the cases that its n counts; every other measure counts labelled cases.
_BASES = {"coverage": "cases", "reviews_per_day": "cases", "selective_risk": "accepted"}
_ASSUMED_NAMES = {"review": "cost.review", "escape": "cost.escape", "cases_per_day": "volume"}


class ReportWords(Protocol):
    """Words and formats of one language."""

    @property
    def language(self) -> str: ...
    def __call__(self, key: str, **values: str) -> str: ...
    def many(self, key: str, n: int, **values: str) -> str: ...
    def number(self, value: float | None, digits: int | None = None, figures: int = 2) -> str: ...
    def percent(self, value: float | None, digits: int = 1) -> str: ...
    def money(self, value: float | None, currency: str) -> str: ...
    def money_form(
        self, amounts: Iterable[float | None], currency: str
    ) -> Callable[[float | None], str]: ...
    def symbol(self, currency: str) -> str: ...
    def axis_unit(self, currency: str, most: float) -> tuple[float, str]: ...
    def writes_yen(self, currency: str) -> bool: ...
    def money_pattern(self, currency: str, digits: int) -> str: ...
    def time(self, value: datetime) -> str: ...


def measure_label(words: ReportWords, measure: str) -> str:
    """Return the name of a measure of core.report.meeting."""
    return words(f"meeting.measure.{measure}")


def measure_text(words: ReportWords, measure: str, value: float | None, currency: str) -> str:
    """Return a value of a measure as text.

    words: of the reader's language.
    measure: one of core.report.meeting.MEASURES.
    value: None if unknown.
    currency: ISO 4217; only money uses it.
    """
    if measure == "money_per_month":
        return words.money(value, currency)
    if measure in ("reviews_per_day", "escapes_per_month"):
        return words.number(value, figures=3)
    return words.percent(value, 2 if measure == "leakage" else 1)


def interval_text(words: ReportWords, measure: str, interval: Interval, currency: str) -> str:
    """Return the 95% interval of a value as text; "" without a value.

    words, measure, currency: as of `measure_text`.
    interval: the value with its interval.
    """
    if interval.value is None:
        return ""
    write = measure_form(words, measure, interval.bounds, currency)
    return words("card.interval", low=write(interval.low), high=write(interval.high))


def measure_form(
    words: ReportWords, measure: str, values: Iterable[float | None], currency: str
) -> Callable[[float | None], str]:
    """Return the function that writes values of a measure, amounts of money in one form.

    words, measure, currency: as of `measure_text`.
    values: those of one sentence or row.
    """
    if measure == "money_per_month":
        return words.money_form(values, currency)
    return lambda value: measure_text(words, measure, value, currency)


def evidence_basis(words: ReportWords, measure: str, n: int) -> str:
    """Return the n of a value as text, with the kind of cases that it counts."""
    return words(f"basis.{_BASES.get(measure, 'labelled')}", n=words.number(n, 0))


def missing_reason(words: ReportWords, column: ScenarioColumn, measure: str) -> str:
    """Return the reason why a measure has no figure; "" if it has one."""
    if column.measure(measure).value is not None:
        return ""
    note = column.figures.consequence.note if measure == "money_per_month" else ""
    return words("meeting.missing", why=words(f"why.{note or 'no_labels'}"))


def rule_text(words: ReportWords, scenario: MeetingScenario) -> str:
    """Return the rule that decides a case: the threshold for all, and the number of others."""
    return policy_text(words, scenario.rule)


def policy_text(words: ReportWords, policy: Policy) -> str:
    """Return a policy in words: the threshold for all, and the number of others."""
    own_thresholds = len(policy.by_class) + len(policy.by_segment) + len(policy.by_cell)
    base = (
        policy.threshold if isinstance(policy.threshold, str) else words.number(policy.threshold, 3)
    )
    parts = [
        words("meeting.rule", t=words("meeting.review_all") if base == policy.threshold else base)
    ]
    if own_thresholds:
        parts.append(words.many("meeting.rule.own", own_thresholds))
    if policy.epistemic_limit is not None:
        limit = words.number(policy.epistemic_limit, figures=2)
        parts.append(words("meeting.rule.epistemic", limit=limit))
    # Japanese puts no space between sentences.
    return (" " if words.language == "en" else "").join(parts)


def scenario_summary(words: ReportWords, scenario: MeetingScenario) -> str:
    """Return the model, cases and rule of a scenario in one line."""
    segment = scenario.segment or words("meeting.about.all")
    kind = words(f"kind.{scenario.model_kind}")
    return words(
        "meeting.about",
        kind=kind,
        dataset=scenario.dataset,
        segment=segment,
        rule=rule_text(words, scenario),
    )


def difference_sentence(
    words: ReportWords, difference: ScenarioDifference, measure: str, currency: str
) -> str:
    """Return one sentence: the difference from the first scenario, and whether these cases
    establish it.
    """
    delta = difference.measures[measure]
    if delta.value is None:
        return words("meeting.difference.unknown", measure=measure_label(words, measure))
    texts = {
        "measure": measure_label(words, measure),
        "base": difference.base,
        "n": words.number(delta.n, 0),
    }
    write = measure_form(words, measure, delta.bounds, currency)
    texts |= {
        end: _signed(words, measure, getattr(delta, end), write) for end in ("value", "low", "high")
    }
    # A difference of 0 without width is certain, so the sentence names no interval.
    if delta.low == delta.high == 0:
        return words("meeting.difference.none", **{k: texts[k] for k in ("measure", "base")})
    sure = "sure" if excludes_zero(delta) else "unsure"
    return words(f"meeting.difference.{sure}", **texts)


def _signed(
    words: ReportWords, measure: str, value: float, write: Callable[[float | None], str]
) -> str:
    """Return a difference with its sign; shares are in percentage points.

    words: of the reader's language.
    measure: one of core.report.meeting.MEASURES.
    value: the difference.
    write: writes a value without a sign.
    """
    # U+2212 is the minus sign, as wide as the plus.
    sign = "\u00b1" if value == 0 else "+" if value > 0 else "\u2212"
    if measure in ("coverage", "selective_risk", "leakage"):
        return sign + words("meeting.points", value=words.number(100 * abs(value), 1))
    return sign + write(abs(value))


def assumption_edits(words: ReportWords, column: ScenarioColumn) -> list[str]:
    """Return the assumptions that the meeting changed, each with its frozen and present value."""
    edits = []
    for name in column.edited:
        before, current = (
            assumption_text(words, s, name) for s in (column.frozen.scenario, column.used)
        )
        edits.append(
            words("meeting.edited", name=words(_ASSUMED_NAMES[name]), before=before, now=current)
        )
    return edits


def assumption_text(words: ReportWords, scenario: MeetingScenario, name: str) -> str:
    """Return the value of an assumption of a scenario as text."""
    value = getattr(scenario, name)
    return (
        words.number(value, figures=3)
        if name == "cases_per_day"
        else words.money(value, scenario.currency)
    )


def number_pattern(words: ReportWords, measure: str, number: str, currency: str) -> str:
    """Return the spreadsheet format that writes a number with the digits of the text `number`.

    words, measure, currency: as of `measure_text`.
    number: the text of the number.
    """
    digits = len(number.rpartition(".")[2].rstrip("%")) if "." in number else 0
    form = "#,##0" + ("." + "0" * digits if digits else "")
    if measure == "money_per_month":
        return words.money_pattern(currency, digits)
    return (
        form
        if measure in ("reviews_per_day", "escapes_per_month")
        else f"0.{'0' * digits}%"
        if digits
        else "0%"
    )


def axis_form(words: ReportWords, most: float, pattern: str, currency: str) -> tuple[float, str]:
    """Return the size of the unit in which a chart counts amounts, and that unit's pattern.

    words, currency: as of `measure_text`.
    most: the largest amount of the chart.
    pattern: of an amount that is not divided.
    """
    size, name = words.axis_unit(currency, most)
    # no spreadsheet format divides by ten thousand
    decimals = ".0" if size < most < 10 * size else ""  # ticks half a unit apart
    return size, f'#,##0{decimals}"{name}"' if words.writes_yen(currency) else pattern
