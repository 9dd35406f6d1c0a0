"""Temperature scaling against what is known: the identity, a temperature that made the labels, and
a fit by hand.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from core.errors import NonFiniteError, SettingsError
from core.stats.calibration import nll
from core.stats.temperature import (
    HIGHEST,
    LOWEST,
    at_temperature,
    fit_temperature,
    mean_at_temperature,
    sampled_temperature,
)


def drawn(n: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities p [n, 5], and labels drawn from p at `temperature`."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (n, 5))
    q = softmax(logits / temperature, axis=1)
    return softmax(logits, axis=1), (q.cumsum(1) < random.random((n, 1))).sum(1).clip(max=4)


def test_temperature_1_is_the_identity():
    p, _ = drawn(200, 1)
    np.testing.assert_allclose(at_temperature(p, 1.0), p, rtol=1e-12)


def test_a_temperature_by_hand():
    """0.8 and 0.2 at T = 2: the odds 4 become sqrt(4) = 2, so 2/3; at T = 1/2 they become 16, so
    16/17.
    """
    p = np.array([[0.8, 0.2]])
    np.testing.assert_allclose(at_temperature(p, 2), [[2 / 3, 1 / 3]])
    np.testing.assert_allclose(at_temperature(p, 0.5), [[16 / 17, 1 / 17]])


def test_a_probability_of_0_stays_0_at_1_and_breaks_nothing():
    np.testing.assert_allclose(at_temperature(np.array([[1.0, 0.0]]), 1), [[1, 0]], atol=1e-12)
    assert np.isfinite(at_temperature(np.array([[1.0, 0.0]]), HIGHEST)).all()


@given(st.floats(LOWEST, HIGHEST), st.integers(0, 100))
def test_the_answer_never_changes_and_rows_add_up_to_one(temperature, seed):
    p, _ = drawn(20, 1, seed)
    q = at_temperature(p, temperature)
    np.testing.assert_array_equal(q.argmax(1), p.argmax(1))
    np.testing.assert_allclose(q.sum(1), 1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 3.0])
def test_the_temperature_that_made_the_labels_is_found(temperature):
    found = fit_temperature(*drawn(40_000, temperature))
    assert found.value.value == pytest.approx(temperature, rel=0.03)
    assert found.value.low < temperature < found.value.high
    assert found.value.n == 40_000


def test_the_interval_holds_the_truth_in_about_95_of_100_draws():
    inside = 0
    for seed in range(200):
        value = fit_temperature(*drawn(400, 1.7, seed)).value
        inside += value.low < 1.7 < value.high
    assert 178 <= inside <= 199  # 190 expected, with a standard deviation of 3.1


def test_a_fit_by_hand():
    """Confidence 0.9 of two classes, right 3 times in 4: the best odds are 3, and 9^(1/T) = 3 gives
    T = 2.
    """
    found = fit_temperature(np.array([[0.9, 0.1]] * 4), np.array([0, 0, 0, 1]))
    assert found.value.value == pytest.approx(2, abs=1e-5)
    assert found.nll_before == pytest.approx(-(3 * np.log(0.9) + np.log(0.1)) / 4)
    assert found.nll_after == pytest.approx(-(3 * np.log(0.75) + np.log(0.25)) / 4)


def test_scaling_by_the_fit_gives_its_nll_and_a_second_fit_gives_1():
    p, label = drawn(2000, 1.7)
    found = fit_temperature(p, label)
    after = at_temperature(p, found.value.value)
    assert nll(after, label) == pytest.approx(found.nll_after)
    assert found.nll_after < found.nll_before
    assert fit_temperature(after, label).value.value == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("label", "end"), [(0, LOWEST), (1, HIGHEST)])
def test_labels_that_are_all_the_first_or_all_another_choice_end_at_a_limit_without_bounds(
    label, end
):
    found = fit_temperature(np.array([[0.6, 0.4]] * 50), np.array([label] * 50))
    assert (found.value.value, found.value.low, found.value.high) == (
        pytest.approx(end),
        None,
        None,
    )


def test_what_cannot_be_fitted_is_named():
    p = np.array([[0.6, 0.4]])
    with pytest.raises(SettingsError, match="0 cases to fit a temperature on"):
        fit_temperature(np.zeros((0, 2)), np.zeros(0, dtype=int))
    with pytest.raises(SettingsError, match="equally likely in each of the 3 cases"):
        fit_temperature(np.full((3, 2), 0.5), np.array([0, 1, 0]))
    with pytest.raises(SettingsError, match="label 2 at index 0"):
        fit_temperature(p, np.array([2]))
    with pytest.raises(NonFiniteError, match="probability nan"):
        fit_temperature(np.array([[np.nan, 0.4]]), np.array([0]))
    with pytest.raises(SettingsError, match="temperature 0 is not allowed"):
        at_temperature(p, 0)


def test_equal_samples_are_one_sample_and_no_case_is_refused():
    p, label = drawn(300, 2.0)
    fit = fit_temperature(p, label)
    temperature = sampled_temperature(np.stack([p, p]), label)
    assert temperature == pytest.approx(fit.value.value, rel=1e-2)
    mean = mean_at_temperature(np.stack([p, p]), temperature)
    np.testing.assert_allclose(mean, at_temperature(p, temperature))
    with pytest.raises(SettingsError, match="0 cases to fit a temperature on"):
        sampled_temperature(np.zeros((2, 0, 3)), np.zeros(0, dtype=int))
