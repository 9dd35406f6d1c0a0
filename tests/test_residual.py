"""Residual leakage: its parts add up, its interval covers, and a miss that nobody checked is not a
miss of zero.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.decision.thresholds.residual import product_interval, residual_leakage, sum_interval
from core.errors import SettingsError
from core.stats.bounds import wilson
from core.types import Interval


def test_the_parts_by_hand():
    # 3 % leak, 40 % reviewed, 5 % of the reviews wrong: 3 % + 2 %
    found = residual_leakage(wilson(30, 1000), wilson(400, 1000), wilson(10, 200))
    assert found.automatic_leak == wilson(30, 1000)
    assert (found.review_miss.value, found.review_miss.n) == (pytest.approx(0.02), 200)
    assert (found.residual_leakage.value, found.residual_leakage.n) == (pytest.approx(0.05), 200)


@given(st.data(), st.integers(1, 1000), st.integers(1, 500))
def test_it_is_at_least_the_automatic_leak_and_within_its_interval(data, n, checked):
    accepted = data.draw(st.integers(0, n))
    wrong, missed = data.draw(st.integers(0, accepted)), data.draw(st.integers(0, checked))
    found = residual_leakage(wilson(wrong, n), wilson(n - accepted, n), wilson(missed, checked))
    residual, leak, miss = found.residual_leakage, found.automatic_leak, found.review_miss
    assert residual.value == pytest.approx(leak.value + miss.value)
    assert residual.value >= leak.value
    assert 0 <= residual.low <= residual.value <= residual.high + 1e-12
    assert residual.high <= 1


def test_reviews_that_nobody_checked_leave_the_sum_unknown():
    found = residual_leakage(wilson(30, 1000), wilson(400, 1000), wilson(0, 0))
    assert found.automatic_leak.value == 0.03
    assert found.review_miss == found.residual_leakage == Interval(None, None, None, 0)


def test_no_miss_in_few_checks_still_leaves_room_for_one():
    miss = residual_leakage(wilson(0, 1000), wilson(1000, 1000), wilson(0, 50)).review_miss
    assert (miss.value, miss.low) == (0, 0)
    assert miss.high == pytest.approx(wilson(0, 50).high, rel=1e-3)


def test_a_factor_known_exactly_scales_the_interval():
    half, share = Interval(0.5, 0.5, 0.5, 10), wilson(3, 40)
    found = product_interval(half, share)
    assert (found.low, found.value, found.high) == pytest.approx(
        (share.low / 2, share.value / 2, share.high / 2)
    )


def test_nothing_added_changes_nothing():
    found = sum_interval(wilson(3, 40), Interval(0.0, 0.0, 0.0, 99))
    assert (found.low, found.value, found.high, found.n) == (
        *(pytest.approx(getattr(wilson(3, 40), x)) for x in ("low", "value", "high")),
        40,
    )


@pytest.mark.parametrize(
    ("leak", "review", "miss"), [(0.03, 0.4, 0.05), (0.005, 0.1, 0.01), (0.1, 0.7, 0.3)]
)
def test_the_interval_covers_the_truth_as_often_as_it_says(leak, review, miss):
    # 4,000 worlds of 2,000 cases and 300 checked reviews: 95 % less 4 standard errors, and what
    # Wilson itself falls short of
    generator, truth, worlds = np.random.default_rng(0), leak + review * miss, 4000
    covered = 0
    for counts, missed in zip(
        generator.multinomial(2000, (leak, review, 1 - leak - review), worlds),
        generator.binomial(300, miss, worlds),
        strict=True,
    ):
        found = residual_leakage(
            wilson(counts[0], 2000), wilson(counts[1], 2000), wilson(missed, 300)
        ).residual_leakage
        covered += found.low <= truth <= found.high
    assert covered / worlds >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / worlds)


@pytest.mark.parametrize("position", range(3))
def test_intervals_of_different_levels_are_refused(position):
    intervals = [wilson(1, 10, 0.9 if i == position else 0.95) for i in range(3)]
    with pytest.raises(SettingsError, match="The levels .*0.9.* differ"):
        residual_leakage(*intervals)
