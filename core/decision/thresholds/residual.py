"""What slips through in the end: residual leakage = automatic leak + review miss, all as shares of
all cases.

  automatic leak   wrong accepted / all: `whatif`'s leakage, before any person has looked
  review miss      review rate * wrong after review / reviewed
Intervals: Wilson's for each share; a product by Goodman's variance (JASA 1960) and a sum by squares
of the distances to the bounds (MOVER, Zou & Donner 2008). Leak and review rate move against each
other, so the interval is a little wide.
"""

import math
from dataclasses import dataclass

from core.errors import SettingsError
from core.stats.bounds import wilson
from core.types import Interval


@dataclass(frozen=True)
class ResidualLeakage:
    """Shares of all cases. review_miss and residual_leakage are None, with n 0, where no review was
    ever checked.
    """

    automatic_leak: Interval
    review_miss: Interval
    residual_leakage: Interval


def residual_leakage(
    automatic_leak: Interval, review_rate: Interval, missed: int, checked: int
) -> ResidualLeakage:
    """Of `checked` reviews that another person looked at again, `missed` were wrong. SettingsError
    for impossible counts.

    n of the review miss is `checked`, n of the sum the smaller of that and the leak's.
    """
    if automatic_leak.level != review_rate.level:
        raise SettingsError(
            "decision.interval_levels", first=automatic_leak.level, second=review_rate.level
        )
    level = automatic_leak.level
    miss = product(review_rate, wilson(missed, checked, level))
    return ResidualLeakage(automatic_leak, miss, total(automatic_leak, miss))


def product(a: Interval, b: Interval) -> Interval:
    """Of two independent shares; each distance to a bound squared is b^2 d_a^2 + a^2 d_b^2 + d_a^2
    d_b^2.
    """
    if a.value is None or b.value is None:
        return Interval(None, None, None, 0, a.level)

    def distance(da: float, db: float) -> float:
        return math.sqrt((b.value * da) ** 2 + (a.value * db) ** 2 + (da * db) ** 2)

    value = a.value * b.value
    low = max(0.0, value - distance(a.value - a.low, b.value - b.low))
    high = min(1.0, value + distance(a.high - a.value, b.high - b.value))
    return Interval(value, low, high, b.n, a.level)


def total(a: Interval, b: Interval) -> Interval:
    """Of two shares of the same whole; each distance to a bound is the root of the sum of the
    parts' squared.
    """
    if a.value is None or b.value is None:
        return Interval(None, None, None, 0, a.level)
    value = a.value + b.value
    low = max(0.0, value - math.hypot(a.value - a.low, b.value - b.low))
    high = min(1.0, value + math.hypot(a.high - a.value, b.high - b.value))
    return Interval(value, low, high, min(a.n, b.n), a.level)
