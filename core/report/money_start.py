"""Build the first money scenario of a run: measured inputs where runs have them, assumptions
elsewhere.

A measured input names its runs. An assumed input follows from the three unit costs that the user
set (a review, an escape, a machine hour), with low and high far apart: a starting point for
discussion, not a quotation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.special import gammaincinv

from core.counts.histogram import AcceptanceCurve
from core.decision.money import measured
from core.decision.money.scenario import MEASURED, MoneyScenario, ScenarioQuantity, assumed_quantity
from core.decision.thresholds.consequence import PolicyConsequence, threshold_consequence
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.volume import run_volume
from core.errors import NotFoundError
from core.types import RunRecord

DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True)
class MeasuredRuns:
    """The runs of a first scenario, and counts of the same cases by model kind, with a student."""

    same: Mapping[str, RunRecord]
    counts: Mapping[str, AcceptanceCurve]
    records: Sequence[RunRecord]  # all runs of the same dataset
    threshold: float
    cases_per_day: float | None  # as typed; None measures it from the student's dates
    include_unseen: bool = True
    minutes: float = 5.0  # of one review

    def at(self, kind: str, threshold: float) -> PolicyConsequence:
        """Return the consequence of a threshold at a volume of one case a day."""
        return threshold_consequence(
            self.counts[kind], threshold, CostModel(1.0), self.include_unseen
        )


def default_scenario(facts: MeasuredRuns, costs: UnitCosts, months: int = 36) -> MoneyScenario:
    """Return the first scenario: measured inputs, else assumed ones.

    Raises NotFoundError without a scoring of the student, SettingsError for a value out of range.
    """
    if "student" not in facts.same:
        raise NotFoundError("report.no_student_scoring")
    quantities = measured_quantities(facts)
    inputs: dict[str, Any] = {**_assumed(facts, costs, quantities), **quantities}
    return MoneyScenario(currency=costs.currency, months=months, **inputs)


def measured_quantities(facts: MeasuredRuns) -> dict[str, ScenarioQuantity]:
    """Return every input that the facts measure.

    Raises NoCasesError if the student accepts no labelled case.
    """
    # Seconds of another device are left out: a scenario has one machine.
    device = facts.same["student"].metrics.get("device")
    records = [
        r for r in facts.records if r.run.kind != "score" or r.metrics.get("device") == device
    ]
    inputs = measured.measured_inputs(records)
    for kind in {"student", "teacher"} & set(facts.counts):
        consequence = facts.at(kind, facts.threshold)
        # A teacher that accepts nothing is assumed to be like the student.
        if kind == "student" or consequence.selective_risk.value is not None:
            inputs |= measured.measured_shares(consequence, facts.same[kind].run.run_id, kind)
    inputs |= measured.measured_error(facts.at("student", 0.0), facts.same["student"].run.run_id)
    return inputs | _volume(facts)


def refresh_measured(
    scenario: MoneyScenario, known: Mapping[str, ScenarioQuantity]
) -> MoneyScenario:
    """Return the scenario with its measured inputs from the present facts; assumed inputs stay."""
    inputs = scenario.inputs()
    return scenario.changed(
        **{name: q for name, q in known.items() if inputs[name].basis == MEASURED}
    )


def quantity_with_end(quantity: ScenarioQuantity, end: str, value: float) -> ScenarioQuantity:
    """Return `quantity` with another low, likely or high, as an assumption. The other two points
    move where low <= likely <= high requires it.
    """
    points = dict(zip(("low", "likely", "high"), quantity.points, strict=True)) | {end: value}
    order = list(points)
    # The points keep their order: later points rise to the new value, earlier ones fall to it.
    for other_end in order[order.index(end) + 1 :]:
        points[other_end] = max(points[other_end], value)
    for other_end in order[: order.index(end)]:
        points[other_end] = min(points[other_end], value)
    return assumed_quantity(**points, unit=quantity.unit)


def _volume(facts: MeasuredRuns) -> dict[str, ScenarioQuantity]:
    """Return the cases a month from the dates of the counted cases, with Garwood's exact interval
    of a Poisson count (1936).
    """
    record, n = facts.same["student"], facts.at("student", 0.0).cases
    volume = run_volume(record)
    if facts.cases_per_day is not None or volume is None:
        return {}
    per_case = 1 / volume.days
    low = float(gammaincinv(n, 0.025)) if n else 0.0
    low, likely, high = (
        x * per_case * DAYS_A_MONTH for x in (low, n, float(gammaincinv(n + 1, 0.975)))
    )
    unit = "cases/month"
    return {
        "cases_per_month": ScenarioQuantity(
            low=low, likely=likely, high=high, unit=unit, basis=MEASURED, runs=(record.run.run_id,)
        )
    }


def _assumed(
    facts: MeasuredRuns, costs: UnitCosts, known: Mapping[str, ScenarioQuantity]
) -> dict[str, ScenarioQuantity]:
    """Return an assumption for every input without a measurement. The cost and minutes of a review
    give the hour of a reviewer, and that hour gives the rest.
    """
    hour, count = costs.review * 60 / facts.minutes, facts.at("student", 0.0).cases
    is_whole = (
        (facts.cases_per_day or 100.0) * DAYS_A_MONTH * count / max(1, facts.same["student"].cases)
    )

    def around(likely: float, unit: str, low: float = 0.5, high: float = 2.0) -> ScenarioQuantity:
        return assumed_quantity(low * likely, likely, high * likely, unit)

    seconds = known["student_seconds"].likely if "student_seconds" in known else 0.01
    quality = {
        f"teacher_{name}": assumed_quantity(*known[f"student_{name}"].points, "share")
        for name in ("coverage", "selective_risk")
    }
    return quality | {
        "cases_per_month": around(is_whole, "cases/month", 0.8, 1.25),
        "review_minutes": around(facts.minutes, "minutes/case"),
        "reviewer_hour": around(hour, "currency/hour", 0.8, 1.25),
        "engineer_hour": around(2 * hour, "currency/hour", 0.8, 1.25),
        "escape": around(costs.escape, "currency/case"),
        "student_seconds": around(seconds, "seconds/case"),
        "teacher_seconds": around(10 * seconds, "seconds/case"),
        "machine_hour": around(costs.machine_hour, "currency/hour"),
        "teacher_hours": assumed_quantity(0.5, 1, 4, "hours"),
        "distillation_hours": assumed_quantity(0.5, 1, 4, "hours"),
        "labels": assumed_quantity(500, 1500, 3000, "labels"),
        "label": around(costs.review, "currency/label"),
        "integration": around(200 * hour, "currency"),
    }
