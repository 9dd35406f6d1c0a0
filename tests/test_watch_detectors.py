"""E-detectors: values by hand, the closed form, the rate of false alarms, and what breaks it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.decision.watch.detectors import (
    all_crossings,
    block_by_day,
    checked_limit,
    detector_path,
    expected_delay,
    first_crossing,
    restarted_path,
)
from core.errors import SettingsError, ShapeError


def test_a_path_is_the_recursion_by_hand():
    """L = 2, 1/2, 3: M = 2, (2 + 1) / 2 = 1.5, (1.5 + 1) 3 = 7.5."""
    path = np.exp(detector_path(np.log([2, 0.5, 3])))
    assert path == pytest.approx([2, 1.5, 7.5])


def test_a_weight_counts_the_cases_since_the_step_before():
    """M = (0 + 4) 2 = 8, then (8 + 10) / 2 = 9."""
    assert np.exp(detector_path(np.log([2, 0.5]), [4, 10])) == pytest.approx([8, 9])


def test_a_mixture_is_the_mean_of_its_detectors():
    """Alternatives 2, 2 and 1, 1: (6 + 2) / 2 after two steps."""
    path = detector_path(np.log([[2, 1], [2, 1]]))
    assert np.exp(path) == pytest.approx([(2 + 1) / 2, (6 + 2) / 2])


@given(st.lists(st.floats(0.1, 8), min_size=1, max_size=60))
def test_the_closed_form_is_the_recursion(ratios):
    level, by_hand = 0.0, []
    for ratio in ratios:
        level = (level + 1) * ratio
        by_hand.append(level)
    assert np.exp(detector_path(np.log(ratios))) == pytest.approx(by_hand, rel=1e-9)


def test_a_long_stream_neither_overflows_nor_is_nan():
    path = detector_path(np.full(100_000, math.log(2)))
    assert np.isfinite(path).all()
    assert path[-1] == pytest.approx(100_000 * math.log(2), abs=1)


def test_an_alarm_dates_the_change():
    """Ten steps of 1/2 and then of 2: the evidence speaks for a change at step 10."""
    crossing = first_crossing(np.log([0.5] * 10 + [2.0] * 10), 100)
    assert (crossing.start, crossing.stop) == (10, 15)  # M: 1, 4, 10, 22, 46, 94, 190 nearly
    assert first_crossing(np.log([0.5] * 50), 100) is None
    assert first_crossing(np.empty((0, 2)), 100) is None


def test_a_detector_begins_again_after_an_alarm():
    ratios = np.log([2.0] * 14)
    found = all_crossings(ratios, 100)
    # M = 2 (2^t - 1) reaches 100 at t = 6 (126), so every six steps
    assert [crossing.stop for crossing in found] == [5, 11]
    path = restarted_path(ratios, 100)
    assert np.exp(path[[5, 6, 11, 12, 13]]) == pytest.approx([126, 2, 126, 2, 6])


def test_days_are_products_or_pooled_bets():
    ratios, days = np.log([2.0, 4.0, 3.0]), [7, 7, 8]
    product, weights, last = block_by_day(ratios, days)
    assert np.exp(product[:, 0]) == pytest.approx([8, 3])
    assert (weights.tolist(), last.tolist()) == ([2, 1], [1, 2])
    # sizes 2 and 1: their 95% quantile is 1.95
    pooled, _, _ = block_by_day(ratios, days, pooled=True)
    assert np.exp(pooled[:, 0]) == pytest.approx([1 + (1 + 3) / 2, 1 + 2 / 1.95])


def test_a_day_of_equal_cases_is_one_event_where_pooled():
    """Ten copies of one case: their product squares the evidence nine times, pooled it is one L."""
    ratios, days = np.log(np.full(10, 2.0)), np.zeros(10)
    assert np.exp(block_by_day(ratios, days)[0]) == pytest.approx(2.0**10)
    assert np.exp(block_by_day(ratios, days, pooled=True)[0]) == pytest.approx(2.0)


def test_false_alarms_are_as_rare_as_promised_and_a_wrong_null_shows():
    """The mean run length is at least N = 200; half the true risk as the null breaks the promise."""
    random = np.random.default_rng(3)
    wrong = random.random(40_000) < 0.2

    def alarms(limit: float) -> int:
        bet = (0.4 - limit) / (limit * (1 - limit))
        return len(all_crossings(np.log1p(bet * (wrong - limit)), 200))

    assert alarms(0.2) <= 40_000 / 200
    assert alarms(0.1) > 3 * 40_000 / 200


def test_the_delay_is_log_over_divergence():
    assert expected_delay(1000, 0.1) == pytest.approx(math.log(100) / 0.1)
    assert expected_delay(10, 0.05) == math.inf
    assert expected_delay(10, -1) == math.inf


def test_what_is_not_allowed_is_refused():
    with pytest.raises(SettingsError, match="false alarm"):
        checked_limit(1)
    with pytest.raises(ShapeError, match="finite"):
        detector_path([np.nan])
    with pytest.raises(ShapeError, match="3 steps"):
        detector_path([1.0, 2, 3], [1, 2])
    with pytest.raises(ShapeError, match="2 steps"):
        block_by_day([0.0, 0.0], [1])
