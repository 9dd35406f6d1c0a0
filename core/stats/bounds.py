"""Intervals of a share from counts, Wilson's (1927), and of a mean of paired differences.

centre = (p + z^2 / 2n) / (1 + z^2 / n); half width = z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 /
4n^2).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from core.errors import SettingsError
from core.types import Interval


def wilson(errors: int, n: int, level: float = 0.95) -> Interval:
    """Return the share errors / n with its Wilson interval; all None where n is 0.

    Raises SettingsError unless 0 <= errors <= n.

    >>> low, high = wilson(0, 10).low, wilson(0, 10).high
    >>> f"{low:.3f} to {high:.3f}"
    '0.000 to 0.278'
    """
    if not 0 <= errors <= n:
        raise SettingsError("stats.no_share", errors=errors, n=n)
    if n == 0:
        return Interval(None, None, None, 0, level)
    low, high = wilson_arrays(np.array([errors]), np.array([n]), level)
    return Interval(errors / n, float(low[0]), float(high[0]), int(n), level)


def wilson_arrays(
    errors: np.ndarray, n: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds (low, high) for arrays of counts, element by element; NaN where n is 0."""
    z = ndtri((1 + level) / 2)  # norm.ppf, without the 50 us that its checks take
    n = np.asarray(n, dtype=np.float64)
    # Elements with n = 0 divide by zero here; the last two lines replace them by NaN.
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.asarray(errors, dtype=np.float64) / n
        scale = 1 + z**2 / n
        centre = (p + z**2 / (2 * n)) / scale
        half = z / scale * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        # At the ends the bound is 0 or 1 exactly; rounding must not put it past them.
        low, high = np.where(p == 0, 0.0, centre - half), np.where(p == 1, 1.0, centre + half)
    empty = n == 0
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def paired_interval(difference: ArrayLike, day: ArrayLike, level: float = 0.95) -> Interval:
    """Return the mean of paired differences [n] with its normal interval over days [n]."""
    d = np.asarray(difference, dtype=np.float64)
    if not len(d):
        return Interval(None, None, None, 0, level)
    _, place = np.unique(np.asarray(day), return_inverse=True)
    mean = float(d.mean())
    # Cases of a day resemble each other: their sum counts as one observation.
    error = float(np.sqrt((np.bincount(place, weights=d - mean) ** 2).sum())) / len(d)
    half = float(ndtri((1 + level) / 2)) * error
    return Interval(mean, mean - half, mean + half, len(d), level)
