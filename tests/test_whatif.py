"""What a threshold means: against direct counts, by hand, and as the theory says it must move."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counts.histogram import THRESHOLDS, AcceptanceCurve, Histogram
from core.counts.tally import Leakage, SelectiveRisk
from core.decision.thresholds.consequence import (
    CURVE_MEASURES,
    consequence_by_segment,
    consequence_curve,
    segment_curves,
    threshold_consequence,
)
from core.decision.thresholds.costs import CostModel
from core.errors import SettingsError
from core.stats.bounds import wilson
from core.types import OUTCOMES, Interval

# confidence, outcome, segment: of 8 cases 6 are labelled; at 0.7 five are accepted, four of them
# labelled, two of them wrong
ROWS = [
    (0.9, "right", "A"),
    (0.8, "wrong", "A"),
    (0.75, "unseen", "B"),
    (0.7, "right", "B"),
    (0.7, "unlabelled", "B"),
    (0.6, "wrong", "A"),
    (0.5, "right", "A"),
    (0.2, "unlabelled", "A"),
]
CASE = st.tuples(
    st.integers(0, 60).map(lambda i: i / 60), st.sampled_from(OUTCOMES), st.sampled_from("AB")
)


def cumulative(rows) -> AcceptanceCurve:
    confidence, outcome, segment = zip(*rows, strict=True) if rows else ((), (), ())
    predicted = ["x"] * len(rows)
    return AcceptanceCurve(
        Histogram.from_predictions(
            segment, predicted, outcome, np.array(confidence, dtype=np.float64), ("A", "B"), ("x",)
        )
    )


def test_the_figures_of_a_threshold_by_hand():
    found = threshold_consequence(cumulative(ROWS), 0.7, CostModel(100))
    assert (
        found.cases,
        found.labelled,
        found.accepted,
        found.accepted_labelled,
        found.wrong_accepted,
    ) == (8, 6, 5, 4, 2)
    assert found.coverage == wilson(5, 8)
    assert found.review_rate == wilson(3, 8)
    assert found.selective_risk == SelectiveRisk(**vars(wilson(2, 4)))
    assert found.leakage == Leakage(**vars(wilson(2, 6)))


def test_a_day_is_the_share_times_the_volume_with_its_interval_and_n():
    found, share = threshold_consequence(cumulative(ROWS), 0.7, CostModel(100)), wilson(2, 6)
    escapes = found.escapes_per_day
    assert (escapes.value, escapes.low, escapes.high) == pytest.approx(
        (100 / 3, 100 * share.low, 100 * share.high)
    )
    assert (escapes.n, found.reviews_per_day.n, found.reviews_per_day.value) == (6, 8, 37.5)


def test_unseen_cases_can_be_left_out_of_everything():
    without = threshold_consequence(cumulative(ROWS), 0.7, CostModel(100), include_unseen=False)
    expected = threshold_consequence(
        cumulative([row for row in ROWS if row[1] != "unseen"]), 0.7, CostModel(100)
    )
    assert without == expected
    assert (without.cases, without.labelled, without.wrong_accepted) == (7, 5, 1)


def test_unlabelled_cases_count_in_workload_and_never_in_risk():
    labelled = [row for row in ROWS if row[1] != "unlabelled"]
    more = threshold_consequence(
        cumulative(labelled + [(0.1, "unlabelled", "A")] * 10), 0.7, CostModel(100)
    )
    less = threshold_consequence(cumulative(labelled), 0.7, CostModel(100))
    assert (more.selective_risk, more.leakage, more.escapes_per_day) == (
        less.selective_risk,
        less.leakage,
        less.escapes_per_day,
    )
    assert more.review_rate.value > less.review_rate.value


def test_without_labels_there_is_workload_and_no_risk():
    found = threshold_consequence(
        cumulative([(0.9, "unlabelled", "A"), (0.1, "unlabelled", "A")]), 0.5, CostModel(10)
    )
    assert found.reviews_per_day.value == 5
    assert found.selective_risk == SelectiveRisk(None, None, None, 0)
    assert found.leakage == Leakage(None, None, None, 0)
    assert found.escapes_per_day == Interval(None, None, None, 0)


def test_nothing_accepted_leaks_nothing_and_has_no_selective_risk():
    found = threshold_consequence(cumulative(ROWS), 0.95, CostModel(100))
    assert (found.accepted, found.coverage.value, found.leakage.value) == (0, 0, 0)
    assert found.leakage == Leakage(**vars(wilson(0, 6)))  # still no more than an upper bound
    assert found.selective_risk == SelectiveRisk(None, None, None, 0)


def test_no_case_gives_no_figure():
    found = threshold_consequence(cumulative([]), 0.5, CostModel(100))
    assert found.cases == 0
    figures = [getattr(found, name) for name in CURVE_MEASURES]
    assert all((x.value, x.low, x.high, x.n) == (None, None, None, 0) for x in figures)


@settings(max_examples=40)
@given(st.lists(CASE, max_size=30), st.booleans())
def test_the_curve_is_the_direct_count_at_every_threshold(rows, include_unseen):
    kept = [row for row in rows if include_unseen or row[1] != "unseen"]
    confidence = np.array([row[0] for row in kept])
    outcome = np.array([row[1] for row in kept], dtype=object)
    accepted = confidence[None, :] >= THRESHOLDS[:, None]
    table = consequence_curve(cumulative(rows), 7.0, include_unseen)
    np.testing.assert_array_equal(table["cases"], len(kept))
    np.testing.assert_array_equal(table["labelled"], (outcome != "unlabelled").sum())
    np.testing.assert_array_equal(table["accepted"], accepted.sum(1))
    np.testing.assert_array_equal(
        table["accepted_labelled"], (accepted & (outcome != "unlabelled")).sum(1)
    )
    np.testing.assert_array_equal(
        table["wrong_accepted"], (accepted & np.isin(outcome, ["wrong", "unseen"])).sum(1)
    )


@settings(max_examples=40)
@given(st.lists(CASE, min_size=1, max_size=30))
def test_a_stricter_threshold_reviews_more_and_leaks_less(rows):
    table = consequence_curve(cumulative(rows), 100)
    for name in ("review_rate", "reviews_per_day"):
        assert (np.diff(table[name]) >= 0).all()
    if table["labelled"].iloc[0]:
        for name in ("leakage", "leakage_low", "leakage_high", "escapes_per_day"):
            assert (np.diff(table[name]) <= 1e-12).all()


@settings(max_examples=40)
@given(st.lists(CASE, min_size=1, max_size=30))
def test_the_figures_agree_with_each_other(rows):
    table = consequence_curve(cumulative(rows), 100)
    np.testing.assert_allclose(table["coverage"] + table["review_rate"], 1)
    np.testing.assert_allclose(table["coverage_low"] + table["review_rate_high"], 1)
    if not any(row[1] == "unlabelled" for row in rows):  # leakage = selective risk * coverage
        np.testing.assert_allclose(
            table["leakage"], table["selective_risk"].fillna(0) * table["coverage"]
        )
    for name in CURVE_MEASURES:
        known = table[table[name].notna()]
        assert (known[f"{name}_low"] <= known[name] + 1e-12).all()
        assert (known[name] <= known[f"{name}_high"] + 1e-12).all()


def test_a_consequence_is_its_row_of_the_curve():
    table, whole = consequence_curve(cumulative(ROWS), 100), cumulative(ROWS)
    for step in (0, 200, 700, 750, 751, 1000):
        found, row = threshold_consequence(whole, step / 1000, CostModel(100)), table.iloc[step]
        assert found.threshold == row["threshold"] == step / 1000
        for name in CURVE_MEASURES:
            assert getattr(found, name).value == (None if np.isnan(row[name]) else row[name])
        assert [getattr(found, f.name) for f in fields(found) if f.type is int] == [
            row[f.name] for f in fields(found) if f.type is int
        ]


def test_segments_add_up_to_the_whole():
    whole = cumulative(ROWS)
    parts, found = (
        consequence_by_segment(whole, 0.7, 100),
        threshold_consequence(whole, 0.7, CostModel(100)),
    )
    assert parts["segment"].tolist() == ["A", "B"]
    for name in ("cases", "labelled", "accepted", "accepted_labelled", "wrong_accepted"):
        assert parts[name].sum() == getattr(found, name)
    assert parts["reviews_per_day"].sum() == pytest.approx(found.reviews_per_day.value)


def test_a_segment_is_the_same_alone():
    row = consequence_by_segment(cumulative(ROWS), 0.7, 80).set_index("segment").loc["B"]
    alone = threshold_consequence(
        cumulative([r for r in ROWS if r[2] == "B"]), 0.7, CostModel(80 * 3 / 8)
    )
    for name in CURVE_MEASURES:
        assert row[name] == pytest.approx(getattr(alone, name).value)


@pytest.mark.parametrize("unseen", [True, False])
def test_the_curves_of_segments_are_the_segments_at_each_threshold(unseen):
    whole = cumulative(ROWS)
    curves = segment_curves(whole, 80, unseen)
    for step, threshold in enumerate(THRESHOLDS):
        rows = curves.iloc[step :: len(THRESHOLDS)].reset_index(drop=True)
        pd.testing.assert_frame_equal(
            rows, consequence_by_segment(whole, float(threshold), 80, unseen), check_exact=True
        )


def test_a_threshold_between_the_steps_is_refused():
    with pytest.raises(SettingsError, match="multiple of 0.001"):
        threshold_consequence(cumulative(ROWS), 0.7005, CostModel(100))


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_volume_that_cannot_be_is_refused(bad):
    with pytest.raises(SettingsError, match=f"cases_per_day {bad} is not allowed"):
        threshold_consequence(cumulative(ROWS), 0.7, CostModel(bad))
