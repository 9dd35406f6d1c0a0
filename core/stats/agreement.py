"""How closely one score follows another on the same cases: rank correlation and mean absolute
error, in closed form.

Both intervals cost one pass over the cases, where a bootstrap would cost hundreds: they are asked
for on every redraw.
"""

import numpy as np
from scipy.special import ndtri

from core.errors import SettingsError
from core.stats.checks import finite
from core.types import Interval


def rank_correlation(x: np.ndarray, y: np.ndarray, level: float = 0.95) -> Interval:
    """Spearman's rank correlation of x and y, [n] each; None where one of them is the same
    everywhere.

    tanh(atanh(r) +- z sqrt((1 + r^2 / 2) / (n - 3))), Bonett & Wright 2000, eq. 3; no bounds under
    4 cases.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 4.0, 9.0, 16.0])).value
    1.0
    """
    from scipy.stats import rankdata  # scipy.stats takes 450 ms to import, and few pages need it

    x, y = _pairs(x, y)
    n = len(x)
    if n < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Interval(None, None, None, n, level)
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
    """Mean of |x - y|, [n] each, +- z s / sqrt(n), not below 0; no bounds for one case, nothing for
    none.
    """
    x, y = _pairs(x, y)
    n = len(x)
    if not n:
        return Interval(None, None, None, 0, level)
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
