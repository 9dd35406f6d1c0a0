"""Votes: what N samples of one case say, against values worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NonFiniteError, SettingsError
from core.stats.bounds import wilson
from core.stats.votes import ENOUGH, checked_prediction, count_votes


def test_votes_are_counted_by_label_and_the_mean_may_say_another():
    """Two are a little for the first label, one is sure of the second: 2 of 3 votes, but 0.4 on
    average.
    """
    found = count_votes([[0.6, 0.4], [0.6, 0.4], [0.0, 1.0]])
    assert found.choices.tolist() == [0, 0, 1]
    assert found.probability.tolist() == [0.6, 0.6, 1.0]
    assert found.counts.tolist() == [2, 1]
    assert (found.leading, found.together.best) == (0, 1)
    assert found.together.confidence == pytest.approx(0.6)
    assert found.agreement == wilson(2, 3)
    assert not found.unanimous


def test_the_two_uncertainties_tell_unsure_inspectors_from_inspectors_who_disagree():
    torn = count_votes([[0.5, 0.5]] * 4).together
    assert (torn.aleatoric, torn.epistemic) == (
        pytest.approx(math.log(2)),
        pytest.approx(0, abs=1e-12),
    )
    split = count_votes([[1.0, 0.0], [0.0, 1.0]]).together
    assert (split.aleatoric, split.epistemic) == (0, pytest.approx(math.log(2)))
    assert torn.total == pytest.approx(split.total)


def test_of_equal_counts_the_label_with_the_greater_mean_leads():
    assert count_votes([[0.51, 0.49], [0.1, 0.9]]).leading == 1
    assert count_votes([[0.9, 0.1], [0.49, 0.51]]).leading == 0


def test_under_that_many_votes_even_one_voice_leaves_open_what_most_inspectors_say():
    assert wilson(ENOUGH, ENOUGH).low > 0.5 > wilson(ENOUGH - 1, ENOUGH - 1).low


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 10**6))
def test_every_vote_is_counted_once_and_the_order_of_inspectors_does_not_matter(n, k, seed):
    rng = np.random.default_rng(seed)
    samples = rng.dirichlet(np.ones(k), n)
    found, shuffled = count_votes(samples), count_votes(rng.permutation(samples))
    assert found.counts.sum() == n == found.agreement.n
    assert found.counts.tolist() == shuffled.counts.tolist()
    assert found.counts[found.leading] == found.counts.max()
    assert found.unanimous == (found.agreement.value == 1)
    assert found.together.epistemic == pytest.approx(shuffled.together.epistemic, abs=1e-12)


@pytest.mark.parametrize(
    "samples", [[0.5, 0.5], np.empty((0, 2)), np.empty((3, 0)), np.ones((1, 2, 2))]
)
def test_what_is_no_table_of_votes_is_refused(samples):
    with pytest.raises(SettingsError, match=r"are no votes: use \[N, K\]"):
        count_votes(samples)


def test_what_is_not_finite_is_no_opinion():
    with pytest.raises(NonFiniteError, match="probability nan at index"):
        count_votes([[math.nan, 1.0]])
    with pytest.raises(NonFiniteError, match="epistemic uncertainty nan is not finite"):
        checked_prediction([1.0], 0.0, math.nan)
    with pytest.raises(SettingsError, match="aleatoric uncertainty -0.1 is not allowed"):
        checked_prediction([1.0], -0.1, 0.0)
