"""Erlang C against its closed forms."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.erlang import mean_wait, wait_quantile, waiting_share


@given(st.floats(0, 0.999))
def test_one_reviewer_makes_as_many_wait_as_she_is_busy(load):
    assert waiting_share(1, load) == pytest.approx(load)


@given(st.floats(0.001, 0.99), st.floats(0.01, 10))
def test_the_wait_of_one_reviewer_is_that_of_mm1(load, hours):
    assert mean_wait(1, load, hours) == pytest.approx(load * hours / (1 - load))


def test_two_reviewers_by_hand():
    # C = a^2 / (2 + a) for c = 2: 1.5^2 / 3.5
    assert waiting_share(2, 1.5) == pytest.approx(2.25 / 3.5)


@given(st.integers(1, 30), st.floats(0.01, 0.99))
def test_the_recursion_is_the_sum(reviewers, utilisation):
    load = reviewers * utilisation
    last = load**reviewers / math.factorial(reviewers) / (1 - utilisation)
    expected = last / (sum(load**k / math.factorial(k) for k in range(reviewers)) + last)
    assert waiting_share(reviewers, load) == pytest.approx(expected)


@given(st.integers(1, 20), st.floats(0.01, 0.99), st.floats(0, 0.999))
def test_a_quantile_is_passed_by_the_rest(reviewers, utilisation, q):
    load = reviewers * utilisation
    waits, at = waiting_share(reviewers, load), wait_quantile(reviewers, load, 0.5, q)
    if at > 0:
        assert waits * math.exp(-(reviewers - load) * at / 0.5) == pytest.approx(1 - q)
    else:
        assert waits <= 1 - q


def test_without_load_nobody_waits():
    assert (waiting_share(3, 0), mean_wait(3, 0, 1), wait_quantile(3, 0, 1, 0.95)) == (0, 0, 0)


@pytest.mark.parametrize("load", [2.0, 3.0, -0.1, math.nan, math.inf])
def test_without_a_steady_state_there_is_no_answer(load):
    with pytest.raises(ValueError, match=f"a load of {load} on 2 reviewers has no steady state"):
        waiting_share(2, load)


@pytest.mark.parametrize("q", [1.0, -0.1, math.nan])
def test_a_quantile_outside_its_range_is_refused(q):
    with pytest.raises(ValueError, match=f"quantile {q} is not allowed"):
        wait_quantile(2, 1, 1, q)
