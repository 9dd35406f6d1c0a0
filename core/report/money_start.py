"""The scenario that a run's figures begin with: measured where runs measured, assumed where nobody
did.

What runs measured is marked with their ids. What nobody measured starts from the three unit costs
that people gave (a review, an escape, a machine hour) and is marked as assumed, low and high far
apart: a starting point to argue over, not a quotation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    """What a scenario can start from: runs, and counts of the same cases by model kind (the
    student's at least).
    """

    same: Mapping[str, RunRecord]
    counts: Mapping[str, AcceptanceCurve]
    records: Sequence[RunRecord]  # all runs of the same dataset
    threshold: float
    cases_per_day: float | None  # typed by somebody; None is measured from the student's dates
    include_unseen: bool = True
    minutes: float = 5.0  # of one review

    def at(self, kind: str, threshold: float) -> PolicyConsequence:
        """What a threshold means, a case a day."""
        return threshold_consequence(
            self.counts[kind], threshold, CostModel(1.0), self.include_unseen
        )


def default_scenario(facts: MeasuredRuns, costs: UnitCosts, months: int = 36) -> MoneyScenario:
    """The scenario to begin with: measured where runs measured, else assumed. Raises NotFoundError,
    SettingsError.
    """
    if "student" not in facts.same:
        raise NotFoundError("report.no_student_scoring")
    quantities = measured_quantities(facts)
    return MoneyScenario(
        currency=costs.currency, months=months, **(_assumed(facts, costs, quantities) | quantities)
    )


def measured_quantities(facts: MeasuredRuns) -> dict[str, ScenarioQuantity]:
    """Every input that the facts measure. Raises SettingsError where the student accepts no
    labelled case.
    """
    device = facts.same["student"].metrics.get("device")
    records = [
        r for r in facts.records if r.run.kind != "score" or r.metrics.get("device") == device
    ]
    inputs = measured.measured_inputs(records)
    for kind in {"student", "teacher"} & set(facts.counts):
        consequence = facts.at(kind, facts.threshold)
        if (
            kind == "student" or consequence.selective_risk.value is not None
        ):  # a teacher that accepts nothing is assumed like the student
            inputs |= measured.measured_shares(consequence, facts.same[kind].run.run_id, kind)
    inputs |= measured.measured_error(facts.at("student", 0.0), facts.same["student"].run.run_id)
    return inputs | _volume(facts)


def refresh_measured(
    scenario: MoneyScenario, known: Mapping[str, ScenarioQuantity]
) -> MoneyScenario:
    """The scenario with its measured inputs as the facts have them now; what somebody assumed
    stays.
    """
    inputs = scenario.inputs()
    return scenario.changed(
        **{name: q for name, q in known.items() if inputs[name].basis == MEASURED}
    )


def quantity_with_end(quantity: ScenarioQuantity, end: str, value: float) -> ScenarioQuantity:
    """`quantity` with its low, likely or high set by a person, so assumed; the other two give way
    where they must.
    """
    points = dict(zip(("low", "likely", "high"), quantity.points, strict=True)) | {end: value}
    order = list(points)
    for other_end in order[order.index(end) + 1 :]:
        points[other_end] = max(points[other_end], value)
    for other_end in order[: order.index(end)]:
        points[other_end] = min(points[other_end], value)
    return assumed_quantity(**points, unit=quantity.unit)


def _volume(facts: MeasuredRuns) -> dict[str, ScenarioQuantity]:
    """Cases a month from the dates of the cases that count, with Garwood's exact interval of a
    Poisson count (1936).
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
    """What stands in where nothing was measured. The cost and minutes of a review give
    the hour of a reviewer, that gives the rest.
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
