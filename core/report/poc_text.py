"""The result of a proof of concept in words: lines for a terminal, and a document to take away.

Sentences come from the catalogue core/messages/<language>/poc.po; figures have the form of the
language.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from babel.numbers import format_compact_currency, format_currency, format_decimal, format_percent

from core.decision.meeting.poc import cases_for_width
from core.decision.thresholds.costs import DAYS_PER_MONTH
from core.decision.thresholds.verdict import policy_verdict
from core.messages import sentence
from core.report.document import (
    BarChart,
    DocumentSection,
    DocumentTable,
    ReportDocument,
    TableCell,
    text_cell,
)
from core.report.poc_result import ModelOutcome, PocResult
from core.types import Interval

NAMED_GROUPS = 6  # groups that a sentence names
RISK_WIDTH = 0.02  # half width of the risk's interval that a reader may aim at
_HEADS = ("option", "accuracy", "accepted", "risk", "cost", "saving", "speed")


@dataclass(frozen=True)
class FigureText:
    """Figures and sentences of one language and currency."""

    language: str
    currency: str

    def __call__(self, key: str, **values: object) -> str:
        """Return the sentence `poc.<key>`."""
        return sentence(self.language, f"poc.{key}", **values)

    def money(self, value: float | None) -> str:
        """Return an amount: with the currency's decimals below 1,000, and short from a million."""
        if value is None:
            return "-"
        if abs(value) >= 1e6:
            return format_compact_currency(
                value, self.currency, locale=self.language, fraction_digits=2
            )
        # Babel has no other way to drop the decimals of one currency's amounts.
        form = "¤#,##0" if abs(value) >= 1000 else None
        return format_currency(
            value, self.currency, form, locale=self.language, currency_digits=form is None
        )

    def share(self, value: float | None, digits: int = 1) -> str:
        """Return a share as a percentage."""
        form = "#,##0." + "0" * digits + "%"
        return "-" if value is None else format_percent(value, form, locale=self.language)

    def number(self, value: float | None, form: str = "#,##0.#") -> str:
        """Return a number with at most one decimal."""
        return "-" if value is None else format_decimal(value, form, locale=self.language)

    def monthly(self, daily: Interval) -> dict[str, str]:
        """Return value, low and high of an amount a day as amounts a month."""
        ends = {"value": daily.value, "low": daily.low, "high": daily.high}
        return {
            name: self.money(None if x is None else x * DAYS_PER_MONTH) for name, x in ends.items()
        }


def figure_text(result: PocResult, language: str) -> FigureText:
    """Return the words of a result in a language."""
    return FigureText(language, result.assumed.currency)


