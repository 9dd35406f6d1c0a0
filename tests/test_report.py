"""Frames hold what the decision layer says, under the names that charts read."""

import json
import subprocess
import sys

import numpy as np
import pytest

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.thresholds.consequence import consequence_curve, threshold_consequence
from core.decision.thresholds.costs import DAYS_PER_MONTH, NO_SECONDS, CostModel, UnitCosts
from core.decision.thresholds.daily_money import all_human_option, cost_curve, option_money
from core.report import frames, run_selection
from core.stats.bounds import wilson
from core.types import RunRecord
from tests.stores import make_run

COSTS = UnitCosts(review=5, escape=150, machine_hour=2)
HISTOGRAM = Histogram.from_predictions(
    ["A", "B", "B", "B", "B", "A"],
    ["x"] * 6,
    ["right", "wrong", "right", "unseen", "unlabelled", "right"],
    np.array([0.95, 0.9, 0.9, 0.9, 0.9, 1.0]),
)
CASES = AcceptanceCurve(HISTOGRAM)


def test_risk_and_coverage_are_the_curves_of_each_model_in_order():
    frame = frames.risk_coverage_frame({"student": CASES, "point": CASES}, include_unseen=False)
    assert list(frame.columns) == [
        "model_kind",
        "threshold",
        "coverage",
        "risk",
        "low",
        "high",
        "n",
    ]
    assert frame["model_kind"].unique().tolist() == ["student", "point"]
    table, rows = (
        consequence_curve(CASES, 1, include_unseen=False),
        frame[frame["model_kind"] == "student"],
    )
    for new, old in {
        "risk": "selective_risk",
        "low": "selective_risk_low",
        "n": "accepted_labelled",
    }.items():
        np.testing.assert_array_equal(rows[new], table[old])


def test_a_threshold_frame_has_reviews_leakage_and_money_with_bounds():
    costed = cost_curve(CASES, CostModel(10, COSTS, 1))
    frame = frames.threshold_frame(costed)
    names = [
        f"{name}{end}" for name in ("reviews", "leakage", "money") for end in ("", "_low", "_high")
    ]
    assert list(frame.columns) == ["threshold", *names]
    np.testing.assert_array_equal(frame["reviews"], costed["reviews_per_day"])
    np.testing.assert_allclose(frame["money_high"], costed["money_high"] * DAYS_PER_MONTH)


def test_segments_come_with_most_cases_first():
    frame = frames.segment_frame(CASES, 0.9, 60)
    assert frame["segment"].tolist() == ["B", "A"]
    row, leakage = frame.iloc[0], wilson(2, 3)
    assert (row["cases"], row["labelled"], row["review"]) == (4, 3, 0)
    assert (row["leakage"], row["leakage_low"], row["leakage_high"]) == pytest.approx(
        (leakage.value, leakage.low, leakage.high)
    )
    assert row["escapes_per_month"] == pytest.approx(DAYS_PER_MONTH * 60 * 4 / 6 * 2 / 3)


def test_what_a_reviewer_misses_escapes_from_its_segment_too():
    frame = frames.segment_frame(CASES, 1.0, 60, miss=0.1)  # A: one of two cases is reviewed
    escapes = dict(zip(frame["segment"], frame["escapes_per_month"], strict=True))
    assert escapes == pytest.approx({"A": DAYS_PER_MONTH * 1.0, "B": DAYS_PER_MONTH * 4.0})


def test_the_curves_of_parts_are_their_frame_at_each_threshold_without_parts_that_have_no_case():
    counts = AcceptanceCurve(
        Histogram.from_predictions(
            ["A", "B", "B", "C"],
            ["x"] * 4,
            ["unseen", "right", "unlabelled", "unlabelled"],
            np.array([0.9, 0.5, 0.4, 0.2]),
        )
    )
    found = frames.part_curves(counts, include_unseen=False)
    assert (found.names, found.cases, found.labelled) == (("B", "C"), (2, 1), (1, 0))
    for step in range(1001):
        frame = frames.segment_frame(counts, step / 1000, 60, include_unseen=False).iloc[:2]
        for name in frames.PART_SHARES:
            np.testing.assert_array_equal(found.shares[name][:, step], frame[name])


