"""What chance alone makes of a calibration error, and what is left without it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from core.stats.calibration import ece, reliability
from core.stats.calibration_bias import absolute_deviation, calibration_error

NONE = np.zeros(0)
SHARES = st.integers(0, 1000).map(lambda x: x / 1000)


def error_of(confidence, right):
    return calibration_error(reliability(np.asarray(confidence), np.asarray(right)))


def test_the_share_by_chance_of_one_case_by_hand():
    """Right with 0.8 and then off by 0.2, wrong with 0.2 and then off by 0.8: 2 * 0.8 * 0.2."""
    assert error_of([0.8], [1]).by_chance == pytest.approx(0.32)


def test_the_share_by_chance_of_two_cases_in_one_bin_by_hand():
    """K of 0, 1, 2 with 0.04, 0.32, 0.64 around 1.6: (0.04 * 1.6 + 0.32 * 0.6 + 0.64 * 0.4) / 2."""
    assert error_of([0.8, 0.8], [1, 0]).by_chance == pytest.approx((0.064 + 0.192 + 0.256) / 2)


@given(
    n=st.integers(1, 40),
    rate=SHARES,
    share=SHARES,
)
def test_moments_of_the_absolute_deviation_are_the_binomial_sums(n, rate, share):
    k, centre = np.arange(n + 1), n * share
    p, distance = binom.pmf(k, n, rate), np.abs(k - centre)
    mean, variance = absolute_deviation(np.array([n]), np.array([rate]), np.array([centre]))
    assert mean[0] == pytest.approx(p @ distance, abs=1e-9)
    assert variance[0] == pytest.approx(p @ distance**2 - (p @ distance) ** 2, abs=1e-6)


def test_by_chance_is_the_mean_ece_of_drawn_answers():
    random = np.random.default_rng(0)
    confidence = random.beta(4, 2, 400)
    drawn = [ece(confidence, random.random(400) < confidence) for _ in range(600)]
    found = error_of(confidence, np.zeros(400)).by_chance
    assert found == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / 600**0.5)


def test_the_share_by_chance_falls_with_the_root_of_the_number_of_cases():
    few, many = (
        error_of(np.tile(np.linspace(0.3, 0.95, 50), times), np.ones(50 * times)).by_chance
        for times in (4, 36)
    )
    assert few / many == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize("shape", [(4, 2), (8, 1), (1, 1)])
def test_a_perfectly_calibrated_model_has_0_in_its_interval_at_the_nominal_rate(n, shape):
    """And its debiased error is less than half of the plain one, which is nearly all chance."""
    random = np.random.default_rng(3)
    found = []
    for _ in range(300):
        confidence = random.beta(*shape, n)
        found.append(error_of(confidence, random.random(n) < confidence))
    covered = np.mean([e.debiased.low == 0 for e in found])
    assert covered >= 0.95 - 2.6 * (0.95 * 0.05 / 300) ** 0.5
    assert np.mean([e.p_value < 0.05 for e in found]) == pytest.approx(0.05, abs=0.035)
    assert np.mean([e.debiased.value for e in found]) < 0.5 * np.mean([e.plain for e in found])


@pytest.mark.parametrize("gap", [-0.05, -0.1])
def test_the_interval_of_an_overconfident_model_covers_its_true_error(gap):
    random = np.random.default_rng(4)
    found = []
    for _ in range(300):
        confidence = random.uniform(0.4, 0.95, 1000)
        found.append(error_of(confidence, random.random(1000) < confidence + gap))
    assert np.mean([e.debiased.low <= -gap <= e.debiased.high for e in found]) >= 0.88
    assert np.mean([e.debiased.value for e in found]) == pytest.approx(-gap, abs=0.008)


@given(
    st.lists(st.tuples(SHARES, st.booleans()), min_size=1, max_size=60),
)
def test_the_interval_never_lies_above_or_below_its_value(cases):
    confidence, right = (np.array(x, dtype=float) for x in zip(*cases, strict=True))
    found = error_of(confidence, right)
    assert 0 <= found.debiased.low <= found.debiased.value <= found.debiased.high <= 1
    assert found.plain == pytest.approx(ece(confidence, right))
    assert found.debiased.value <= found.plain + 1e-9


def test_a_model_that_is_sure_and_right_has_no_error_and_one_that_is_sure_and_wrong_has_all():
    right, wrong = error_of(np.ones(20), np.ones(20)), error_of(np.ones(20), np.zeros(20))
    assert (right.plain, right.debiased.value, right.p_value) == (0, 0, 1)
    assert (wrong.plain, wrong.debiased.value) == (1, pytest.approx(1))
    assert wrong.p_value < 1e-9


def test_without_a_case_nothing_is_known():
    found = error_of(NONE, NONE)
    assert (found.debiased.value, found.debiased.n) == (None, 0)
    assert (found.plain, found.by_chance, found.p_value) == (None, None, None)
