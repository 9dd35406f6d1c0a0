"""Inputs that runs measured: the right runs, their range and their names; nothing invented where
none measured.
"""

from datetime import UTC, datetime

import numpy as np
import pytest

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.money.measured import measured_error, measured_inputs, measured_shares
from core.decision.money.scenario import INPUT_UNITS, MEASURED, ScenarioQuantity
from core.decision.thresholds.consequence import threshold_consequence
from core.decision.thresholds.costs import CostModel
from core.errors import SettingsError
from core.stats.bounds import wilson
from core.types import Run, RunRecord
from tests.scenarios import plain


def record(run_id, kind, model_kind, duration=None, state="finished", **metrics) -> RunRecord:
    run = Run(
        run_id,
        kind,
        datetime(2024, 1, 1, tzinfo=UTC),
        "m",
        model_kind,
        "0",
        "d",
        "train",
        "0",
        ("x", "y"),
    )
    return RunRecord(run, state, duration, metrics, 0, None, None)


RUNS = [
    record("s1", "score", "student", seconds_per_case=0.02, device="cpu"),
    record("s2", "score", "student", seconds_per_case=0.01, device="cpu"),
    record("s3", "score", "student", seconds_per_case=0.06, device="cpu"),
    record("s4", "score", "student", state="running"),
    record("t1", "score", "teacher", seconds_per_case=0.3, device="cpu"),
    record("p1", "score", "point", seconds_per_case=9.0, device="cpu"),
    record("train-a", "train", "teacher", 7200.0, fit_cases=900, anchor_cases=100),
    record("distil-a", "distil", "student", 1800.0),
    record("distil-b", "distil", "student", 9e9, state="failed"),
]


def test_inputs_by_hand():
    found = measured_inputs(RUNS)
    expected = {
        "student_seconds": (0.01, 0.02, 0.06, ("s1", "s2", "s3")),
        "teacher_seconds": (0.3, 0.3, 0.3, ("t1",)),
        "teacher_hours": (2, 2, 2, ("train-a",)),
        "distillation_hours": (0.5, 0.5, 0.5, ("distil-a",)),
        "labels": (1000, 1000, 1000, ("train-a",)),
    }
    assert {name: (*q.points, q.runs) for name, q in found.items()} == expected
    assert {q.basis for q in found.values()} == {MEASURED}


def test_a_scenario_takes_them_as_they_are():
    scenario = plain().changed(**measured_inputs(RUNS))
    assert scenario.student_seconds.runs == ("s1", "s2", "s3")
    assert type(scenario).from_query(scenario.to_query()) == scenario


def test_what_no_run_measured_is_not_there():
    assert measured_inputs([]) == {}
    assert "student_seconds" not in measured_inputs(
        [record("s1", "score", "student", device="cpu")]
    )
    assert "labels" not in measured_inputs([record("t", "train", "teacher", 1.0, fit_cases=5)])


def test_two_machines_are_not_mixed():
    with pytest.raises(
        SettingsError, match="The scorings of the student ran on cpu, cuda: use those of one device"
    ):
        measured_inputs(
            [*RUNS, record("s5", "score", "student", seconds_per_case=0.001, device="cuda")]
        )


def consequences(outcomes, threshold):
    n = len(outcomes)
    confidence = np.linspace(0.1, 0.9, n)
    cases = Histogram.from_predictions(["A"] * n, ["x"] * n, outcomes, confidence, ("A",), ("x",))
    return threshold_consequence(AcceptanceCurve(cases), threshold, CostModel(10))


def test_shares_are_those_of_the_threshold_with_their_intervals():
    found = measured_shares(
        consequences(["wrong", "right", "wrong", "right", "right"], 0.5), "s1", "teacher"
    )
    for name, share in (
        ("teacher_coverage", wilson(3, 5)),
        ("teacher_selective_risk", wilson(1, 3)),
    ):
        assert found[name] == ScenarioQuantity(
            low=share.low,
            likely=share.value,
            high=share.high,
            unit=INPUT_UNITS[name],
            basis=MEASURED,
            runs=("s1",),
        )


def test_the_error_without_review_is_that_of_threshold_zero():
    outcomes = ["wrong", "right", "wrong", "right", "right"]
    assert measured_error(consequences(outcomes, 0.0), "s1")["student_error"].likely == 0.4
    with pytest.raises(SettingsError, match="2 of 5 cases are not accepted at threshold 0.5"):
        measured_error(consequences(outcomes, 0.5), "s1")


def test_a_risk_without_labels_is_not_measured():
    with pytest.raises(
        SettingsError, match="Run s1 has no labelled case to measure student_selective_risk on"
    ):
        measured_shares(consequences(["unlabelled"] * 3, 0.0), "s1")
