"""Agreement of two scores on the same cases: rank correlation and mean difference.

Both have closed-form intervals, one pass over the cases, because pages compute them on every
redraw; a bootstrap would need hundreds of passes. Knows arrays; knows no model and no store.
"""

import numpy as np
from scipy.special import ndtri

from core.errors import SettingsError
from core.stats.checks import finite
from core.types import Interval


def rank_correlation(x: np.ndarray, y: np.ndarray, level: float = 0.95) -> Interval:
    """Return Spearman's rank correlation of x and y, [n] each; None if either is constant.

    The interval is tanh(atanh(r) +- z sqrt((1 + r^2 / 2) / (n - 3))), Bonett & Wright 2000, eq. 3;
    it has no bounds below 4 cases. Raises SettingsError for arrays of different shapes,
    NonFiniteError.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 4.0, 9.0, 16.0])).value
    1.0
    """
    from scipy.stats import rankdata  # scipy.stats takes 450 ms to import, and few pages need it

    x, y = _pairs(x, y)
    n = len(x)
    if n < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Interval(None, None, None, n, level)
    # Rounding can put a correlation past 1, where atanh is NaN.
    r = float(np.clip(np.corrcoef(rankdata(x), rankdata(y))[0, 1], -1, 1))
    if n < 4:
        return Interval(r, None, None, n, level)
    if abs(r) == 1:
        return Interval(r, r, r, n, level)  # atanh has no value there, and its limit is r
    half = ndtri((1 + level) / 2) * np.sqrt((1 + r**2 / 2) / (n - 3))
    return Interval(
        r, float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half)), n, level
    )


def mean_absolute_error(x: np.ndarray, y: np.ndarray, level: float = 0.95) -> Interval:
    """Return the mean of |x - y|, [n] each, +- z s / sqrt(n), never below 0.

    One case has no bounds, and no case has no value. Raises as `rank_correlation` does.
    """
    x, y = _pairs(x, y)
    n = len(x)
    if not n:
        return Interval(None, None, None, 0, level)
    # One case has no standard deviation: ddof=1 below would divide by zero.
    error = np.abs(x - y)
    mean = float(error.mean())
    if n == 1:
        return Interval(mean, None, None, 1, level)
    half = float(ndtri((1 + level) / 2) * error.std(ddof=1) / np.sqrt(n))
    return Interval(mean, max(0.0, mean - half), mean + half, n, level)


def _pairs(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = finite(x, "the first score"), finite(y, "the second score")
    if x.shape != y.shape or x.ndim != 1:
        raise SettingsError("stats.no_pairs", first=str(x.shape), second=str(y.shape))
    return x, y
