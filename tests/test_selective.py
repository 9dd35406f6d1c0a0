"""Risk against coverage, its area, and separation, by hand and against slow definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NonFiniteError
from core.stats.selective import aurc, auroc, bootstrap_interval, coverage_at_risk, risk_coverage
from core.types import Interval

CASES = st.lists(
    st.tuples(st.integers(0, 6).map(lambda i: i / 6), st.booleans()), min_size=1, max_size=25
)


def columns(rows):
    return np.array([c for c, _ in rows]), np.array([r for _, r in rows])


def test_the_curve_by_hand():
    coverage, risk = risk_coverage(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 1]))
    np.testing.assert_allclose(coverage, [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(risk, [0, 1 / 2, 1 / 3, 1 / 4])
    assert aurc(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 1])) == pytest.approx(
        (0 + 1 / 2 + 1 / 3 + 1 / 4) / 4
    )


@given(CASES)
def test_each_point_is_a_threshold_and_its_direct_counts(rows):
    confidence, right = columns(rows)
    thresholds = np.unique(confidence)[::-1]
    coverage, risk = risk_coverage(confidence, right)
    np.testing.assert_allclose(coverage, [(confidence >= t).mean() for t in thresholds])
    np.testing.assert_allclose(risk, [(~right[confidence >= t]).mean() for t in thresholds])


@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_the_cases_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    np.testing.assert_allclose(aurc(*columns(rows)), aurc(*columns(shuffled)))


def test_one_confidence_for_all_leaves_one_point():
    coverage, risk = risk_coverage(np.full(4, 0.7), np.array([1, 0, 0, 1]))
    assert (coverage.tolist(), risk.tolist()) == ([1.0], [0.5])


def test_coverage_at_risk_takes_the_largest():
    confidence, right = np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 1])
    # though the curve is over 0.25 on the way
    assert coverage_at_risk(confidence, right, 0.25) == 1.0
    assert coverage_at_risk(confidence, right, 0.2) == 0.25
    assert coverage_at_risk(confidence, np.zeros(4), 0.5) == 0.0


@given(CASES)
def test_auroc_is_the_share_of_pairs_in_order(rows):
    score, positive = columns(rows)
    high, low = score[positive], score[~positive]
    if not len(high) or not len(low):
        assert auroc(score, positive) is None
        return
    pairs = (high[:, None] > low).mean() + 0.5 * (high[:, None] == low).mean()
    assert auroc(score, positive) == pytest.approx(pairs)


def test_no_case_gives_no_figure():
    none = np.zeros(0)
    assert (aurc(none, none), coverage_at_risk(none, none, 0.1), auroc(none, none)) == (
        None,
        None,
        None,
    )


def test_the_bootstrap_repeats_with_its_seed_and_holds_the_value():
    right = np.random.default_rng(1).random(200) < 0.8
    first, again = (bootstrap_interval(np.mean, [right], seed=3) for _ in range(2))
    assert first == again
    assert first != bootstrap_interval(np.mean, [right], seed=4)
    assert first.low < first.value < first.high
    assert first.n == 200


def test_the_bootstrap_of_a_mean_has_about_the_normal_width():
    right = np.arange(400) % 2  # sd 0.5, so half the width is 1.96 * 0.5 / 20 = 0.049
    found = bootstrap_interval(np.mean, [right], seed=0, draws=2000)
    assert (found.high - found.low) / 2 == pytest.approx(0.049, rel=0.1)


def test_columns_are_drawn_together():
    a = np.arange(50.0)
    assert bootstrap_interval(lambda x, y: float(np.abs(x - y).max()), [a, a], seed=0) == Interval(
        0.0, 0.0, 0.0, 50
    )


def test_a_metric_without_a_value_has_no_interval():
    assert bootstrap_interval(auroc, [np.arange(3.0), np.ones(3)], seed=0) == Interval(
        None, None, None, 3
    )


@pytest.mark.parametrize("metric", [risk_coverage, aurc, auroc])
def test_a_score_that_is_not_finite_is_named(metric):
    with pytest.raises(NonFiniteError, match="nan at index 1 is not finite"):
        metric(np.array([0.5, np.nan]), np.array([1, 0]))


@pytest.mark.parametrize("metric", [risk_coverage, auroc])
def test_a_truth_that_is_not_finite_is_named(metric):
    with pytest.raises(NonFiniteError, match="nan at index 1 is not finite"):
        metric(np.array([0.5, 0.6]), np.array([0, np.nan]))
