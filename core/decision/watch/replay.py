"""Replay: what another policy would have leaked on cases that were decided and audited.

Every case has a known probability pi that its verdict is known: 1 if people reviewed it, the
audit's probability if it was accepted. So the leakage of any policy X is estimated without bias
(off-policy evaluation; selective labels, Lakkaraju et al. 2017):
L(X) = (1 / N) sum 1[X accepts] (p + xi (y - p) / pi). Intervals are exact: within a stratum of equal
pi the drawn cases are a simple random sample, and the hypergeometric distribution is inverted.
A verdict that is due and missing counts as right in the lower and as wrong in the upper bound.
Knows no store and no screen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import ShapeError
from core.stats.bounds import paired_interval
from core.stats.exact_bounds import anytime_interval, finite_population_interval
from core.types import Interval


@dataclass(frozen=True, eq=False)
class DecidedCases:
    """N cases in the order of time, as columns [N].

    wrong: bool, read only where drawn. drawn: the verdict is known. inclusion: pi, in (0, 1].
    expected: P(wrong) by the estimate without labels. day: equal within a day, in order. missing:
    a verdict was due (pi drew the case) and is not known.
    """

    wrong: NDArray[np.bool_]
    drawn: NDArray[np.bool_]
    inclusion: NDArray[np.float64]
    expected: NDArray[np.float64]
    day: NDArray
    missing: NDArray[np.bool_]

    def __post_init__(self) -> None:
        sizes = {len(getattr(self, name)) for name in self.__dataclass_fields__}
        if len(sizes) > 1:
            raise ShapeError("watch.shape", shape=str(sorted(sizes)), steps=len(self.wrong))

    def select(self, rows: ArrayLike) -> "DecidedCases":
        """Return the cases of these rows, a mask or positions."""
        place = np.asarray(rows)
        return DecidedCases(
            **{name: getattr(self, name)[place] for name in self.__dataclass_fields__}
        )

    def escapes(self) -> NDArray[np.float64]:
        """Return each case's estimate of "wrong", p + xi (y - p) / pi, [N]: unbiased over draws."""
        p = self.expected
        return p + np.where(self.drawn, (self.wrong - p) / self.inclusion, 0.0)


@dataclass(frozen=True)
class Regret:
    """The excess cost of the policy in force over the best threshold in hindsight, money a case.

    per_case: estimate with a 95% interval over days. thresholds: the best of the odd and of the
    even days.
    """

    per_case: Interval
    thresholds: tuple[float, float]


def replayed_leakage(
    cases: DecidedCases, accepted: ArrayLike, level: float = 0.95, anytime: bool = False
) -> Interval:
    """Return the leakage of a policy that accepts these cases, with its interval at `level`.

    accepted: bool, [N]. anytime: True for bounds that hold although one looks after each audit, as
    a rule that acts on them does; they are wider, and about the process that gives the cases. The
    bounds share 1 - level equally over the strata of pi (Bonferroni), so that they stay valid and
    widen with the number of strata.
    """
    taken = np.asarray(accepted, dtype=bool)
    n = len(taken)
    if n == 0:
        return Interval(None, None, None, 0, level)
    taken_cases = cases.select(taken)
    low, high = error_bounds(taken_cases, level, anytime)
    value = float(np.clip(taken_cases.escapes().sum(), low, high)) / n
    return Interval(value, low / n, high / n, n, level)


def error_bounds(
    cases: DecidedCases, level: float = 0.95, anytime: bool = False
) -> tuple[float, float]:
    """Return bounds of the number of wrong cases among all `cases`, at `level` together.

    anytime: as in `replayed_leakage`.
    """
    sampled = cases.inclusion < 1
    certain = ~sampled & cases.drawn
    low = float((certain & cases.wrong).sum())
    # Due but missing: right in the lower bound, wrong in the upper one.
    high = low + float((~sampled & ~cases.drawn).sum())
    strata = np.unique(cases.inclusion[sampled])
    for pi in strata:
        stratum = sampled & (cases.inclusion == pi)
        answered = stratum & cases.drawn
        absent = int((stratum & cases.missing).sum())
        wrong, n = int((answered & cases.wrong).sum()), int(answered.sum()) + absent
        total, strict = int(stratum.sum()), 1 - (1 - level) / len(strata)
        best, worst = (
            anytime_interval(errors, n, strict)
            if anytime
            else finite_population_interval(errors, n, total, strict)
            for errors in (wrong, wrong + absent)
        )
        # Without a draw nothing is known of the stratum.
        low += total * (best.low or 0.0)
        high += total * (1.0 if worst.high is None else worst.high)
    return low, high


def threshold_regret(
    cases: DecidedCases,
    confidence: ArrayLike,
    accepted: ArrayLike,
    review: float,
    escape: float,
    thresholds: ArrayLike,
) -> Regret:
    """Return the regret of the accepted cases against the best single threshold of other days.

    cases: decided and audited, N. confidence: [N]. accepted: by the policy in force, bool, [N].
    review, escape: money of one review and of one escape. thresholds: the candidates, [T]. The best
    threshold of the odd days is judged on the even days and the reverse: chosen and judged on the
    same days it would look better than it is.
    """
    level, taken = np.asarray(confidence, dtype=np.float64), np.asarray(accepted, dtype=bool)
    cost = escape * cases.escapes()
    _, day = np.unique(cases.day, return_inverse=True)
    odd = day % 2 == 1
    grid = np.asarray(thresholds, dtype=np.float64)
    best = [
        float(grid[_threshold_costs(level[h], cost[h], review, grid).argmin()]) for h in (odd, ~odd)
    ]
    limit = np.where(odd, best[1], best[0])  # each day is judged by the other days' choice
    difference = np.where(taken, cost, review) - np.where(level >= limit, cost, review)
    return Regret(paired_interval(difference, day), (best[0], best[1]))


def _threshold_costs(
    confidence: NDArray[np.float64], cost: NDArray[np.float64], review: float, grid: NDArray
) -> NDArray[np.float64]:
    """Return the money of all cases at each threshold, [T]."""
    order = np.argsort(confidence)
    below = np.searchsorted(confidence[order], grid, side="left")
    tail = np.append(np.cumsum(cost[order][::-1])[::-1], 0.0)
    return review * below + tail[below]
