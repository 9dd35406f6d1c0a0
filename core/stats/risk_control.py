"""Exact tests that a share of errors is at most a target, and many such tests at one level.

Knows no threshold and no model. A loss here is 0 or 1, so the number of errors among n independent
cases is binomial and its tail is known exactly. Hoeffding's and Bentkus' p-values hold for any loss
in [0, 1], and pay for that with power: Hoeffding's is never below the exact tail. For 0/1 losses
MAPIE 1.6's "binary" Hoeffding-Bentkus p-value is this same tail, through a rounded-up n * (k / n);
the tests compare the two. MAPIE's fixed sequence puts all weight on one test and carries no level
from one start to the next, which certifying a selective risk needs. Hence scipy's tail and ten
lines of own code, with MAPIE as the check.
"""

import math

import numpy as np
from scipy.special import bdtr

from core.errors import SettingsError

MOST_PLANNED = 100_000  # cases; a need beyond it is answered with None, after half a second at most


def p_values(errors: np.ndarray, n: np.ndarray, target: float) -> np.ndarray:
    """Return P(Bin(n, target) <= errors), element by element; errors and n are arrays of counts.

    A small value is evidence that the share of errors is at most `target`: under any true share >=
    target it is at most u with probability at most u, for every u (a p-value of "the share is above
    the target"). It is 1 where n is 0, since no case is no evidence. Raises SettingsError unless 0
    <= errors <= n.
    """
    errors, n = np.asarray(errors), np.asarray(n)
    if ((errors < 0) | (errors > n)).any():
        raise SettingsError("stats.errors_outside")
    return np.where(n > 0, bdtr(errors, n, target), 1.0)


def reject_in_sequence(p: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return which of the tests, taken in order, are rejected, [G]; p and weights are [G].

    The probability of any false rejection is at most weights.sum(). Each test has its own weight; a
    rejected test passes all its level on to the next, and a test that is not rejected loses it
    (Wiens 2003, "A fixed sequence Bonferroni procedure"; Wiens & Dmitrienko 2005). This holds
    whatever the dependence between the tests. All weight on the first is the plain fixed sequence
    of Learn then Test (arXiv 2110.01052); equal weights everywhere improve on Bonferroni. The
    weights must not depend on the cases that gave p.
    """
    rejected, level = [], 0.0
    # floats: 20 times faster than a numpy scalar each
    for value, weight in zip(p.tolist(), weights.tolist(), strict=True):
        level += weight
        # A p-value can be exactly 0; without a level left it must not be rejected.
        passes = level > 0 and value <= level
        level = level if passes else 0.0
        rejected.append(passes)
    return np.array(rejected, dtype=bool)


def cases_without_error(target: float, level: float) -> int:
    """Return the fewest cases that pass the test at `level` when none of them is wrong.

    This is the least n with (1 - target)^n <= level.

    >>> cases_without_error(0.05, 0.05)
    59
    """
    n = math.ceil(math.log(level) / math.log1p(-target))
    # the quotient may be rounded past a whole number
    return n - 1 if (1 - target) ** (n - 1) <= level else n


def cases_needed(rate: float, target: float, level: float) -> int | None:
    """Return the fewest cases n that pass the test at `level` when ceil(rate n) of them are wrong.

    None if rate >= target, where no number passes, or if more than MOST_PLANNED would be needed. A
    new sample has its own errors, so with this many it passes about every second time: the figure
    is for planning and is no promise.
    """
    if rate >= target:
        return None
    size = 64
    # The ceiling makes the tail jump up with every new error, so that passing is not monotonic in
    # n: every n is tried, in doubling ranges, and no bisection is possible.
    while size <= MOST_PLANNED:
        n = np.arange(1 if size == 64 else size // 2, size + 1)
        # rate * n of a whole number must not be rounded up to the next
        errors = np.ceil(rate * n - 1e-9)
        passes = np.flatnonzero(bdtr(errors, n, target) <= level)
        if len(passes):
            return int(n[passes[0]])
        size *= 2
    return None
