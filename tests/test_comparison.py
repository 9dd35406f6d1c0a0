"""Runs compared: coverage at a risk by hand and by brute force, what differs by name, and the
workspace's weights.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counts.histogram import Histogram
from core.pipeline import workspace
from core.report.run_selection import coverage_at, measure_frame, run_differences, run_frame
from core.settings import Settings
from core.stats.selective import coverage_at_risk
from core.store.store import Store
from core.types import RunRecord
from tests.stores import make_run, make_store


def counted(confidence, outcome) -> Histogram:
    n = len(confidence)
    return Histogram.from_predictions(["A"] * n, ["x"] * n, outcome, np.array(confidence))


def test_coverage_at_a_risk_by_hand():
    """Ten cases: nine right above 0.5 and one wrong at 0.6. Up to 0.7 six are accepted without
    error; all ten have 1 in 10.
    """
    confidence = [0.9, 0.9, 0.8, 0.8, 0.7, 0.7, 0.6, 0.55, 0.55, 0.55]
    counts = counted(confidence, ["right"] * 6 + ["wrong"] + ["right"] * 3)
    assert coverage_at(counts, 0.05).value == pytest.approx(0.6)
    assert coverage_at(counts, 0.1).value == pytest.approx(1.0)
    found = coverage_at(counts, 0.05)
    assert found.n == 10
    assert found.low <= found.value <= found.high


def test_labels_never_trained_on_are_wrong_or_left_out_and_no_label_is_no_figure():
    counts = counted([0.9, 0.8, 0.7, 0.6], ["unseen", "right", "right", "unlabelled"])
    assert (coverage_at(counts, 0.05).value, coverage_at(counts, 0.05).n) == (0.0, 3)
    assert (
        coverage_at(counts, 0.05, unseen=False).value,
        coverage_at(counts, 0.05, unseen=False).n,
    ) == (1.0, 2)
    empty = coverage_at(counted([0.5], ["unlabelled"]), 0.05)
    assert (empty.value, empty.low, empty.high, empty.n) == (None, None, None, 0)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 1000), st.booleans()), min_size=1, max_size=40),
    st.sampled_from([0.0, 0.05, 0.2]),
)
def test_on_confidences_of_three_decimals_it_is_the_direct_count(cases, risk):
    confidence = np.array([step / 1000 for step, _ in cases])
    right = np.array([good for _, good in cases])
    found = coverage_at(counted(confidence, np.where(right, "right", "wrong")), risk)
    assert found.value == pytest.approx(coverage_at_risk(confidence, right, risk))


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """P(right) = confidence, uniform on [0, 1]: accepting above t has risk (1 - t) / 2, so 10% risk
    is coverage 0.2.
    """
    rng, hits = np.random.default_rng(0), 0
    for seed in range(60):
        confidence = rng.random(2000)
        right = rng.random(2000) < confidence
        found = coverage_at(counted(confidence, np.where(right, "right", "wrong")), 0.1, seed=seed)
        hits += found.low <= 0.2 <= found.high
    # a maximum over thresholds leans upwards, so the bootstrap's 95% is a little less
    assert hits >= 48


def record(**changed) -> RunRecord:
    return RunRecord(
        make_run("score", "student", "stream", **changed),
        "finished",
        1.0,
        {"seconds_per_case": 0.5},
        3,
        None,
        None,
    )


def test_only_what_differs_is_named_down_to_the_setting():
    one = record(
        run_id="one",
        settings={"loop": {"epochs": 4, "seed": 0}},
        versions={"numpy": "2.4", "torch": "2"},
    )
    two = record(
        run_id="two",
        settings={"loop": {"epochs": 8, "seed": 0}},
        versions={"numpy": "2.4"},
        model_hash="f" * 64,
    )
    found = run_differences([one, two]).set_index("name")
    assert found.index.tolist() == ["model_hash", "settings.loop.epochs", "versions.torch"]
    assert found.loc["settings.loop.epochs"].tolist() == ["4", "8"]
    assert found.loc["versions.torch", "two"] is None
    assert run_differences([one, one]).empty


def test_the_list_of_runs_and_the_measures_have_their_n(tmp_path):
    store = make_store(tmp_path, "full")
    runs = store.runs()
    frame = run_frame(runs)
    assert frame["run_id"].tolist() == [record.run.run_id for record in runs]
    assert frame.set_index("run_id").loc["train-work-orders-teacher-train", "cases"] == 1300
    scored = [record.run.run_id for record in store.runs("score") if record.run.role == "stream"]
    measures = measure_frame({run_id: store.histogram(run_id) for run_id in scored})
    assert len(measures) == 9
    assert set(measures["n"]) == {1700}
    assert ((measures["low"] <= measures["value"]) & (measures["value"] <= measures["high"])).all()
    assert run_frame([]).empty


def test_the_workspace_weighs_what_lies_in_it(tmp_path):
    settings = Settings(home=tmp_path)
    assert workspace.sizes(settings)["bytes"].sum() == 0
    assert workspace.models(settings) == []
    (settings.store / "parts" / "one").mkdir(parents=True)
    (settings.store / "parts" / "one" / "0.parquet").write_bytes(b"x" * 7)
    (settings.uploads / "ab").mkdir(parents=True)
    (settings.uploads / "ab" / "cases.csv").write_bytes(b"x" * 5)
    (settings.models / "broken").mkdir(parents=True)
    (settings.models / "broken" / "model.json").write_text("{}")
    found = workspace.sizes(settings).set_index("folder")
    assert found.loc[["store", "parts", "uploads", "models", "jobs"], "bytes"].tolist() == [
        0,
        7,
        5,
        2,
        0,
    ]
    assert found.loc["parts", "files"] == 1
    assert workspace.models(settings) == []
    said = workspace.versions(Store(tmp_path / "store"))
    assert int(said["schema"]) >= 1
    assert said["duckdb"].startswith("2.")
