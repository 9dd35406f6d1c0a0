"""The result of a proof of concept in words: lines for a terminal, and a document to take away.

Sentences come from the catalogue core/messages/<language>/poc.po; figures have the form of the
language.
"""

import math
from dataclasses import dataclass
from datetime import datetime

from core.counts.tally import scaled_interval
from core.decision.meeting.poc import cases_for_width
from core.decision.thresholds.costs import DAYS_PER_MONTH
from core.decision.thresholds.route import RouteAtThreshold
from core.decision.thresholds.verdict import DO_NOT_ADOPT, policy_verdict
from core.messages import sentence
from core.messages.figures import DASH, FigureFormat
from core.report.document import (
    BarChart,
    DocumentSection,
    DocumentTable,
    ReportDocument,
    TableCell,
    text_cell,
)
from core.report.poc_result import PocResult
from core.types import Interval

GROUPS_IN_REPORT = 6  # groups that a sentence names
LONGEST_TRIAL = 365  # days, above which a number of cases is no advice
RISK_WIDTH = 0.02  # half width of the risk's interval that a reader may aim at
_HEADS = ("option", "accuracy", "accepted", "risk", "cost", "saving", "speed")


@dataclass(frozen=True)
class FigureText(FigureFormat):
    """Figures and sentences of one language; amounts are in one currency."""

    currency: str

    def __call__(self, key: str, **values: object) -> str:
        """Return the sentence `poc.<key>`."""
        return sentence(self.language, f"poc.{key}", **values)

    def amount(self, value: float | None) -> str:
        """Return an amount of money, from a hundred million in short form."""
        return self.money_in_short(value, self.currency)

    def monthly(self, daily: Interval) -> dict[str, str]:
        """Return value, low and high of an amount a day as amounts a month."""
        month = scaled_interval(daily, DAYS_PER_MONTH)
        write = self.money_form(month.bounds, self.currency, in_short=True)
        return {end: write(getattr(month, end)) for end in ("value", "low", "high")}


def figure_text(result: PocResult, language: str) -> FigureText:
    """Return the words of a result in a language."""
    return FigureText(language, result.assumed.currency)


def verdict_lines(text: FigureText, result: PocResult) -> list[str]:
    """Return the verdict, then a sentence on each question that follows from it."""
    return [*_decision_lines(text, result), *_background_lines(text, result)]


def _decision_lines(text: FigureText, result: PocResult) -> list[str]:
    """Return the verdict, what it means, and its reasons."""
    return [
        text(f"verdict.{result.verdict.decision}"),
        _meaning(text, result),
        *(text(f"reason.{reason}") for reason in result.verdict.reasons),
    ]


def _background_lines(text: FigureText, result: PocResult) -> list[str]:
    """Return what the verdict rests on, and what would change it."""
    return [
        text("assumed", **_assumptions(text, result)),
        *_against_passes(text, result),
        _payback(text, result),
        *_way_to_yes(text, result),
        *_enough_cases(text, result),
        *_against_rival(text, result),
    ]


def _meaning(text: FigureText, result: PocResult) -> str:
    student = result.student.consequence
    if not student.accepted:
        return text("nothing_accepted", n=result.calibration_cases)
    saving = result.verdict.saving_per_day
    # A negative saving is written as what it costs.
    loses = saving.value is not None and saving.value < 0
    return text(
        "meaning_loss" if loses else "meaning",
        n=int(student.labelled),
        threshold=text.number(float(student.threshold), 3),
        coverage=text.percent(student.coverage.value),
        risk=text.percent(student.selective_risk.value),
        calibration=text.number(result.calibration_cases, 0),
        **text.monthly(scaled_interval(saving, -1.0) if loses else saving),
    )


def _assumptions(text: FigureText, result: PocResult) -> dict[str, str]:
    assumed = result.assumed
    return {
        "volume": text.number(assumed.cases_per_day, figures=3),
        "review": text.amount(assumed.review),
        "escape": text.amount(assumed.escape),
        "machine": text.amount(assumed.machine_hour),
        "retraining": text.amount(result.student.consequence.cost_model.costs.retraining_per_month),
    }


