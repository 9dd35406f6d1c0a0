"""What chance alone makes of a calibration error."""

import numpy as np
import pytest

from core.stats.calibration import ece, reliability
from core.stats.calibration_bias import ece_floor, squared_error


def test_the_floor_of_one_case_by_hand():
    """Right with 0.8 and then off by 0.2, wrong with 0.2 and then off by 0.8: 2 * 0.8 * 0.2."""
    assert ece_floor(np.array([0.8])) == pytest.approx(0.32)


def test_the_floor_of_two_cases_in_one_bin_by_hand():
    """K of 0, 1, 2 with 0.04, 0.32, 0.64 around 1.6: (0.04 * 1.6 + 0.32 * 0.6 + 0.64 * 0.4) / 2."""
    assert ece_floor(np.array([0.8, 0.8])) == pytest.approx((0.064 + 0.192 + 0.256) / 2)


def test_a_model_that_is_sure_and_right_has_no_floor():
    assert ece_floor(np.ones(20)) == pytest.approx(0, abs=1e-12)


def test_the_floor_is_the_mean_ece_of_drawn_answers():
    random = np.random.default_rng(0)
    confidence = random.beta(4, 2, 400)
    drawn = [ece(confidence, random.random(400) < confidence) for _ in range(600)]
    assert ece_floor(confidence) == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / 600**0.5)


def test_the_floor_falls_with_the_root_of_the_number_of_cases():
    few, many = (ece_floor(np.tile(np.linspace(0.3, 0.95, 50), times)) for times in (4, 36))
    assert few / many == pytest.approx(3, rel=0.02)


def test_the_squared_error_by_hand():
    """Four cases of 0.6, three right: (0.75 - 0.6)^2 - 0.75 * 0.25 / 3; the case alone in its bin
    says nothing.
    """
    found = squared_error(
        reliability(np.array([0.6, 0.6, 0.6, 0.6, 0.1]), np.array([1, 1, 1, 0, 0]))
    )
    assert found == pytest.approx(0.0225 - 0.0625)


@pytest.mark.parametrize(("too_sure", "squared"), [(0.0, 0.0), (0.1, 0.01)])
def test_the_squared_error_has_the_true_value_as_its_mean(too_sure, squared):
    """Where ECE's mean is above the truth, 0 and 0.1."""
    random = np.random.default_rng(1)
    confidence = np.repeat([0.5, 0.7, 0.9], 20)
    diagrams = [
        reliability(confidence, random.random(60) < confidence - too_sure) for _ in range(3000)
    ]
    found = [squared_error(d) for d in diagrams]
    assert np.mean(found) == pytest.approx(squared, abs=4 * np.std(found) / 3000**0.5)


def test_no_case_gives_no_figure():
    none = np.zeros(0)
    assert (ece_floor(none), squared_error(reliability(none, none))) == (None, None)
