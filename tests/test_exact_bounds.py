"""Bounds of a share against closed forms, scipy and MAPIE."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapie.exchangeability_testing.bounds import conjugate_mixture_empirical_bernstein_bound
from scipy.stats import binomtest, hypergeom

from core.errors import SettingsError
from core.stats.exact_bounds import (
    anytime_evidence,
    anytime_interval,
    anytime_upper_bound,
    clopper_pearson,
    finite_population_interval,
)

COUNTS = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.sampled_from([0.8, 0.95]))
def test_clopper_pearson_equals_scipy(counts, level):
    errors, n = counts
    expected = binomtest(errors, n).proportion_ci(level, "exact")
    interval = clopper_pearson(errors, n, level)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_without_an_error_the_upper_bound_is_the_closed_form():
    # (1 - m)^n = alpha
    assert clopper_pearson(0, 59, 0.9).high == pytest.approx(1 - 0.05 ** (1 / 59))
    assert clopper_pearson(59, 59, 0.9).low == pytest.approx(0.05 ** (1 / 59))


@given(st.integers(1, 60), st.data())
def test_the_finite_population_bounds_are_the_last_plausible_numbers_of_errors(population, data):
    n = data.draw(st.integers(1, population))
    errors = data.draw(st.integers(0, n))
    interval = finite_population_interval(errors, n, population)
    possible = np.arange(errors, population - (n - errors) + 1)
    upper = possible[hypergeom.cdf(errors, population, possible, n) > 0.025 - 1e-12]
    lower = possible[hypergeom.sf(errors - 1, population, possible, n) > 0.025 - 1e-12]
    assert interval.high == pytest.approx(upper.max() / population)
    assert interval.low == pytest.approx(lower.min() / population)


def test_auditing_everything_leaves_no_width_and_a_large_population_is_binomial():
    everything = finite_population_interval(3, 146, 146)
    assert (everything.low, everything.high) == (3 / 146, 3 / 146)
    many, binomial = finite_population_interval(2, 100, 10_000_000), clopper_pearson(2, 100)
    assert many.low == pytest.approx(binomial.low, abs=1e-4)
    assert many.high == pytest.approx(binomial.high, abs=1e-4)


def test_no_case_has_no_interval_and_impossible_counts_are_refused():
    for interval in (
        clopper_pearson(0, 0),
        finite_population_interval(0, 0, 5),
        anytime_interval(0, 0),
    ):
        assert (interval.value, interval.low, interval.high) == (None, None, None)
    with pytest.raises(SettingsError, match="6 of 5 is not a share"):
        clopper_pearson(6, 5)
    with pytest.raises(SettingsError, match="a sample of 6 cases is larger than its population"):
        finite_population_interval(0, 6, 5)


def test_the_evidence_is_the_beta_mixture_over_shares_below_the_null():
    # the integral of (q/m)^s ((1-q)/(1-m))^f over Beta(.5, .5) truncated to q < m, by quadrature
    s, n, m = 2, 30, 0.2
    angle = (np.arange(200_000) + 0.5) / 200_000 * math.asin(math.sqrt(m))
    q = np.sin(angle) ** 2  # the arcsine law is uniform in this angle
    ratio = (q / m) ** s * ((1 - q) / (1 - m)) ** (n - s)
    assert anytime_evidence(s, n, m) == pytest.approx(math.log(ratio.mean()), abs=1e-6)


def test_without_an_error_the_any_time_bound_needs_a_quarter_more_audits_than_the_fixed_one():
    assert anytime_upper_bound(0, 73) > 0.05 >= anytime_upper_bound(0, 74)
    assert anytime_upper_bound(0, 187) > 0.02 >= anytime_upper_bound(0, 188)
    assert (anytime_upper_bound(0, 0), anytime_upper_bound(5, 5)) == (1.0, 1.0)


@given(COUNTS)
def test_the_any_time_interval_holds_the_fixed_one_and_mirrors(counts):
    errors, n = counts
    anytime, fixed = anytime_interval(errors, n), clopper_pearson(errors, n)
    assert anytime.low <= errors / n <= anytime.high
    assert anytime.high >= fixed.high - 0.01
    mirrored = anytime_interval(n - errors, n)
    assert anytime.low == pytest.approx(1 - mirrored.high)


def test_an_honest_process_is_refused_at_any_time_no_more_often_than_promised():
    random = np.random.default_rng(0)
    wrong = (random.random((400, 500)) < 0.1).cumsum(1)
    evidence = anytime_evidence(wrong, np.arange(1, 501)[None, :], 0.1)
    missed = (evidence.max(1) >= math.log(20)).mean()
    assert missed <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_the_any_time_bound_is_between_the_fixed_one_and_mapies_for_any_bounded_loss(share):
    losses = np.random.default_rng(1).random(300) < share
    theirs = conjugate_mixture_empirical_bernstein_bound(
        losses.astype(float), v_opt=300 * share, running_intersection=False
    )
    for n in (100, 200, 300):
        ours = anytime_upper_bound(int(losses[:n].sum()), n)
        assert clopper_pearson(int(losses[:n].sum()), n, 0.9).high < ours < theirs[n - 1]
