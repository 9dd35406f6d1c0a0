"""Build the first money scenario of a run: measured inputs where runs have them, assumptions
elsewhere.

A measured input names its runs. An assumed input follows from the unit costs that the user set,
with low and high far apart: a starting point for discussion, not a quotation. The inputs of
SHARED_INPUTS are those of every page: `with_unit_costs` and `unit_costs_of` keep a scenario and the
unit costs equal, whichever of the two the user edits.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import gammaincinv

from core.counts.histogram import AcceptanceCurve
from core.decision.money import measured
from core.decision.money.appraisal import likely_values
from core.decision.money.cashflow import retraining_cost
from core.decision.money.scenario import MEASURED, MoneyScenario, ScenarioQuantity, assumed_quantity
from core.decision.staffing.headcount import REVIEW_MINUTES
from core.decision.thresholds.consequence import PolicyConsequence, threshold_consequence
from core.decision.thresholds.costs import DAYS_PER_MONTH, CostModel, UnitCosts
from core.decision.thresholds.volume import VOLUME_UNKNOWN, run_volume
from core.errors import NotFoundError
from core.types import RunRecord

_RUN_SHARES = ("student_coverage", "student_selective_risk", "student_error")
# Inputs whose likely values are the unit costs of every page.
SHARED_INPUTS = (
    "review_minutes",
    "reviewer_hour",
    "escape",
    "machine_hour",
    "reviewer_miss",
    "audit_share",
    "cashed_share",
)


@dataclass(frozen=True)
class MeasuredRuns:
    """The runs of a first scenario, and counts of the same cases by model kind, with a student."""

    same: Mapping[str, RunRecord]
    counts: Mapping[str, AcceptanceCurve]
    records: Sequence[RunRecord]  # all runs of the same dataset
    threshold: float
    cases_per_day: float | None  # as typed; None measures it from the student's dates
    include_unseen: bool = True
    minutes: float = REVIEW_MINUTES  # of one review
    # of the policy in use, if it is more than the threshold
    policy: PolicyConsequence | None = None

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
    own_seconds = facts.same["student"].metrics.get("seconds_per_case")
    if own_seconds is not None and "student_seconds" in inputs:
        # Likely is the time of the run in use, as on the other pages; other runs widen the range.
        inputs["student_seconds"] = _including(inputs["student_seconds"], float(own_seconds))
    for kind in {"student", "teacher"} & set(facts.counts):
        by_policy = facts.policy if kind == "student" else None
        consequence = by_policy or facts.at(kind, facts.threshold)
        # A teacher that accepts nothing is assumed to be like the student.
        if kind == "student" or consequence.selective_risk.value is not None:
            inputs |= measured.measured_shares(consequence, facts.same[kind].run.run_id, kind)
    inputs |= measured.measured_error(facts.at("student", 0.0), facts.same["student"].run.run_id)
    return inputs | _volume(facts)


def with_unit_costs(scenario: MoneyScenario, costs: UnitCosts, minutes: float) -> MoneyScenario:
    """Return the scenario with these unit costs as the likely values of SHARED_INPUTS.

    scenario: its currency becomes that of the costs. minutes: of one review.
    """
    likely = dict(
        zip(
            SHARED_INPUTS,
            (
                minutes,
                costs.review * 60 / minutes,
                costs.escape,
                costs.machine_hour,
                costs.reviewer_miss,
                costs.audit_share,
                costs.cashed_share,
            ),
            strict=True,
        )
    )
    inputs = scenario.inputs()
    return scenario.changed(
        currency=costs.currency,
        # An address holds 12 digits: a rounding error must not turn a range into another one.
        **{
            name: quantity_with_end(inputs[name], "likely", value)
            for name, value in likely.items()
            if not math.isclose(inputs[name].likely, value, rel_tol=1e-9, abs_tol=1e-12)
        },
    )


def with_volume(scenario: MoneyScenario, cases_per_day: float) -> MoneyScenario:
    """Return the scenario with this volume of counted cases as the likely one, as an assumption."""
    month, quantity = cases_per_day * DAYS_PER_MONTH, scenario.cases_per_month
    if math.isclose(quantity.likely, month, rel_tol=1e-9):
        return scenario
    return scenario.changed(cases_per_month=quantity_with_end(quantity, "likely", month))


def unit_costs_of(scenario: MoneyScenario) -> tuple[UnitCosts, float]:
    """Return the unit costs of a scenario's likely values, and the minutes of one review."""
    minutes, hour, escape, machine, miss, audit, cashed = (
        scenario.inputs()[name].likely for name in SHARED_INPUTS
    )
    retraining = retraining_per_month(scenario)
    costs = UnitCosts(
        hour * minutes / 60, escape, machine, scenario.currency, miss, audit, cashed, retraining
    )
    return costs, minutes


def edited_measurements(scenario: MoneyScenario, seconds_measured: bool) -> list[str]:
    """Return the inputs of the student that its run measures and the scenario assumes.

    The pages without a scenario compute with the run's own values of them. seconds_measured:
    whether the run measured the time of a case; it measures the shares whenever it has a label.
    """
    inputs = scenario.inputs()
    measured_names = _RUN_SHARES + (("student_seconds",) if seconds_measured else ())
    return [name for name in measured_names if inputs[name].basis != MEASURED]


