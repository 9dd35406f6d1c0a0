"""Compute residual leakage, the wrong answers after review: automatic leak + review miss, all as
shares of all cases.

  automatic leak   wrong accepted / all: the leakage of a consequence, before any review
  review miss      review rate * wrong after review / reviewed
Intervals: the miss of a review has a Wilson interval if reviews were checked, else an assumed
range; a product takes Goodman's variance (JASA 1960), and a sum the squares of the distances to the
bounds (MOVER, Zou & Donner 2008). Leak and review rate move in opposite directions, so the interval
is slightly too wide.
"""

import math
from dataclasses import dataclass

from core.errors import SettingsError
from core.types import Interval


@dataclass(frozen=True)
class ResidualLeakage:
    """Shares of all cases. review_miss and residual_leakage are None, with n 0, if the miss of a
    review is unknown.
    """

    automatic_leak: Interval
    review_miss: Interval
    residual_leakage: Interval


def residual_leakage(
    leakage: Interval, review_rate: Interval, miss_per_review: Interval
) -> ResidualLeakage:
    """Return the leakage that remains when reviews miss errors too.

    leakage, review_rate: of a PolicyConsequence.
    miss_per_review: wrong after review / reviewed, such as core.stats.bounds.wilson(missed,
    checked) of reviews that a second person checked.

    The n of the review miss is that of miss_per_review; the n of the sum is the smaller of that and
    the leak's. Raises SettingsError if the levels of the three intervals differ.
    """
    if not leakage.level == review_rate.level == miss_per_review.level:
        raise SettingsError(
            "decision.interval_levels",
            levels=(leakage.level, review_rate.level, miss_per_review.level),
        )
    # Bounds of different levels do not combine into an interval of either level.
    miss = product_interval(review_rate, miss_per_review)
    return ResidualLeakage(leakage, miss, sum_interval(leakage, miss))


def product_interval(a: Interval, b: Interval) -> Interval:
    """Return the product of two independent shares. The square of each distance to a bound is
    b^2 d_a^2 + a^2 d_b^2 + d_a^2 d_b^2.
    """
    first, second = _known_points(a), _known_points(b)
    if first is None or second is None:
        return Interval(None, None, None, 0, a.level)
    (x, low_x, high_x), (y, low_y, high_y) = first, second
    low, high = (
        math.sqrt((y * dx) ** 2 + (x * dy) ** 2 + (dx * dy) ** 2)
        for dx, dy in ((x - low_x, y - low_y), (high_x - x, high_y - y))
    )
    return Interval(x * y, max(0.0, x * y - low), min(1.0, x * y + high), b.n, a.level)


def sum_interval(a: Interval, b: Interval) -> Interval:
    """Return the sum of two shares of the same cases. Each distance to a bound is the root of the
    sum of the squared distances of the parts.
    """
    first, second = _known_points(a), _known_points(b)
    if first is None or second is None:
        return Interval(None, None, None, 0, a.level)
    (x, low_x, high_x), (y, low_y, high_y) = first, second
    low = max(0.0, x + y - math.hypot(x - low_x, y - low_y))
    high = min(1.0, x + y + math.hypot(high_x - x, high_y - y))
    return Interval(x + y, low, high, min(a.n, b.n), a.level)


def _known_points(interval: Interval) -> tuple[float, float, float] | None:
    """Return (value, low, high); None if the interval is empty."""
    if interval.value is None or interval.low is None or interval.high is None:
        return None
    return interval.value, interval.low, interval.high
