"""From counts of accepted cases to figures: coverage, selective risk, leakage, each with its n and
a 95% Wilson interval.

Two risks share a numerator, and managers confuse them: selective risk is wrong accepted / ACCEPTED,
leakage is wrong accepted / ALL, both over labelled cases. Here each has its own type, as an
estimate and as a limit, and they never compare as equal. Under weights the intervals rest on Kish's
effective sample size (Kish 1965): n_eff = (sum w)^2 / sum w^2, rounded down.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.errors import SettingsError
from core.stats.bounds import wilson_arrays
from core.types import OUTCOMES, Interval


class SelectiveRisk(Interval):
    """Wrong accepted / accepted, labelled cases: how often an answer that nobody reviews is wrong."""


class Leakage(Interval):
    """Wrong accepted / all, labelled cases: how many of all cases slip through."""


@dataclass(frozen=True)
class _Limit:
    """The most that a risk may be, in [0, 1], compared with the estimate itself: a guarantee is a
    certificate's business.
    """

    most: float
    measure: ClassVar[str]

    def __post_init__(self):
        if not (math.isfinite(self.most) and 0 <= self.most <= 1):
            raise SettingsError(
                f"{self.measure} limit {self.most} is not allowed: use a number from 0 to 1"
            )


class SelectiveRiskLimit(_Limit):
    """Of the accepted cases at most this share may be wrong."""

    measure = "selective_risk"


class LeakageLimit(_Limit):
    """Of all cases at most this share may be wrong and accepted."""

    measure = "leakage"


RiskLimit = SelectiveRiskLimit | LeakageLimit

_EVERY = np.array([True] * len(OUTCOMES))
_LABELLED = np.array([outcome != "unlabelled" for outcome in OUTCOMES])
_WRONG = np.array([outcome in ("wrong", "unseen") for outcome in OUTCOMES])
# A share is data: of which cases its numerator counts which outcomes, and the same of its
# denominator.
_SHARES = {
    "coverage": ("accepted", _EVERY, "total", _EVERY),
    "review_rate": ("reviewed", _EVERY, "total", _EVERY),
    "selective_risk": ("accepted", _WRONG, "accepted", _LABELLED),
    "leakage": ("accepted", _WRONG, "total", _LABELLED),
}
_TYPES = {"selective_risk": SelectiveRisk, "leakage": Leakage}


@dataclass(frozen=True)
class Tally:
    """Weighted counts by outcome, [..., O], and the sums of squared weights, which are the counts
    where no weight is given.
    """

    accepted: np.ndarray
    total: np.ndarray
    accepted_squares: np.ndarray
    total_squares: np.ndarray

    @classmethod
    def of_cells(
        cls, accepted: np.ndarray, total: np.ndarray, weights: np.ndarray | None = None
    ) -> "Tally":
        """Sum cells: accepted [..., S, K, O], total [S, K, O] and weights [S, K] by case, None for
        1 each.
        """
        if weights is None:
            sums = accepted.sum((-3, -2), dtype=np.int64), total.sum((-3, -2), dtype=np.int64)
            return cls(*sums, *sums)
        by_cell = (
            np.einsum("...sko,sk->...o", counts, w)
            for w in (weights, weights**2)
            for counts in (accepted, total)
        )
        return cls(*by_cell)

    @classmethod
    def of_cases(cls, accepted: np.ndarray, outcome: np.ndarray, weights: np.ndarray) -> "Tally":
        """Sum cases: whether accepted [n], outcome as a position in OUTCOMES [n], weights [n]."""
        size = len(OUTCOMES)
        sums = (
            np.bincount(outcome, w * part, size)
            for w in (weights, weights**2)
            for part in (accepted, 1.0)
        )
        return cls(*sums)

    @property
    def reviewed(self) -> np.ndarray:
        return self.total - self.accepted

    @property
    def cases(self) -> np.ndarray:
        return self.total.sum(-1)

    @property
    def labelled(self) -> np.ndarray:
        return self.total @ _LABELLED

    @property
    def accepted_labelled(self) -> np.ndarray:
        return self.accepted @ _LABELLED

    @property
    def wrong_accepted(self) -> np.ndarray:
        return self.accepted @ _WRONG

    def share(self, measure: str) -> np.ndarray:
        """The share of that name (coverage, review_rate, selective_risk, leakage), [...]; NaN where
        its n is 0.
        """
        count, n, _ = self._parts(measure)
        with np.errstate(divide="ignore", invalid="ignore"):
            return count / n

    def interval(self, measure: str) -> Interval:
        """The share with its Wilson interval, of a tally of one entry; each risk in its own type.

        Nothing is said of no case, nor of cases that weigh so little that their squares, and so the
        effective n, are not known.
        """
        kind = _TYPES.get(measure, Interval)
        count, n, squares = self._parts(measure)
        if squares == 0:
            return kind(None, None, None, 0)
        shrink = n / squares  # 1 exactly without weights, so that counts stay whole
        low, high = wilson_arrays(count * shrink, n * shrink)
        return kind(float(count / n), float(low), float(high), math.floor(n * shrink + 1e-9))

    def within(self, limit: RiskLimit) -> np.ndarray:
        """Whether each entry is known to keep the limit, [...]. Nothing accepted keeps it; an
        unknown risk does not.
        """
        value = self.share(limit.measure)
        return (value <= limit.most) | (self.accepted.sum(-1) == 0)

    def _parts(self, measure: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        top, top_outcomes, bottom, bottom_outcomes = _SHARES[measure]
        squares = getattr(self, f"{bottom}_squares") @ bottom_outcomes
        return getattr(self, top) @ top_outcomes, getattr(self, bottom) @ bottom_outcomes, squares


def scaled_interval(share: Interval, scale: float, offset: float = 0.0) -> Interval:
    """offset + scale * a share, bounds and all: a figure a day is no share, so it has no risk's
    type.
    """
    values = (
        None if x is None else offset + scale * x for x in (share.value, share.low, share.high)
    )
    return Interval(*values, share.n, share.level)
