"""Entropy and its split, against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import NonFiniteError
from core.stats.uncertainty import decompose_uncertainty, entropy_nats


@pytest.mark.parametrize("k", [1, 2, 12])
def test_the_uniform_distribution_has_log_k_nats(k):
    assert entropy_nats(np.full(k, 1 / k)) == pytest.approx(np.log(k))


def test_certainty_has_none_and_zero_log_zero_is_zero():
    assert entropy_nats(np.array([0.0, 1.0, 0.0])) == 0.0


def test_entropy_follows_its_axis():
    p = np.array([[0.5, 1.0], [0.5, 0.0]])
    np.testing.assert_allclose(entropy_nats(p, axis=0), [np.log(2), 0.0])


def test_samples_that_disagree_with_certainty_are_all_epistemic():
    found = decompose_uncertainty(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]))
    np.testing.assert_allclose(found.mean, [[0.5, 0.5]])
    np.testing.assert_allclose(
        [found.total, found.aleatoric, found.epistemic],
        [[np.log(2)], [0.0], [np.log(2)]],
        atol=1e-15,
    )


def test_samples_that_agree_are_all_aleatoric():
    found = decompose_uncertainty(np.tile([[0.5, 0.25, 0.25]], (7, 1, 1)))
    np.testing.assert_allclose(found.aleatoric, [1.5 * np.log(2)])
    np.testing.assert_allclose(found.epistemic, [0.0], atol=1e-15)


def test_a_mixture_is_split_as_by_hand():
    # one sample is sure, the other is not
    found = decompose_uncertainty(np.array([[[1.0, 0.0]], [[0.5, 0.5]]]))
    total = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    np.testing.assert_allclose(found.total, [total])
    np.testing.assert_allclose(found.aleatoric, [np.log(2) / 2])
    np.testing.assert_allclose(found.epistemic, [total - np.log(2) / 2])


@given(arrays(np.float64, (4, 3, 5), elements=st.floats(1e-6, 1)))
def test_the_parts_add_up_and_none_is_negative(raw):
    found = decompose_uncertainty(raw / raw.sum(-1, keepdims=True))
    np.testing.assert_allclose(found.aleatoric + found.epistemic, found.total, atol=1e-12)
    assert (found.epistemic >= 0).all()
    assert (found.aleatoric >= 0).all()
    assert (found.total <= np.log(5) + 1e-12).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_named(bad):
    samples = np.full((2, 3, 2), 0.5)
    samples[1, 2, 0] = bad
    with pytest.raises(
        NonFiniteError, match=rf"probability {bad} at index \(1, 2, 0\) is not finite"
    ):
        decompose_uncertainty(samples)
