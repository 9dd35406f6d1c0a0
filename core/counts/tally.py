"""Compute coverage, review rate, selective risk and leakage from counts of accepted cases, each
with its n and a 95% Wilson interval. Knows no threshold and no cost.

A Tally has any leading axes: none for a policy, one of thresholds for a curve, two of segments and
thresholds for the curves of segments. Cases without a label count in workload and never in risk;
cases of a label that no model was trained on (`unseen`) are wrong whatever the prediction.

Two risks share a numerator, and managers confuse them: selective risk is wrong accepted / ACCEPTED,
leakage is wrong accepted / ALL, both over labelled cases. Each has its own type, as an estimate and
as a limit, and the types never compare as equal. With weights, the intervals use the effective
sample size of Kish (1965): n_eff = (sum w)^2 / sum w^2, rounded down.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsError
from core.stats.bounds import wilson_arrays
from core.types import OUTCOMES, Interval

Counts = NDArray[Any]  # int64 without weights, float64 with them


class SelectiveRisk(Interval):
    """Wrong accepted / accepted, labelled cases: the share of unreviewed answers that are wrong."""


class Leakage(Interval):
    """Wrong accepted / all, labelled cases: the share of all cases that escape."""


@dataclass(frozen=True)
class _Limit:
    """The highest admissible risk, in [0, 1], compared with the point estimate. Only a certificate
    gives a guarantee.
    """

    most: float
    measure: ClassVar[str]

    def __post_init__(self) -> None:
        if not (math.isfinite(self.most) and 0 <= self.most <= 1):
            raise SettingsError("counts.risk_limit", measure=self.measure, value=self.most)


class SelectiveRiskLimit(_Limit):
    """Of the accepted cases at most this share may be wrong."""

    measure = "selective_risk"


class LeakageLimit(_Limit):
    """Of all cases at most this share may be wrong and accepted."""

    measure = "leakage"


RiskLimit = SelectiveRiskLimit | LeakageLimit


def risk_limit(measure: str, percent: float | None) -> RiskLimit | None:
    """Return the limit of `percent` on "leakage" or "selective_risk"; None without a percentage."""
    if percent is None:
        return None
    # dividing a percentage leaves a rounding error, which would decide a case exactly at the limit
    most = round(percent / 100, 12)
    return LeakageLimit(most) if measure == "leakage" else SelectiveRiskLimit(most)


_EVERY = np.ones(len(OUTCOMES), dtype=np.int64)
_LABELLED = np.array([outcome != "unlabelled" for outcome in OUTCOMES], dtype=np.int64)
_WRONG = np.array([outcome in ("wrong", "unseen") for outcome in OUTCOMES], dtype=np.int64)
_TRAINED = np.array([outcome != "unseen" for outcome in OUTCOMES], dtype=np.int64)
# Measure -> (counts, outcomes) of its numerator, then of its denominator.
_SHARES = {
    "coverage": ("accepted", _EVERY, "total", _EVERY),
    "review_rate": ("reviewed", _EVERY, "total", _EVERY),
    "selective_risk": ("accepted", _WRONG, "accepted", _LABELLED),
    "leakage": ("accepted", _WRONG, "total", _LABELLED),
}
_TYPES = {"selective_risk": SelectiveRisk, "leakage": Leakage}


class ShareEstimates(NamedTuple):
    """The share of each entry of a tally with its bounds and its (effective) n, [...] each. The
    share is NaN where no case counts.
    """

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: NDArray[np.float64]


@dataclass(frozen=True)
class Tally:
    """Counts by outcome, [..., O], of accepted cases and of all cases, with their sums of squared
    weights (the counts themselves without weights). `total` has any shape that broadcasts.
    """

    accepted: Counts
    total: Counts
    accepted_squares: Counts
    total_squares: Counts

    @classmethod
    def of_counts(cls, accepted: Counts, total: Counts) -> "Tally":
        """Return the tally of cases that weigh 1 each."""
        return cls(accepted, total, accepted, total)

    @classmethod
    def of_cells(cls, accepted: Counts, total: Counts, weights: Counts | None = None) -> "Tally":
        """Return the tally over cells: accepted [..., S, K, O], total [S, K, O] and the weight of
        a case by cell [S, K]; None weighs every case 1.
        """
        if weights is None:
            return cls.of_counts(
                accepted.sum((-3, -2), dtype=np.int64), total.sum((-3, -2), dtype=np.int64)
            )
        by_cell = (
            np.einsum("...sko,sk->...o", counts, w)
            for w in (weights, weights**2)
            for counts in (accepted, total)
        )
        return cls(*by_cell)

    def without_unseen(self) -> "Tally":
        """Return the tally without the cases whose label no model was trained on; they leave
        workload, volume and risk.
        """
        accepted, total = self.accepted * _TRAINED, self.total * _TRAINED
        # of_counts passes one array twice; that identity marks a tally without weights.
        if self.total_squares is self.total:
            return Tally.of_counts(accepted, total)
        return Tally(
            accepted, total, self.accepted_squares * _TRAINED, self.total_squares * _TRAINED
        )

    @property
    def reviewed(self) -> Counts:
        """Return the cases sent to review by outcome, [..., O]."""
        return self.total - self.accepted

    @property
    def cases(self) -> Counts:
        """Return the number of cases, [...]."""
        cases: Counts = self.total.sum(-1)
        return cases

    @property
    def labelled(self) -> Counts:
        """Return the number of cases with a label, [...]."""
        return _sum_outcomes(self.total, _LABELLED)

    @property
    def accepted_labelled(self) -> Counts:
        """Return the number of accepted cases with a label, [...]."""
        return _sum_outcomes(self.accepted, _LABELLED)

    @property
    def wrong_accepted(self) -> Counts:
        """Return the number of accepted cases that are wrong, [...]."""
        return _sum_outcomes(self.accepted, _WRONG)

    def share(self, measure: str) -> NDArray[np.float64]:
        """Return coverage, review_rate, selective_risk or leakage, [...]; NaN where its n is 0."""
        count, n = self._parts(measure)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(count / n)

    def estimates(self, measure: str) -> ShareEstimates:
        """Return the share of every entry with its Wilson interval, [...].

        NaN where no case counts, and where the squares of the weights, and so the effective n,
        underflow to 0 in float64.
        """
        count, n = self._parts(measure)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.asarray(count / n)  # NaN where n is 0
            if self.total_squares is self.total:  # no weights
                return ShareEstimates(value, *wilson_arrays(count, n), np.asarray(n))
            _, _, bottom, outcomes = _SHARES[measure]
            squares = _sum_outcomes(getattr(self, f"{bottom}_squares"), outcomes)
            shrink = np.where(squares == 0, 0.0, n / squares)
            value = np.where(squares == 0, np.nan, value)
        low, high = wilson_arrays(count * shrink, n * shrink)
        # Equal weights give an effective n just below a whole number; 1e-9 keeps floor from
        # dropping a case.
        return ShareEstimates(value, low, high, np.floor(n * shrink + 1e-9))

    def interval(self, measure: str) -> Interval:
        """Return the share of a tally of one entry with its Wilson interval, a risk in its own
        type; None and n 0 where no case counts.
        """
        kind = _TYPES.get(measure, Interval)
        value, low, high, n = (x.item() for x in self.estimates(measure))
        if math.isnan(value):
            return kind(None, None, None, 0)
        return kind(value, low, high, int(n))

    def within(self, limit: RiskLimit) -> NDArray[np.bool_]:
        """Return whether each entry keeps the limit, [...]. An entry that accepts nothing keeps
        it; an unknown risk does not.
        """
        # NaN <= most is False, so an unknown risk needs no case of its own.
        nothing_accepted: NDArray[np.bool_] = self.accepted.sum(-1) == 0
        return (self.share(limit.measure) <= limit.most) | nothing_accepted

    def _parts(self, measure: str) -> tuple[Counts, Counts]:
        """Return the numerator and the denominator of a share, [...] each."""
        top, top_outcomes, bottom, bottom_outcomes = _SHARES[measure]
        numerator = _sum_outcomes(getattr(self, top), top_outcomes)
        return numerator, _sum_outcomes(getattr(self, bottom), bottom_outcomes)


def _sum_outcomes(counts: Counts, outcomes: NDArray[np.int64]) -> Counts:
    """Return the sum of counts [..., O] over the outcomes whose mask [O] is 1, [...]."""
    # numpy has no BLAS for integers: einsum takes half the time of its matmul.
    if counts.ndim > 1 and counts.dtype.kind == "i":
        return np.asarray(np.einsum("...o,o->...", counts, outcomes))
    return np.asarray(counts @ outcomes)


def scaled_interval(share: Interval, scale: float, offset: float = 0.0) -> Interval:
    """Return offset + scale * share, with its bounds, which a negative scale swaps. The result is a
    plain Interval, because it is no longer a share.
    """
    value, low, high = (
        None if x is None else offset + scale * x for x in (share.value, share.low, share.high)
    )
    if scale < 0:
        low, high = high, low
    return Interval(value, low, high, share.n, share.level)