def retraining_per_month(scenario: MoneyScenario) -> float:
    """Return the cost of retraining the student, a month, at the likely values."""
    values = likely_values(scenario)
    hours = values["teacher_hours"] + values["distillation_hours"]
    return float(np.ravel(retraining_cost(values, hours))[0])


def costs_with_retraining(
    costs: UnitCosts, records: Sequence[RunRecord], dataset: str, minutes: float = REVIEW_MINUTES
) -> UnitCosts:
    """Return the costs with `retraining_per_month` of `default_scenario`, without the facts of a
    threshold.

    costs, minutes: as of `with_unit_costs`. records: of any datasets. dataset: whose training
    counts.
    """
    training = [r for r in records if r.run.kind != "score" and r.run.dataset == dataset]
    quantities = (
        {name: MoneyScenario.model_fields[name].default for name in _RETRAINING_DEFAULTS}
        | _people_amounts(costs, minutes)
        | _MACHINE_HOURS
        | measured.measured_inputs(training)
    )
    values = {name: np.array([quantity.likely]) for name, quantity in quantities.items()}
    hours = values["teacher_hours"] + values["distillation_hours"]
    monthly = float(np.ravel(retraining_cost(values, hours))[0])
    return replace(costs, retraining_per_month=monthly)


def refresh_measured(
    scenario: MoneyScenario, measured: Mapping[str, ScenarioQuantity]
) -> MoneyScenario:
    """Return the scenario with its measured inputs from the present facts; assumed inputs stay."""
    inputs = scenario.inputs()
    return scenario.changed(
        **{name: q for name, q in measured.items() if inputs[name].basis == MEASURED}
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
    # The share of the run's cases that count, as on every page: far dates count in no volume.
    per_case = volume.cases_per_day / max(1, record.cases)
    low = float(gammaincinv(n, 0.025)) if n else 0.0
    low, likely, high = (
        x * per_case * DAYS_PER_MONTH for x in (low, n, float(gammaincinv(n + 1, 0.975)))
    )
    unit = "cases/month"
    return {
        "cases_per_month": ScenarioQuantity(
            low=low, likely=likely, high=high, unit=unit, basis=MEASURED, runs=(record.run.run_id,)
        )
    }


def _assumed(
    facts: MeasuredRuns, costs: UnitCosts, measured: Mapping[str, ScenarioQuantity]
) -> dict[str, ScenarioQuantity]:
    """Return an assumption for every input without a measurement. The cost and minutes of a review
    give the hour of a reviewer, and that hour gives the rest.
    """
    count, volume = facts.at("student", 0.0).cases, facts.cases_per_day
    per_day = VOLUME_UNKNOWN if volume is None else volume
    counted = per_day * DAYS_PER_MONTH * count / max(1, facts.same["student"].cases)
    seconds = measured["student_seconds"].likely if "student_seconds" in measured else 0.01
    quality = {
        f"teacher_{name}": assumed_quantity(*measured[f"student_{name}"].points, "share")
        for name in ("coverage", "selective_risk")
    }
    people = {
        "reviewer_miss": assumed_quantity(
            0, costs.reviewer_miss, max(0.05, costs.reviewer_miss), "share"
        ),
        "audit_share": assumed_quantity(
            0, costs.audit_share, max(0.03, costs.audit_share), "share"
        ),
        "cashed_share": assumed_quantity(0, costs.cashed_share, 1, "share"),
    }
    amounts = _people_amounts(costs, facts.minutes)
    return (quality | people | amounts | _MACHINE_HOURS) | {
        "cases_per_month": _around(counted, "cases/month", 0.8, 1.25),
        "review_minutes": _around(facts.minutes, "minutes/case"),
        "escape": _around(costs.escape, "currency/case"),
        "student_seconds": _around(seconds, "seconds/case"),
        "teacher_seconds": _around(10 * seconds, "seconds/case"),
        "labels": assumed_quantity(500, 1500, 3000, "labels"),
        "integration": _around(200 * amounts["reviewer_hour"].likely, "currency"),
    }


_MACHINE_HOURS = {
    name: assumed_quantity(0.5, 1, 4, "hours") for name in ("teacher_hours", "distillation_hours")
}
_RETRAINING_DEFAULTS = (
    "redistillations",
    "redistillation_labels",
    "redistillation_people_hours",
)


def _people_amounts(costs: UnitCosts, minutes: float) -> dict[str, ScenarioQuantity]:
    hour = costs.review * 60 / minutes
    return {
        "reviewer_hour": _around(hour, "currency/hour", 0.8, 1.25),
        "engineer_hour": _around(2 * hour, "currency/hour", 0.8, 1.25),
        "label": _around(costs.review, "currency/label"),
        "machine_hour": _around(costs.machine_hour, "currency/hour"),
    }


def _around(likely: float, unit: str, low: float = 0.5, high: float = 2.0) -> ScenarioQuantity:
    return assumed_quantity(low * likely, likely, high * likely, unit)


def _including(quantity: ScenarioQuantity, likely: float) -> ScenarioQuantity:
    """Return a measured quantity with another likely value, inside its range."""
    points = {"low": min(quantity.low, likely), "high": max(quantity.high, likely)}
    return quantity.model_copy(update=points | {"likely": likely})