def _against_passes(text: FigureText, result: PocResult) -> list[str]:
    teacher, student = result.outcomes.get("teacher"), result.student
    if teacher is None or teacher.seconds is None or student.seconds is None:
        return []
    model = student.consequence.cost_model
    hours = (teacher.seconds - student.seconds) * model.cases_per_day * DAYS_PER_MONTH / 3600
    return [
        text(
            "passes",
            n=teacher.record.run.samples,
            one=text.number(1000 * student.seconds, 2),
            all=text.number(1000 * teacher.seconds, 2),
            times=text.number(teacher.seconds / student.seconds, 1),
            accuracy=text.percent(student.accuracy),
            teacher_accuracy=text.percent(teacher.accuracy),
            minutes=text.number(60 * hours),
            saved=_small_amount(text, hours * model.costs.machine_hour),
        )
    ]


def _small_amount(text: FigureText, amount: float) -> str:
    """Return an amount that may be below the currency's unit: "0" would read as free."""
    return text("below", amount=text.amount(1)) if 0 < amount < 1 else text.amount(amount)


def _payback(text: FigureText, result: PocResult) -> str:
    values = {
        "once": text.amount(sum(result.once.values())),
        "machine": _small_amount(text, result.once["machine"]),
        "minutes": text.number(60 * result.machine_hours, 1),
    }
    if result.payback_months is None:
        return text("no_payback", **values)
    return text("payback", months=text.number(math.ceil(result.payback_months), 0), **values)


def _way_to_yes(text: FigureText, result: PocResult) -> list[str]:
    lines = [] if result.route is None else [_route_text(text, result.route)]
    if result.verdict.decision != "adopt" and result.break_even_escape:
        lines.append(text("break_even", escape=text.amount(result.break_even_escape)))
    return lines


def _route_text(text: FigureText, route: RouteAtThreshold) -> str:
    """Return what sending groups to people brings, or that it leads to no yes."""
    verdict = policy_verdict(route.consequence)
    if verdict.decision == DO_NOT_ADOPT:
        return text("no_route")
    groups = list(route.groups[:GROUPS_IN_REPORT])
    if hidden := len(route.groups) - len(groups):
        groups.append(text("route.more", n=hidden))
    return text(
        "route",
        n=route.folds,
        groups=groups,
        verdict=text(f"verdict.{verdict.decision}"),
        **text.monthly(verdict.saving_per_day),
    )


def _enough_cases(text: FigureText, result: PocResult) -> list[str]:
    """Return whether these cases exclude a loss, and how many would make the risk precise."""
    student, lines = result.student.consequence, []
    labelled = int(student.labelled)
    if result.cases_needed is None:
        lines.append(text("cases.never", n=labelled))
    elif result.cases_needed <= labelled:
        lines.append(text("cases.enough", n=labelled))
    else:
        days = result.cases_needed / student.cost_model.cases_per_day
        key = "cases.more" if days <= LONGEST_TRIAL else "cases.too_many"
        values = {"needed": text.number(result.cases_needed, 0), "days": text.number(days, 0)}
        lines.append(text(key, n=labelled, **values))
    if student.selective_risk.value is not None:
        needed = cases_for_width(student.selective_risk.value, RISK_WIDTH)
        accepted = text.number(student.accepted_labelled, 0)
        width = text.number(100 * RISK_WIDTH, 0)
        lines.append(text("cases.width", n=needed, accepted=accepted, width=width))
    return lines


def _against_rival(text: FigureText, result: PocResult) -> list[str]:
    """Return whether the plainest model does as well, and which option of the table is cheapest."""
    lines, rival = [], result.rival
    if rival is not None and rival.nll.value is not None and rival.accuracy.value is not None:
        ends = {"nll": rival.nll.value, "low": rival.nll.low, "high": rival.nll.high}
        values = {name: text.number(x, 3) for name, x in ends.items()}
        values["accuracy"] = text.number(100 * rival.accuracy.value, 1)
        name = text("option.linear")
        lines.append(text(f"rival.{rival.winner}", n=rival.nll.n, rival=name, **values))
    savings = {
        kind: policy_verdict(outcome.consequence).saving_per_day
        for kind, outcome in result.outcomes.items()
    }
    # Chosen on the judged cases, so the sentence says that the order may be chance.
    measured = {kind: saving for kind, saving in savings.items() if saving.value is not None}
    best = max(measured, key=lambda kind: measured[kind].value or 0.0, default="student")
    if best != "student" and (measured[best].value or 0.0) > 0:
        option = text(f"option.{best}", n=result.outcomes[best].record.run.samples)
        lines.append(text("cheapest", option=option, **text.monthly(measured[best])))
    return lines


