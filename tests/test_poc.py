"""The size of a proof of concept: closed forms, published sample sizes, and the choice of the
smallest unit.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from core.decision.meeting.poc import (
    TrialUnit,
    cases_for_width,
    cases_to_tell_apart,
    half_width,
    plan_trial,
    width_frame,
)
from core.errors import SettingsError
from core.stats.bounds import wilson

Z = norm.ppf(0.975)


def unit(
    segment: str, per_day: float, wrong: int = 10, n: int = 100, coverage: float = 0.5
) -> TrialUnit:
    return TrialUnit(segment, per_day, coverage, wilson(wrong, n))


@pytest.mark.parametrize("width", [0.01, 0.02, 0.05, 0.2])
def test_without_errors_the_width_has_a_closed_form(width):
    """[0, z^2 / (n + z^2)] has the half width z^2 / 2(n + z^2), so n = z^2 (1 / 2w - 1)."""
    assert cases_for_width(0.0, width) == math.ceil(Z**2 * (1 / (2 * width) - 1))


@given(st.floats(0, 1), st.sampled_from([0.01, 0.03, 0.1]))
def test_the_number_is_the_fewest_that_is_narrow_enough(risk, width):
    n = cases_for_width(risk, width)
    assert half_width(risk, np.array([n]))[0] <= width
    assert n == 1 or half_width(risk, np.array([n - 1]))[0] > width


def test_large_samples_need_what_the_plain_formula_says():
    """p (1 - p) z^2 / w^2 is 9,604 for a half and 1%; Wilson's interval needs z^2 fewer, since its
    variance has n + z^2.
    """
    assert cases_for_width(0.5, 0.01) == math.ceil(0.25 * Z**2 / 0.01**2 - Z**2)


def test_to_tell_a_tenth_from_a_fifth():
    """199 for each is the size that every table has for 10% against 20% at 5% and 80% without
    correction.
    """
    assert cases_to_tell_apart(0.1, 0.2) == 199
    assert cases_to_tell_apart(0.2, 0.1) == 199
    assert cases_to_tell_apart(0.1, 0.1) is None


def test_that_size_finds_the_difference_as_often_as_it_promises():
    generator, n, trials = np.random.default_rng(7), cases_to_tell_apart(0.1, 0.2), 4000
    one, other = (generator.binomial(n, p, trials) / n for p in (0.1, 0.2))
    mean = (one + other) / 2
    found = np.abs(one - other) / np.sqrt(2 * mean * (1 - mean) / n) > Z
    # a trial's standard error is 0.006; the rest is the normal approximation
    assert abs(found.mean() - 0.8) < 0.03


def test_the_promise_without_an_error_is_the_rule_of_three():
    """(1 - 0.05)^n <= 0.05 first at n = 59; a day accepts 10 * 0.5 cases, so 12 days."""
    found = plan_trial([unit("x", 10)], 0.2, 0.05, 0.05, 30)
    promise = next(need for need in found.needs if need.question == "promise")
    assert (promise.cases, promise.days) == (59, 12)
    assert 0.95**59 <= 0.05 < 0.95**58


def test_the_smallest_unit_that_ends_in_time_is_chosen_and_else_the_fastest():
    units = [unit("", 100), unit("slow", 2), unit("middle", 20)]
    assert plan_trial(units, 0.2, 0.05, 0.05, 30).unit.segment == "middle"
    late = plan_trial(units, 0.2, 0.05, 0.05, 1)
    assert (late.unit.segment, late.fits) == ("", False)
    assert plan_trial(units, 0.2, 0.05, 0.05, 365).unit.segment == "slow"


def test_what_cannot_be_known_is_none_and_never_a_number():
    nothing = TrialUnit("", 10.0, 0.0, wilson(0, 0))
    found = plan_trial([nothing], 0.02, 0.05, 0.05, 90, rival=0.1)
    assert [(need.question, need.cases, need.days) for need in found.needs] == [
        ("width", None, None),
        ("promise", 59, None),
    ]
    assert not found.fits
    equal = plan_trial([unit("", 10)], 0.2, 0.05, 0.05, 90, rival=0.1)
    assert equal.needs[-1].cases is equal.needs[-1].days is None


def test_the_curve_of_widths_falls_and_covers_what_was_asked():
    frame = width_frame(0.1, 5000)
    assert frame["n"].iloc[[0, -1]].to_list() == [10, 5000]
    assert (frame["half_width"].diff().dropna() < 0).all()


@pytest.mark.parametrize(
    ("risk", "width"), [(float("nan"), 0.1), (-0.1, 0.1), (0.1, 0.0), (0.1, float("inf"))]
)
def test_shares_that_are_none_are_refused(risk, width):
    with pytest.raises(SettingsError, match="is not allowed: use a share between 0 and 1"):
        cases_for_width(risk, width)


def test_a_run_without_cases_has_no_plan():
    with pytest.raises(SettingsError, match="The run has no case, so no trial can be planned"):
        plan_trial([], 0.02, 0.05, 0.05, 90)
