"""Collect the inputs of a scenario that runs measured, marked with the ids of the runs: seconds a
case, machine hours, labels, coverage, risk.

Seconds of different devices never mix. A resumed run records only the duration of its last part, so
its hours are a lower bound.
"""

import statistics
from collections.abc import Sequence

from core.decision.money.scenario import ScenarioQuantity
from core.decision.thresholds.consequence import PolicyConsequence
from core.errors import NoCasesError, SettingsError
from core.types import Interval, RunRecord


def measured_inputs(records: Sequence[RunRecord]) -> dict[str, ScenarioQuantity]:
    """Return the inputs of a MoneyScenario that finished runs measured, without the others.

    student_seconds and teacher_seconds come from scorings; teacher_hours, distillation_hours and
    labels from trainings. Each is the lowest, median and highest of its runs. Raises SettingsError
    if the seconds come from several devices.
    """
    finished = [r for r in records if r.state == "finished"]
    inputs: dict[str, ScenarioQuantity | None] = {}
    for kind in ("student", "teacher"):
        scored = [r for r in finished if (r.run.kind, r.run.model_kind) == ("score", kind)]
        timed = {r.run.run_id: r.metrics.get("seconds_per_case") for r in scored}
        # Only runs with a time: a run without one adds no seconds of another device.
        _one_device([r for r in scored if timed[r.run.run_id] is not None], kind)
        inputs[f"{kind}_seconds"] = _over_runs(timed, "seconds/case")
    trained = [r for r in finished if (r.run.kind, r.run.model_kind) == ("train", "teacher")]
    inputs["teacher_hours"] = _over_runs({r.run.run_id: _hours(r) for r in trained}, "hours")
    inputs["distillation_hours"] = _over_runs(
        {r.run.run_id: _hours(r) for r in finished if r.run.kind == "distil"}, "hours"
    )
    inputs["labels"] = _over_runs({r.run.run_id: _labels(r) for r in trained}, "labels")
    return {name: quantity for name, quantity in inputs.items() if quantity is not None}


def measured_shares(
    consequence: PolicyConsequence, run_id: str, model: str = "student"
) -> dict[str, ScenarioQuantity]:
    """Return <model>_coverage and <model>_selective_risk at a threshold, with low and high from
    their Wilson intervals.

    Raises NoCasesError if no labelled case was accepted, since then no risk exists.
    """
    return {
        f"{model}_coverage": _measured_share(consequence.coverage, f"{model}_coverage", run_id),
        f"{model}_selective_risk": _measured_share(
            consequence.selective_risk, f"{model}_selective_risk", run_id
        ),
    }


def measured_error(accept_all: PolicyConsequence, run_id: str) -> dict[str, ScenarioQuantity]:
    """Return student_error, from the consequence of threshold 0.

    Raises SettingsError if the threshold leaves cases for review.
    """
    if accept_all.accepted < accept_all.cases:
        raise SettingsError(
            "decision.error_threshold",
            n=accept_all.cases - accept_all.accepted,
            cases=accept_all.cases,
            threshold=accept_all.threshold,
        )
    return {"student_error": _measured_share(accept_all.selective_risk, "student_error", run_id)}


def _over_runs(values: dict[str, float | None], unit: str) -> ScenarioQuantity | None:
    measured = {run: float(value) for run, value in values.items() if value is not None}
    if not measured:
        return None
    points = measured.values()
    low, likely, high = min(points), statistics.median(points), max(points)
    return ScenarioQuantity(
        low=low, likely=likely, high=high, unit=unit, basis="measured", runs=tuple(sorted(measured))
    )


def _measured_share(share: Interval, name: str, run_id: str) -> ScenarioQuantity:
    if share.value is None or share.low is None or share.high is None:
        raise NoCasesError("decision.nothing_measured", run=run_id, name=name)
    return ScenarioQuantity(
        low=share.low,
        likely=share.value,
        high=share.high,
        unit="share",
        basis="measured",
        runs=(run_id,),
    )


def _one_device(records: Sequence[RunRecord], kind: str) -> None:
    devices = sorted({str(r.metrics.get("device")) for r in records})
    if len(devices) > 1:
        raise SettingsError("decision.several_devices", kind=kind, devices=devices)


def _hours(record: RunRecord) -> float | None:
    return None if record.duration_s is None else record.duration_s / 3600


def _labels(record: RunRecord) -> float | None:
    # People label the anchor cases too, so a teacher costs both.
    fit, anchor = (record.metrics.get(name) for name in ("fit_cases", "anchor_cases"))
    return None if fit is None or anchor is None else fit + anchor
