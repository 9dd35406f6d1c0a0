"""Agreement of two scores: closed forms, the library's values, and limit cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from core.errors import NonFiniteError, SettingsError
from core.stats.agreement import mean_absolute_error, rank_correlation


def test_spearman_is_scipys_with_ties_too():
    random = np.random.default_rng(0)
    x, y = random.integers(0, 20, 300), random.integers(0, 20, 300)
    assert rank_correlation(x, y).value == pytest.approx(spearmanr(x, y).statistic)


def test_the_interval_by_hand():
    """Ranks 1 2 3 4 5 6 7 against 2 1 4 3 6 5 7: sum d^2 = 6, r = 1 - 6 * 6 / (7 * 48) = 0.892857;
    n - 3 = 4.
    """
    found = rank_correlation(np.arange(7), np.array([1, 0, 3, 2, 5, 4, 6]))
    r = 1 - 36 / 336
    half = 1.959964 * np.sqrt((1 + r**2 / 2) / 4)
    assert found.value == pytest.approx(r)
    assert (found.low, found.high) == pytest.approx(
        (np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)), rel=1e-6
    )


def test_the_interval_holds_the_truth_in_about_95_of_100_draws():
    """Normal pairs of correlation 0.6 have a rank correlation of 6 / pi asin(0.3)."""
    truth, inside = 6 / np.pi * np.arcsin(0.3), 0
    for seed in range(400):
        x, e = np.random.default_rng(seed).normal(size=(2, 200))
        found = rank_correlation(x, 0.6 * x + 0.8 * e)
        inside += found.low < truth < found.high
    assert 362 <= inside <= 397  # 380 expected, with a standard deviation of 4.4


@given(st.lists(st.integers(-50, 50), min_size=4, max_size=30, unique=True))
def test_any_rising_map_agrees_wholly_and_any_falling_one_not_at_all(values):
    x = np.array(values, dtype=float)
    assert rank_correlation(x, x**3 + x).value == pytest.approx(1)
    assert rank_correlation(x, -(x**3) - x).value == pytest.approx(-1)


def test_what_cannot_be_estimated_is_none():
    assert rank_correlation(np.array([1.0, 1, 1, 1]), np.arange(4)).value is None
    assert rank_correlation(np.zeros(0), np.zeros(0)).n == 0
    few = rank_correlation(np.array([1.0, 2, 3]), np.array([1.0, 3, 2]))
    assert (few.value, few.low, few.high, few.n) == (pytest.approx(0.5), None, None, 3)
    assert mean_absolute_error(np.zeros(0), np.zeros(0)).value is None
    one = mean_absolute_error(np.array([1.0]), np.array([3.0]))
    assert (one.value, one.low, one.n) == (2, None, 1)


def test_the_mean_absolute_error_by_hand():
    """Errors 1, 2, 3: mean 2, s = 1, +- 1.959964 / sqrt(3)."""
    found = mean_absolute_error(np.array([0.0, 0, 0]), np.array([1.0, -2, 3]))
    assert (found.value, found.low, found.high) == pytest.approx(
        (2, 2 - 1.959964 / 3**0.5, 2 + 1.959964 / 3**0.5), rel=1e-6
    )
    # 0.5 - 0.98 is no error
    assert mean_absolute_error(np.array([0.0, 0]), np.array([0.0, 1])).low == 0


def test_what_is_no_pair_is_named():
    with pytest.raises(SettingsError, match=r"shapes \(2,\) and \(3,\)"):
        rank_correlation(np.zeros(2), np.zeros(3))
    with pytest.raises(NonFiniteError, match="the second score nan at index 1"):
        mean_absolute_error(np.zeros(2), np.array([0, np.nan]))
