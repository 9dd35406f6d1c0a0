"""Exact binomial tests and the fallback procedure against closed forms, brute force, MAPIE, and
worked examples.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SettingsError
from core.stats.risk_control import cases_needed, cases_without_error, p_values, reject_in_sequence

TARGETS = st.floats(0.01, 0.9)
LEVELS = st.floats(0.001, 0.3)
P = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(st.integers(1, 500), TARGETS)
def test_no_error_in_n_has_the_chance_that_all_are_right(n, target):
    assert p_values(np.array([0]), np.array([n]), target)[0] == pytest.approx(
        (1 - target) ** n, rel=1e-9
    )


def test_two_of_four_is_hand_derived():
    # P(Bin(4, 1/4) <= 2) = (81 + 108 + 54) / 256
    assert p_values(np.array([2]), np.array([4]), 0.25)[0] == pytest.approx(243 / 256, rel=1e-12)


def test_nothing_speaks_for_an_empty_sample_and_all_errors_speak_against():
    np.testing.assert_array_equal(p_values(np.array([0, 7]), np.array([0, 7]), 0.1), [1.0, 1.0])


@given(st.integers(1, 60), TARGETS)
def test_p_value_is_the_sum_of_the_terms_and_grows_with_errors(n, target):
    terms = [math.comb(n, k) * target**k * (1 - target) ** (n - k) for k in range(n + 1)]
    found = p_values(np.arange(n + 1), np.full(n + 1, n), target)
    np.testing.assert_allclose(found, np.cumsum(terms), rtol=1e-9, atol=1e-300)
    assert (np.diff(found) >= 0).all()


@given(st.integers(1, 60), TARGETS, LEVELS)
def test_a_share_at_the_target_passes_at_most_as_often_as_the_level_says(n, target, level):
    """Exact, no simulation: the chance of every count that passes, added up."""
    k = np.arange(n + 1)
    chances = np.array([math.comb(n, i) * target**i * (1 - target) ** (n - i) for i in k])
    assert chances[p_values(k, np.full(n + 1, n), target) <= level].sum() <= level * (1 + 1e-9)


@pytest.mark.parametrize(("errors", "n"), [(-1, 5), (6, 5)])
def test_counts_that_cannot_be_are_refused(errors, n):
    with pytest.raises(SettingsError, match="between 0 and n"):
        p_values(np.array([errors]), np.array([n]), 0.1)


def test_fallback_hands_a_level_on_and_loses_it():
    # Levels: 0.02 passes; 0.02 fails and is lost; 0.03 of its own passes; 0.03 carried passes
    # again.
    p, weights = np.array([0.01, 0.025, 0.03, 0.02]), np.array([0.02, 0.0, 0.03, 0.0])
    assert reject_in_sequence(p, weights).tolist() == [True, False, True, True]
    # Had the second passed, the third would have had 0.05.
    assert reject_in_sequence(np.array([0.01, 0.01, 0.05, 0.06]), weights).tolist() == [
        True,
        True,
        True,
        False,
    ]


def test_a_test_without_level_never_passes():
    assert reject_in_sequence(np.array([0.0, 0.0]), np.array([0.0, 0.05])).tolist() == [False, True]


@given(P)
def test_all_weight_on_the_first_is_a_sequence_that_stops_at_the_first_failure(values):
    p = np.array(values)
    weights = np.zeros(len(p))
    weights[0] = 0.4
    assert reject_in_sequence(p, weights).tolist() == np.logical_and.accumulate(p <= 0.4).tolist()


@given(P, st.data())
def test_smaller_p_values_never_certify_less(values, data):
    p = np.array(values)
    weights = np.full(len(p), 0.3 / len(p))
    smaller = p * np.array(data.draw(st.lists(st.floats(0, 1), min_size=len(p), max_size=len(p))))
    assert (reject_in_sequence(smaller, weights) >= reject_in_sequence(p, weights)).all()
    assert (reject_in_sequence(p, weights) >= (p <= weights)).all()  # never below Bonferroni


@given(TARGETS, LEVELS)
def test_fewest_cases_without_error_pass_and_one_fewer_does_not(target, level):
    n = cases_without_error(target, level)
    assert (1 - target) ** n <= level * (1 + 1e-12)
    assert n == 1 or (1 - target) ** (n - 1) > level


def test_planning_figures_are_the_known_ones():
    assert cases_without_error(0.05, 0.05) == 59  # ln 0.05 / ln 0.95 = 58.4
    # (1/2)^3 = 1/8 exactly, whatever the rounded quotient says
    assert cases_without_error(0.5, 0.125) == 3
    assert cases_needed(0.0, 0.05, 0.05) == 59


@pytest.mark.parametrize(
    ("rate", "target", "level"),
    [(0.03, 0.05, 0.05), (0.2, 0.3, 0.01), (0.0, 0.1, 0.05), (0.1, 0.5, 0.2)],
)
def test_cases_needed_at_a_rate_is_the_first_that_passes(rate, target, level):
    n = np.arange(1, 1000)
    passes = p_values(np.ceil(rate * n - 1e-9), n, target) <= level
    assert cases_needed(rate, target, level) == n[passes][0]


def test_no_number_of_cases_helps_a_rate_at_the_target():
    assert cases_needed(0.05, 0.05, 0.05) is None
    assert cases_needed(0.049999, 0.05, 0.05) is None  # it would take more than the search goes to


def test_mapie_agrees():
    """MAPIE forms n * (errors / n) in floats and rounds it up, so it may count one error more, and
    is then above us.
    """
    methods = pytest.importorskip("mapie.risk_control.methods", reason="mapie is not installed")
    control_fwer = pytest.importorskip("mapie.risk_control.fwer_control").control_fwer
    generator = np.random.default_rng(0)
    n = generator.integers(1, 400, 300)
    errors = generator.binomial(n, 0.07)
    for target in (0.05, 0.1, 0.3):
        ours = p_values(errors, n, target)
        theirs = methods.compute_hoeffding_bentkus_p_value(errors / n, n, target, binary=True)[:, 0]
        exact = np.ceil(n * (errors / n)) == errors
        assert exact.mean() > 0.9
        np.testing.assert_allclose(theirs[exact], ours[exact], rtol=1e-9)
        assert (theirs >= ours * (1 - 1e-9)).all()
        weights = np.zeros(len(n))
        weights[0] = 0.4
        ordered = np.sort(ours)
        assert (
            reject_in_sequence(ordered, weights).nonzero()[0].tolist()
            == control_fwer(ordered, 0.4, "fixed_sequence").tolist()
        )
