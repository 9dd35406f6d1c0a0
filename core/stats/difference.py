"""The interval of a difference from the intervals of its two estimates.

MOVER (Zou & Donner 2008; Newcombe 1998, method 10): d = a - b; low = d - sqrt((a - a_low)^2 +
(b_high - b)^2); high = d + sqrt((a_high - a)^2 + (b - b_low)^2). For two independent shares with
Wilson intervals this is Newcombe's interval. Two estimates on the same cases move together, so the
variance of their difference is smaller and this interval is wider than necessary: it errs towards
"no difference shown".
"""

import math

from core.types import Interval


def interval_difference(a: Interval, b: Interval) -> Interval:
    """Return a - b with its interval; n is the smaller one. All None if either is unknown."""
    n = min(a.n, b.n)
    if a.value is None or b.value is None:
        return Interval(None, None, None, n, a.level)
    (a_value, a_low, a_high), (b_value, b_low, b_high) = a.estimate, b.estimate
    d = a_value - b_value
    down = math.hypot(a_value - a_low, b_high - b_value)
    up = math.hypot(a_high - a_value, b_value - b_low)
    return Interval(d, d - down, d + up, n, a.level)


def excludes_zero(interval: Interval) -> bool:
    """Return whether the interval shows which of the two estimates is larger."""
    if interval.value is None:
        return False
    _, low, high = interval.estimate
    return low > 0 or high < 0
