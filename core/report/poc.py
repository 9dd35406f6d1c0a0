"""Report the proof of concept of a meeting's scenario: its plan, and a chart of the interval's width
against labelled cases.

Draws nothing: the chart is data, the same for the page and for every export.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.decision.meeting.poc import LabelNeed, TrialPlan, plan_trial, width_frame
from core.report.document import LineChart
from core.report.meeting import RunCounts, ScenarioColumn, trial_units
from core.report.phrases import ReportWords


@dataclass(frozen=True)
class TrialReport:
    """The plan of a scenario's trial and its terms: width, target and delta as shares, and days."""

    name: str
    rival: str | None  # the scenario to compare with
    plan: TrialPlan
    terms: dict[str, float]
    days: int


def trial_report(
    columns: Sequence[ScenarioColumn],
    name: str,
    counts: RunCounts,
    terms: dict[str, float],
    days: int,
) -> TrialReport:
    """Return the plan for scenario `name`, compared with the first other scenario of known risk.

    columns: the scenarios of the meeting.
    name: of the scenario to try.
    counts: the present counts of its run.
    terms: width, target and delta, shares.
    days: the longest duration.

    Raises SettingsError for a share out of range.
    """
    scenario_column = next(column for column in columns if column.name == name)
    others = [
        c for c in columns if c.name != name and c.measure("selective_risk").value is not None
    ]
    rival = others[0] if others else None
    risk = rival.measure("selective_risk").value if rival else None
    return TrialReport(
        name,
        rival.name if rival else None,
        plan_trial(trial_units(scenario_column, counts), **terms, days=days, rival=risk),
        terms,
        days,
    )


def trial_width_chart(words: ReportWords, poc: TrialReport) -> LineChart | None:
    """Return the chart of the half width of the risk's interval against accepted labelled cases,
    with marks at today's n and the needed one; None if the risk is unknown.
    """
    risk = poc.plan.unit.risk
    if risk.value is None:
        return None
    needed = next(need.cases for need in poc.plan.needs if need.question == "width")
    if needed is None:
        return None
    # Twice the larger n leaves both marks clear of the right edge.
    value, low, high = risk.estimate
    frame = width_frame(value, 2 * max(needed, risk.n))
    marks = (
        (float(risk.n), (high - low) / 2, words("poc.now", n=words.number(risk.n, 0))),
        (float(needed), poc.terms["width"], words("poc.needed", n=words.number(needed, 0))),
    )
    axes = words("poc.width"), words("poc.axis.n"), words("poc.axis.width")
    return LineChart(
        *axes, tuple(map(float, frame["n"])), tuple(map(float, frame["half_width"])), marks, "0.0%"
    )


def trial_sentences(words: ReportWords, poc: TrialReport) -> tuple[list[str], list[str]]:
    """Return the plan in plain text: sentences on the unit and the present risk; then a sentence
    for each need.
    """
    basis, risk = [_unit(words, poc), _present(words, poc)], poc.plan.unit.risk
    if risk.value is not None and risk.value > poc.terms["target"]:
        shares = {"value": words.percent(risk.value), "target": words.percent(poc.terms["target"])}
        basis.append(words("poc.promise.unlikely", **shares))
    return basis, [_need(words, need, poc) for need in poc.plan.needs]


def _unit(words: ReportWords, poc: TrialReport) -> str:
    unit = poc.plan.unit
    texts = {
        "segment": unit.segment or words("segment.all"),
        "cases": words.number(unit.cases_per_day, figures=3),
    }
    texts |= {
        "accepted": words.number(unit.accepted_per_day, figures=3),
        "days": words.number(poc.days, 0),
    }
    return words("poc.unit.fits" if poc.plan.fits else "poc.unit.late", name=poc.name, **texts)


def _present(words: ReportWords, poc: TrialReport) -> str:
    risk = poc.plan.unit.risk
    if risk.value is None:
        return words("poc.present.none")
    value, low, high = risk.estimate
    return words(
        "poc.present",
        n=words.number(risk.n, 0),
        half=words.percent((high - low) / 2),
        value=words.percent(value),
        low=words.percent(low),
        high=words.percent(high),
    )


def _need(words: ReportWords, label_need: LabelNeed, poc: TrialReport) -> str:
    texts = {
        "width": words.percent(poc.terms["width"]),
        "target": words.percent(poc.terms["target"]),
    }
    texts |= {"sure": words.percent(1 - poc.terms["delta"], 0), "rival": poc.rival or ""}
    question = words(f"poc.need.{label_need.question}", **texts)
    if label_need.cases is None:
        return question + words("poc.no_number")
    size = question + words("poc.cases", n=words.number(label_need.cases, 0))
    return size + (
        words("poc.no_days")
        if label_need.days is None
        else words("poc.days_needed", days=words.number(label_need.days, 0))
    )
