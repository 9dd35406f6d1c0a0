"""Reliability and its errors, by hand and from stored counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counts.histogram import Histogram
from core.errors import NonFiniteError, SettingsError
from core.report.frames import reliability_bins
from core.stats.bounds import wilson
from core.stats.calibration import (
    brier_score,
    ece,
    ece_of_bins,
    nll,
    reliability,
    reliability_from_counts,
)


def test_ece_by_hand():
    # Bin 9 of 15 (0.6 to 0.667): 2 cases, mean 0.625, accuracy 0.5. Bin 13 (0.867 to 0.933): 2
    # cases, 0.9, accuracy 1.
    confidence, right = np.array([0.61, 0.64, 0.9, 0.9]), np.array([1, 0, 1, 1])
    assert ece(confidence, right) == pytest.approx(0.5 * 0.125 + 0.5 * 0.1)


def test_a_calibrated_bin_has_no_error_and_a_confident_error_has_all():
    assert ece(np.full(4, 0.75), np.array([1, 1, 1, 0])) == pytest.approx(0.0)
    assert ece(np.ones(3), np.zeros(3)) == 1.0


def test_a_bin_has_its_n_mean_and_wilson_interval():
    found = reliability(np.array([0.61, 0.64, 1.0]), np.array([1, 0, 1]))
    assert len(found) == 15
    assert (found[9].n, found[9].accuracy) == (2, wilson(1, 2))
    assert found[9].confidence == pytest.approx(0.625)
    assert (found[14].n, found[14].confidence) == (1, 1.0)
    assert (found[0].n, found[0].confidence, found[0].accuracy.value) == (0, None, None)


def test_a_bin_begins_at_its_edge():
    edges = np.arange(15) / 15
    assert [b.n for b in reliability(edges, np.ones(15))] == [1] * 15
    assert [b.n for b in reliability(np.nextafter(edges[1:], 0), np.ones(14))] == [1] * 14 + [0]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(0, 1), st.integers(0, 15).map(lambda i: i / 15)), st.booleans()
        ),
        max_size=40,
    )
)
def test_stored_counts_give_the_same_diagram_as_the_cases(rows):
    confidence = np.array([c for c, _ in rows], dtype=np.float64)
    right = np.array([r for _, r in rows], dtype=bool)
    outcome = np.where(right, "right", "wrong") if rows else []
    stored = Histogram.from_predictions(
        ["A"] * len(rows), ["x"] * len(rows), outcome, confidence, ("A",), ("x",)
    )
    a, b = reliability_bins(stored), reliability(confidence, right)
    assert [(x.n, x.accuracy) for x in a] == [(x.n, x.accuracy) for x in b]
    assert ece_of_bins(a) == pytest.approx(ece(confidence, right), abs=1e-12)


def test_counts_are_enough():
    found = reliability_from_counts(np.array([0, 4]), np.array([0, 3]), np.array([0.0, 3.2]))
    assert (found[1].low, found[1].high, found[1].confidence, found[1].accuracy) == (
        0.5,
        1.0,
        0.8,
        wilson(3, 4),
    )
    assert ece_of_bins(found) == pytest.approx(0.05)


def test_brier_and_nll_by_hand():
    p, label = np.array([[0.8, 0.2], [0.4, 0.6]]), np.array([0, 0])
    assert brier_score(p, label) == pytest.approx((0.04 + 0.04 + 0.36 + 0.36) / 2)
    assert nll(p, label) == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2)


def test_the_uniform_answer_costs_log_k_and_certainty_nothing():
    label = np.arange(4)
    assert nll(np.full((4, 4), 0.25), label) == pytest.approx(np.log(4))
    assert brier_score(np.full((4, 4), 0.25), label) == pytest.approx(0.75)
    assert nll(np.eye(4), label) == brier_score(np.eye(4), label) == 0.0


def test_one_impossible_label_leaves_the_loss_finite():
    assert np.isfinite(nll(np.array([[1.0, 0.0]]), np.array([1])))


def test_no_case_gives_no_figure():
    none = np.zeros(0)
    assert ece(none, none) is None


@pytest.mark.parametrize("metric", [reliability, ece])
def test_a_confidence_that_is_none_is_named(metric):
    with pytest.raises(NonFiniteError, match="confidence nan at index 1 is not finite"):
        metric(np.array([0.5, np.nan]), np.array([1, 0]))
    with pytest.raises(SettingsError, match=r"outside \[0, 1\]"):
        metric(np.array([0.5, 1.5]), np.array([1, 0]))


@pytest.mark.parametrize("metric", [brier_score, nll])
def test_a_probability_that_is_not_finite_is_named(metric):
    with pytest.raises(NonFiniteError, match=r"probability inf at index \(1, 0\)"):
        metric(np.array([[0.5, 0.5], [np.inf, 0.5]]), np.array([0, 1]))


@pytest.mark.parametrize("metric", [brier_score, nll])
def test_a_label_that_is_no_position_is_named(metric):
    with pytest.raises(SettingsError, match="label -1 at index 1 is not a position in 0 to 1"):
        metric(np.full((2, 2), 0.5), np.array([0, -1]))


def test_an_answer_that_is_not_finite_is_named():
    with pytest.raises(NonFiniteError, match="right nan at index 1"):
        ece(np.array([0.5, 0.6]), np.array([1, np.nan]))
