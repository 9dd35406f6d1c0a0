"""Counts from a histogram are the direct counts, for every threshold and every confidence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counts.histogram import (
    CONFIDENCE_BINS,
    EDGES,
    EPISTEMIC_BINS,
    EPISTEMIC_LIMITS,
    FINE_BINS,
    THRESHOLDS,
    AcceptanceCurve,
    Histogram,
    bin_of_confidence,
    bin_of_epistemic,
    edge_of_threshold,
)
from core.errors import NonFiniteError, SettingsError
from core.types import OUTCOMES

_EDGE = st.integers(0, FINE_BINS).map(lambda i: i / FINE_BINS)
_BESIDE = st.builds(
    lambda c, to: float(np.clip(np.nextafter(c, to), 0, 1)), _EDGE, st.sampled_from([-1.0, 2.0])
)
CONFIDENCE = st.one_of(st.floats(0, 1), _EDGE, _BESIDE, st.sampled_from([0.0, -0.0, 1.0, 5e-324]))


def counted(confidence, outcome=None, segment=None, predicted=None) -> Histogram:
    n = len(confidence)
    columns = (segment or ["A"] * n, predicted or ["x"] * n, outcome or ["right"] * n)
    return Histogram.from_predictions(*columns, confidence, segments=("A", "B"), classes=("x", "y"))


@given(st.lists(CONFIDENCE, max_size=40))
def test_counts_equal_direct_counts_for_every_threshold(values):
    confidence = np.array(values, dtype=np.float64)
    direct = (confidence[None, :] >= (np.arange(1001) / 1000)[:, None]).sum(1)
    np.testing.assert_array_equal(AcceptanceCurve(counted(confidence)).accepted.sum(0), direct)


@given(CONFIDENCE)
def test_a_bin_holds_what_lies_from_its_edge_to_the_next(value):
    found = int(bin_of_confidence(np.array([value]))[0])
    assert EDGES[found] <= value
    assert found == FINE_BINS if value == 1 else value < EDGES[found + 1]


def test_both_neighbours_of_every_edge_fall_on_their_own_side():
    inner = EDGES[1:-1]
    expected = np.arange(1, FINE_BINS)
    np.testing.assert_array_equal(bin_of_confidence(inner), expected)
    np.testing.assert_array_equal(bin_of_confidence(np.nextafter(inner, 2)), expected)
    np.testing.assert_array_equal(bin_of_confidence(np.nextafter(inner, -1)), expected - 1)


def test_only_a_confidence_of_exactly_one_is_accepted_at_one():
    cumulative = AcceptanceCurve(counted(np.array([1.0, np.nextafter(1, 0), 0.9999])))
    assert cumulative.accepted.sum(0)[-1] == 1
    np.testing.assert_array_equal(
        bin_of_confidence(np.array([1.0, np.nextafter(1, 0)])),
        [CONFIDENCE_BINS - 1, CONFIDENCE_BINS - 2],
    )


def test_a_float32_of_nine_tenths_is_under_nine_tenths():
    assert AcceptanceCurve(counted(np.array([0.9], dtype=np.float32))).accepted.sum(0)[900] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.0000001, -1e-9])
def test_what_is_no_confidence_is_refused_by_its_index(bad):
    with pytest.raises(NonFiniteError, match=rf"Confidence {bad} at index 2"):
        bin_of_confidence(np.array([0.5, 0.5, bad, np.nan]))


def test_thresholds_and_calibration_bins_are_edges():
    np.testing.assert_array_equal(EDGES[[edge_of_threshold(t) for t in THRESHOLDS]], THRESHOLDS)
    np.testing.assert_array_equal(EDGES[:: FINE_BINS // 15], np.arange(16) / 15)


def test_rounding_of_a_threshold_is_forgiven():
    assert edge_of_threshold(0.1 + 0.2) == edge_of_threshold(0.3) == 900


@pytest.mark.parametrize("bad", [0.0005, 0.12345, -0.001, 1.001, float("nan"), float("inf")])
def test_other_thresholds_are_refused(bad):
    with pytest.raises(SettingsError, match="multiple of 0.001"):
        edge_of_threshold(bad)


@given(
    st.lists(
        st.tuples(
            CONFIDENCE, st.sampled_from(OUTCOMES), st.sampled_from("AB"), st.sampled_from("xy")
        ),
        max_size=30,
    )
)
@settings(max_examples=40)
def test_parts_add_up_to_the_whole(rows):
    def histogram(part):
        columns = [list(c) for c in zip(*part, strict=True)] or [[], [], [], []]
        return counted(np.array(columns[0], dtype=np.float64), columns[1], columns[2], columns[3])

    whole, half = histogram(rows), len(rows) // 2
    first, second = histogram(rows[:half]), histogram(rows[half:])
    np.testing.assert_array_equal(first.counts + second.counts, whole.counts)
    both_sums = first.confidence_sum + second.confidence_sum
    np.testing.assert_allclose(both_sums, whole.confidence_sum, rtol=1e-12)
    for name, values in (("segments", "AB"), ("classes", "xy")):
        parts = [AcceptanceCurve(whole.select(**{name: (v,)})).accepted for v in values]
        np.testing.assert_array_equal(sum(parts), AcceptanceCurve(whole).accepted)
    np.testing.assert_array_equal(
        AcceptanceCurve(whole).by_segment.sum(0), AcceptanceCurve(whole).accepted
    )


def test_each_case_stands_in_its_own_cell():
    found = counted(np.array([0.25, 0.75]), ["wrong", "unlabelled"], ["A", "B"], ["y", "x"])
    assert found.cases == 2
    assert found.counts[0, 1, OUTCOMES.index("wrong"), 750] == 1
    assert found.counts[1, 0, OUTCOMES.index("unlabelled"), 2250] == 1
    assert found.confidence_sum.sum() == 1.0


def test_unknown_names_and_other_shapes_are_refused():
    found = counted(np.array([0.5]))
    with pytest.raises(SettingsError, match="'C' is not one of: A, B"):
        found.select(segments=("C",))
    with pytest.raises(SettingsError, match="'maybe' is not one of: right, wrong"):
        counted(np.array([0.5]), ["maybe"])
    with pytest.raises(SettingsError, match="have shape"):
        Histogram(("A",), ("x",), np.zeros((1, 1, 4, 5)), np.zeros((1, 1, 4, 5)))


def test_acceptance_is_computed_once():
    cumulative = AcceptanceCurve(counted(np.array([0.5])))
    assert cumulative.accepted is cumulative.accepted


def test_an_epistemic_limit_accepts_what_is_at_it():
    at = bin_of_epistemic(EPISTEMIC_LIMITS)
    np.testing.assert_array_equal(at, np.arange(EPISTEMIC_BINS - 1))
    np.testing.assert_array_equal(bin_of_epistemic(np.nextafter(EPISTEMIC_LIMITS, np.inf)), at + 1)
    assert bin_of_epistemic(np.array([0.0]))[0] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e-9])
def test_an_epistemic_uncertainty_that_cannot_be_is_refused(bad):
    with pytest.raises(
        NonFiniteError, match=r"Epistemic uncertainty .* at index 1 is not finite and at least 0"
    ):
        bin_of_epistemic(np.array([0.1, bad]))
