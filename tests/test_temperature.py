"""Temperature scaling: identity at 1, the temperature that made the data is found, samples are scaled before their mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from core.errors import SettingsError
from core.stats.temperature import fit_temperature, sharpen


def test_temperature_one_is_the_identity():
    p = softmax(np.random.default_rng(0).normal(size=(20, 4)), axis=1)
    np.testing.assert_allclose(sharpen(p, 1.0), p)


def test_temperature_two_by_hand():
    """(0.9, 0.1) to the power 1/2 is in the ratio 3 to 1."""
    np.testing.assert_allclose(sharpen(np.array([[0.9, 0.1]]), 2.0), [[0.75, 0.25]])


@given(st.floats(0.1, 10), st.integers(0, 1000))
def test_the_most_probable_class_stays(temperature, seed):
    p = softmax(np.random.default_rng(seed).normal(size=(5, 3)) * 3, axis=1)
    assert (sharpen(p, temperature).argmax(1) == p.argmax(1)).all()


def test_the_temperature_of_the_data_is_found():
    """Labels drawn from softmax(z); a model that says softmax(3 z) needs T = 3."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(20_000, 3))
    label = (softmax(logits, axis=1).cumsum(1) > generator.random((20_000, 1))).argmax(1)
    assert fit_temperature(softmax(3 * logits, axis=1), label) == pytest.approx(3.0, rel=0.05)


def test_equal_samples_are_one_sample():
    generator = np.random.default_rng(1)
    p, label = softmax(generator.normal(size=(50, 3)), axis=1), generator.integers(0, 3, 50)
    assert fit_temperature(np.stack([p, p]), label) == pytest.approx(fit_temperature(p, label), rel=1e-2)


def test_no_case_and_no_temperature_are_refused():
    with pytest.raises(SettingsError, match="no labelled case to fit on"):
        fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=int))
    with pytest.raises(SettingsError, match="temperature 0 is not allowed"):
        sharpen(np.array([[0.5, 0.5]]), 0)