def verdict_lines(text: FigureText, result: PocResult) -> list[str]:
    """Return the verdict, then a sentence on each question that follows from it."""
    return [
        text(f"verdict.{result.verdict.decision}"),
        _meaning(text, result),
        *(text(f"reason.{reason}") for reason in result.verdict.reasons),
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
    return text(
        "meaning",
        n=int(student.labelled),
        threshold=text.number(float(student.threshold), "0.000"),
        coverage=text.share(student.coverage.value),
        risk=text.share(student.selective_risk.value),
        calibration=text.number(result.calibration_cases),
        **text.monthly(result.verdict.saving_per_day),
    )


def _assumptions(text: FigureText, result: PocResult) -> dict[str, str]:
    assumed = result.assumed
    return {
        "volume": text.number(assumed.cases_per_day),
        "review": text.money(assumed.review),
        "escape": text.money(assumed.escape),
        "machine": text.money(assumed.machine_hour),
        "retraining": text.money(result.student.consequence.cost_model.costs.retraining_per_month),
    }


def _against_passes(text: FigureText, result: PocResult) -> list[str]:
    teacher, student = result.outcomes.get("teacher"), result.student
    if teacher is None or teacher.seconds is None or student.seconds is None:
        return []
    return [
        text(
            "passes",
            n=teacher.record.run.samples,
            one=text.number(1000 * student.seconds, "0.00"),
            all=text.number(1000 * teacher.seconds, "0.00"),
            times=text.number(teacher.seconds / student.seconds, "0.0"),
            accuracy=text.share(student.accuracy),
            teacher_accuracy=text.share(teacher.accuracy),
            cost=_machine(text, student),
            teacher_cost=_machine(text, teacher),
        )
    ]


def _machine(text: FigureText, outcome: ModelOutcome) -> str:
    """Return the money a month of the machine."""
    model = outcome.consequence.cost_model
    per_case = model.costs.inference(outcome.seconds) or 0.0
    amount = per_case * model.cases_per_day * DAYS_PER_MONTH
    # Yen have no decimals, and "0" would read as free.
    return text("below", amount=text.money(1)) if 0 < amount < 1 else text.money(amount)


def _payback(text: FigureText, result: PocResult) -> str:
    values = {
        "once": text.money(sum(result.once.values())),
        "machine": text.money(result.once["machine"]),
        "minutes": text.number(60 * result.machine_hours),
    }
    if result.payback_months is None:
        return text("no_payback", **values)
    return text("payback", months=text.number(result.payback_months), **values)


def _way_to_yes(text: FigureText, result: PocResult) -> list[str]:
    lines = []
    if result.route is not None:
        groups = list(result.route.groups[:NAMED_GROUPS])
        hidden = len(result.route.groups) - len(groups)
        verdict = policy_verdict(result.route.consequence)
        lines.append(
            text(
                "route",
                n=result.route.folds,
                groups=[*groups, *([text("route.more", n=hidden)] if hidden else [])],
                verdict=text(f"verdict.{verdict.decision}"),
                **text.monthly(verdict.saving_per_day),
            )
        )
    if result.verdict.decision != "adopt" and result.break_even_escape:
        lines.append(text("break_even", escape=text.money(result.break_even_escape)))
    return lines


def _enough_cases(text: FigureText, result: PocResult) -> list[str]:
    """Return whether these cases exclude a loss, and how many would make the risk precise."""
    student, lines = result.student.consequence, []
    labelled = int(student.labelled)
    if result.cases_needed is None:
        lines.append(text("cases.never", n=labelled))
    elif result.cases_needed <= labelled:
        lines.append(text("cases.enough", n=labelled))
    else:
        lines.append(text("cases.more", n=labelled, needed=text.number(result.cases_needed)))
    if student.selective_risk.value is not None:
        needed = cases_for_width(student.selective_risk.value, RISK_WIDTH)
        accepted = text.number(student.accepted_labelled)
        width = text.number(100 * RISK_WIDTH)
        lines.append(text("cases.width", n=needed, accepted=accepted, width=width))
    return lines


def _against_rival(text: FigureText, result: PocResult) -> list[str]:
    if result.rival is None:
        return []
    return [replace(result.rival, model=text("student")).sentence(text.language)]


def poc_document(
    result: PocResult, language: str, notices: list[str], at: datetime
) -> ReportDocument:
    """Return the report: the decision on page 1, then the models, and the identity of the runs.

    notices: sentences on the split and the cases that were left out. at: time of the report.
    """
    text = figure_text(result, language)
    title, *lines = verdict_lines(text, result)
    made = text("made", at=f"{at:%Y-%m-%d %H:%M} {at.tzname() or ''}".strip(), line=result.line)
    sections = (
        DocumentSection(title, tuple(lines), tables=(_options(text, result),)),
        DocumentSection(text("charts"), tuple(notices), _charts(text, result)),
        DocumentSection(text("runs"), tables=(_runs(text, result),)),
    )
    return ReportDocument(language, text("title", line=result.line), made, sections, (made,))


def option_rows(text: FigureText, result: PocResult) -> list[tuple[str, ...]]:
    """Return the options in the order of _HEADS: reviewing everything, then each model."""
    by_hand = result.student.consequence.cost_model.review_all * DAYS_PER_MONTH
    rows: list[tuple[str, ...]] = [
        (text("option.by_hand"), "-", text.share(0), "-", text.money(by_hand), "-", "-")
    ]
    for kind, outcome in result.outcomes.items():
        consequence, seconds = outcome.consequence, outcome.seconds
        rows.append(
            (
                text(f"option.{kind}", n=outcome.record.run.samples),
                text.share(outcome.accuracy),
                text.share(consequence.coverage.value),
                text.share(consequence.selective_risk.value),
                text.monthly(consequence.money_per_day)["value"],
                text.monthly(policy_verdict(consequence).saving_per_day)["value"],
                "-" if seconds is None else text.number(1000 * seconds, "0.00"),
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
                tuple(text.share(x.value) for x in estimates.values()),
                "0.0%",
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
            TableCell(text.number(outcome.record.cases), outcome.record.cases, "#,##0"),
        )
        for kind, outcome in result.outcomes.items()
    ]
    heads = ("option", "run", "model", "inputs", "cases")
    return DocumentTable(
        tuple(text(f"head.{name}") for name in heads), tuple(rows), (3, 5, 1.6, 1.6, 1)
    )
