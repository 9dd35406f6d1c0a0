"""Bounds of a share from few errors: exact at a fixed sample size, and valid at any time.

- Clopper-Pearson (1934) inverts the binomial tail; for a finite population the hypergeometric tail
  is inverted, so that auditing every case leaves no width.
- The any-time bound inverts a beta mixture truncated to the alternative (Robbins 1970; Howard,
  Ramdas, McAuliffe & Sekhon, arXiv 1810.08240). With s errors in n cases and f = n - s, the evidence
  against "share >= m" is
  log e = ln B(s + .5, f + .5) - ln B(.5, .5) + ln I_m(s + .5, f + .5) - ln I_m(.5, .5)
          - s ln m - f ln(1 - m),
  and m is refused where log e >= ln(1 / alpha). One may look after every case: the chance of ever
  refusing a true m is at most alpha. It is about the share of the process that gives the cases, not
  about a finite population.

Knows no draw and no weight: every case counts alike.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import betaln
from scipy.stats import beta, hypergeom

from core.errors import SettingsError
from core.types import Interval

_TINY = 1e-12  # the bounds are searched between this and 1 - this


def clopper_pearson(errors: int, n: int, level: float = 0.95) -> Interval:
    """Return errors / n with its Clopper-Pearson interval; all None where n is 0.

    Raises SettingsError unless 0 <= errors <= n.

    >>> interval = clopper_pearson(0, 59, 0.9)
    >>> round(interval.high, 4)
    0.0495
    """
    _check_counts(errors, n)
    if n == 0:
        return Interval(None, None, None, 0, level)
    tail = (1 - level) / 2
    low = 0.0 if errors == 0 else float(beta.ppf(tail, errors, n - errors + 1))
    high = 1.0 if errors == n else float(beta.isf(tail, errors + 1, n - errors))
    return Interval(errors / n, low, high, n, level)


def finite_population_interval(
    errors: int, n: int, population: int, level: float = 0.95
) -> Interval:
    """Return errors / n with the exact interval of the share in a population of finite size.

    errors: wrong cases among the n that were drawn at random without replacement. population: cases
    in all. The bounds are the least and the greatest number of wrong cases in the population whose
    hypergeometric tail at `errors` is above (1 - level) / 2, divided by the population's size. All
    None where n is 0. Raises SettingsError unless 0 <= errors <= n <= population.
    """
    _check_counts(errors, n)
    if n > population:
        raise SettingsError("stats.sample_above_population", n=n, population=population)
    if n == 0:
        return Interval(None, None, None, 0, level)
    # Rounding must not drop a number whose tail is exactly the limit: 1 error of 40 has 0.025.
    tail = (1 - level) / 2 - 1e-12
    # The tails are monotone in the number of wrong cases, so a bisection finds each end.
    high = _last_plausible(
        lambda bad: hypergeom.cdf(errors, population, bad, n) > tail,
        errors,
        population - (n - errors),
    )
    low = population - _last_plausible(
        lambda good: hypergeom.cdf(n - errors, population, good, n) > tail,
        n - errors,
        population - errors,
    )
    return Interval(errors / n, low / population, high / population, n, level)


def anytime_evidence(errors: ArrayLike, n: ArrayLike, share: ArrayLike) -> NDArray[np.float64]:
    """Return log e against "the share of errors is at least `share`", element by element.

    errors, n: counts, n >= 0. share: in (0, 1). At log e >= ln(1 / alpha) the hypothesis may be
    refused at any time, with an error probability of at most alpha over all looks.
    """
    s = np.asarray(errors, dtype=np.float64)
    f, m = np.asarray(n, dtype=np.float64) - s, np.asarray(share, dtype=np.float64)
    a, b = s + 0.5, f + 0.5
    mixture = betaln(a, b) - betaln(0.5, 0.5)
    truncation = _log_share_below(m, a, b) - _log_share_below(m, 0.5, 0.5)
    return mixture + truncation - s * np.log(m) - f * np.log1p(-m)


def anytime_upper_bound(errors: int, n: int, alpha: float = 0.05) -> float:
    """Return the least share that the evidence refuses: an upper bound valid after every case.

    alpha: the chance that the bound is ever below the true share. 1 where every case is wrong or n
    is 0. Raises SettingsError unless 0 <= errors <= n.
    """
    _check_counts(errors, n)
    limit = math.log(1 / alpha)

    def excess(share: float) -> float:
        return float(anytime_evidence(errors, n, share)) - limit

    # At errors / n no alternative explains the cases better, so log e is at most 0; above, it rises.
    lowest = max(errors / n if n else 1.0, _TINY)
    if lowest >= 1 - _TINY or excess(1 - _TINY) < 0:
        return 1.0
    return float(brentq(excess, lowest, 1 - _TINY, xtol=1e-12))


def anytime_interval(errors: int, n: int, level: float = 0.95) -> Interval:
    """Return errors / n with the interval that is valid after every case; all None where n is 0."""
    _check_counts(errors, n)
    if n == 0:
        return Interval(None, None, None, 0, level)
    tail = (1 - level) / 2
    low = 1 - anytime_upper_bound(n - errors, n, tail)
    return Interval(errors / n, low, anytime_upper_bound(errors, n, tail), n, level)


def _log_share_below(m: NDArray[np.float64], a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    # The logarithm of the distribution, since the distribution itself underflows far from its mean.
    return np.asarray(beta.logcdf(m, a, b))


def _last_plausible(plausible: Callable[[int], bool], first: int, last: int) -> int:
    """Return the greatest whole number in [first, last] that is plausible; `first` always is."""
    while first < last:
        middle = (first + last + 1) // 2
        first, last = (middle, last) if plausible(middle) else (first, middle - 1)
    return first


def _check_counts(errors: int, n: int) -> None:
    if not 0 <= errors <= n:
        raise SettingsError("stats.no_share", errors=errors, n=n)