def test_an_option_without_a_figure_keeps_its_row_and_its_reason():
    frame = frames.option_frame(
        [
            all_human_option(10, COSTS),
            option_money("teacher", threshold_consequence(CASES, 0.9, CostModel(10, COSTS))),
            option_money("student", threshold_consequence(CASES, 0.9, CostModel(10, COSTS, 1))),
        ]
    )
    assert frame["name"].tolist() == ["all_human", "teacher", "student"]
    assert frame["note"].tolist() == ["", NO_SECONDS, ""]
    assert frame["total"].isna().tolist() == [False, True, False]
    parts = frame[["review", "inference", "escapes"]].sum(axis=1)
    np.testing.assert_allclose(frame["total"][[0, 2]], parts[[0, 2]])


def test_reliability_has_fifteen_bins_of_cases_with_known_labels():
    frame, errors = frames.reliability_frame({"student": HISTOGRAM})
    assert len(frame) == 15
    assert frame["n"].sum() == 4  # not the unseen one, nor the unlabelled
    row, accuracy = frame.iloc[13], wilson(1, 2)  # bin 13 begins at 0.8667: 0.9 twice
    assert (row["n"], row["confidence"]) == (2, pytest.approx(0.9))
    assert (row["accuracy"], row["low"], row["high"]) == pytest.approx(
        (accuracy.value, accuracy.low, accuracy.high)
    )
    assert frame.iloc[14]["n"] == 2  # 0.95 and 1.0
    assert frame[frame["n"] == 0][["confidence", "accuracy", "low", "high"]].isna().all(axis=None)
    error, n = errors["student"]
    assert n == 4
    assert 0 < error < (2 * 0.4 + 2 * 0.025) / 4  # the plain one, less what chance adds


def test_no_labels_give_empty_bins_and_no_error():
    empty = Histogram.from_predictions(["A"], ["x"], ["unlabelled"], np.array([0.5]))
    frame, errors = frames.reliability_frame({"student": empty})
    assert (len(frame), frame["n"].sum(), errors) == (15, 0, {"student": (None, 0)})


def test_a_metric_table_names_n_and_intervals():
    figure = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 40}
    missing = {"value": None, "low": None, "high": None, "n": 40}
    row = dict.fromkeys(frames._METRICS, figure) | {
        "aurc": missing,
        "passes": 1,
        "seconds_per_case": 0.0125,
    }
    lines = frames.metrics_markdown({"student": row}).splitlines()
    assert "| ms a case, measured | 12.50 |" in lines
    assert "| ECE, debiased (40) | 0.500 (0.400 to 0.600) |" in lines
    assert "| AURC (40) | - |" in lines


def test_the_run_to_open_first_is_one_that_can_be_chosen():
    """A stream that is still being scored, beside a finished calibration: only the stream is on the
    list.
    """
    runs = [
        RunRecord(make_run("score", "student", "calibration"), "finished", 1.0, {}, 3, None, None),
        RunRecord(make_run("score", "teacher", "stream"), "running", None, {}, 3, None, None),
    ]
    assert run_selection.default_selection(runs) is runs[1]
    assert run_selection.default_selection(runs) in run_selection.selectable_runs(runs)
    assert run_selection.default_selection(runs[:1]) is runs[0]


def test_statistics_decisions_and_reports_import_no_torch_and_no_streamlit():
    code = (
        "import json, sys; import core.report.frames, core.report.decision_text,"
        " core.stats.selective, core.stats.uncertainty; print(json.dumps([m for m in ('torch',"
        " 'transformers', 'peft', 'streamlit') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_reliability_can_count_untrained_labels_as_wrong():
    """0.9 three times, right once; the unlabelled case never counts."""
    bins = frames.reliability_bins(HISTOGRAM, include_unseen=True)
    assert (bins[13].n, bins[13].confidence, bins[13].accuracy.value) == (
        3,
        pytest.approx(0.9),
        pytest.approx(1 / 3),
    )
    assert sum(b.n for b in bins) == 5