def poc_document(
    result: PocResult, language: str, notices: list[str], reported_at: datetime
) -> ReportDocument:
    """Return the report: the decision with its pictures on page 1, then what it rests on, and the
    identity of the runs.

    notices: sentences on the split and the cases that were left out. reported_at: time of the
    report.
    """
    text = figure_text(result, language)
    title, *lines = _decision_lines(text, result)
    origin_line = text(
        "made",
        at=f"{reported_at:%Y-%m-%d %H:%M} {reported_at.tzname() or ''}".strip(),
        line=result.line,
    )
    sections = (
        DocumentSection(
            title, (*lines, text("charts")), _charts(text, result), (_options(text, result),)
        ),
        DocumentSection(text("background"), (*_background_lines(text, result), *notices)),
        DocumentSection(text("runs"), tables=(_runs(text, result),)),
    )
    return ReportDocument(
        language, text("title", line=result.line), origin_line, sections, (origin_line,)
    )


def option_rows(text: FigureText, result: PocResult) -> list[tuple[str, ...]]:
    """Return the options in the order of _HEADS: reviewing everything, then each model."""
    by_hand = result.student.consequence.cost_model.review_all * DAYS_PER_MONTH
    rows: list[tuple[str, ...]] = [
        (text("option.by_hand"), DASH, text.percent(0), DASH, text.amount(by_hand), DASH, DASH)
    ]
    for kind, outcome in result.outcomes.items():
        consequence, seconds = outcome.consequence, outcome.seconds
        rows.append(
            (
                text(f"option.{kind}", n=outcome.record.run.samples),
                text.percent(outcome.accuracy),
                text.percent(consequence.coverage.value),
                text.percent(consequence.selective_risk.value),
                text.monthly(consequence.money_per_day)["value"],
                text.monthly(policy_verdict(consequence).saving_per_day)["value"],
                DASH if seconds is None else text.number(1000 * seconds, 2),
            )
        )
    return rows


def option_heads(text: FigureText) -> tuple[str, ...]:
    """Return the headings of `option_rows`."""
    return tuple(text(f"head.{name}") for name in _HEADS)


def _options(text: FigureText, result: PocResult) -> DocumentTable:
    rows = tuple(tuple(text_cell(cell) for cell in row) for row in option_rows(text, result))
    return DocumentTable(option_heads(text), rows, (3, 1.2, 1.4, 1.4, 1.8, 1.8, 1.4))


def _charts(text: FigureText, result: PocResult) -> tuple[BarChart, ...]:
    measures = {
        "accepted": lambda o: o.consequence.coverage,
        "risk": lambda o: o.consequence.selective_risk,
    }
    charts = []
    for name, measure in measures.items():
        estimates = {
            text(f"option.{kind}", n=outcome.record.run.samples): measure(outcome)
            for kind, outcome in result.outcomes.items()
        }
        charts.append(
            BarChart(
                text(f"head.{name}"),
                tuple(estimates),
                tuple(x.value for x in estimates.values()),
                tuple(x.low for x in estimates.values()),
                tuple(x.high for x in estimates.values()),
                tuple(text.percent(x.value) for x in estimates.values()),
                "0.0%",
                (text("head.value"), text("head.low"), text("head.high")),
            )
        )
    return tuple(charts)


def _runs(text: FigureText, result: PocResult) -> DocumentTable:
    rows = [
        (
            text_cell(text(f"option.{kind}", n=outcome.record.run.samples)),
            text_cell(outcome.record.run.run_id),
            text_cell(outcome.record.run.model_hash[:12]),
            text_cell(outcome.record.run.inputs_hash[:12]),
            TableCell(text.number(outcome.record.cases, 0), outcome.record.cases, "#,##0"),
        )
        for kind, outcome in result.outcomes.items()
    ]
    heads = ("option", "run", "model", "inputs", "cases")
    return DocumentTable(
        tuple(text(f"head.{name}") for name in heads), tuple(rows), (3, 5, 1.6, 1.6, 1)
    )
