"""Residual leakage: what slips through after people have reviewed = automatic leak + review miss,
all as shares of all cases.

  automatic leak   wrong accepted / all: a consequence's leakage, before any person has looked
  review miss      review rate * wrong after review / reviewed
Intervals: the miss of a review is Wilson's where reviews were checked, or an assumed range; a
product by Goodman's variance (JASA 1960) and a sum by squares of the distances to the bounds
(MOVER, Zou & Donner 2008). Leak and review rate move against each other, so the interval is a
little wide.
"""

import math
from dataclasses import dataclass

from core.errors import SettingsError
from core.types import Interval


@dataclass(frozen=True)
class ResidualLeakage:
    """Shares of all cases. review_miss and residual_leakage are None, with n 0, where the miss of a
    review is not known.
    """

    automatic_leak: Interval
    review_miss: Interval
    residual_leakage: Interval


def residual_leakage(
    leakage: Interval, review_rate: Interval, miss_per_review: Interval
) -> ResidualLeakage:
    """What slips through when reviews miss errors too. Raises SettingsError where the levels of the
    leakage and the review rate differ.

    leakage, review_rate: of a PolicyConsequence. miss_per_review: wrong after review / reviewed,
    such as core.stats.bounds.wilson(missed, checked) of reviews that a second person checked. n of
    the review miss is its n; n of the sum is the smaller of that and the leak's.
    """
    if not leakage.level == review_rate.level == miss_per_review.level:
        raise SettingsError(
            "decision.interval_levels",
            levels=(leakage.level, review_rate.level, miss_per_review.level),
        )
    miss = product_interval(review_rate, miss_per_review)
    return ResidualLeakage(leakage, miss, sum_interval(leakage, miss))


def product_interval(a: Interval, b: Interval) -> Interval:
    """The product of two independent shares; each distance to a bound squared is b^2 d_a^2 + a^2
    d_b^2 + d_a^2 d_b^2.
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
    """The sum of two shares of the same cases; each distance to a bound is the root of the sum of
    the parts' squared distances.
    """
    first, second = _known_points(a), _known_points(b)
    if first is None or second is None:
        return Interval(None, None, None, 0, a.level)
    (x, low_x, high_x), (y, low_y, high_y) = first, second
    low = max(0.0, x + y - math.hypot(x - low_x, y - low_y))
    high = min(1.0, x + y + math.hypot(high_x - x, high_y - y))
    return Interval(x + y, low, high, min(a.n, b.n), a.level)


def _known_points(interval: Interval) -> tuple[float, float, float] | None:
    """(value, low, high); None where there is nothing to estimate from."""
    if interval.value is None or interval.low is None or interval.high is None:
        return None
    return interval.value, interval.low, interval.high
