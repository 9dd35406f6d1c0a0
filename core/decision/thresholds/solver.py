"""Three linked handles: threshold <-> risk (leakage or selective risk) <-> reviewers. One is given,
the others follow; and presets, starting points for a threshold by what they promise.

Leakage falls and reviews rise with the threshold, so each has one place where it meets its limit.
Selective risk is not monotone: accepting more right answers lowers it. A limit on a risk is
therefore met from a threshold on: the loosest one that keeps it and from which every stricter one
keeps it too. A looser threshold may keep it again (core.stats.selective's largest coverage would
take that one), but then tightening the handle breaks the limit on the way, and on finite data such
dips are mostly chance: searching for them is what fixed-sequence testing forbids. For leakage both
readings agree. All figures are estimates, chosen on the cases that they are shown on; certificates
are made elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.counts.histogram import THRESHOLDS
from core.counts.joint import JointCumulative, limit_bin, step_of_threshold, threshold_at
from core.counts.tally import LeakageLimit, RiskLimit
from core.decision.thresholds.consequence import PolicyConsequence, policy_consequence
from core.decision.thresholds.costs import NO_LABELS, CostModel
from core.decision.thresholds.policy import Policy
from core.errors import SettingsError
from core.stats.checks import finite

RISK, CAPACITY = "risk", "capacity"  # names of the constraints
RISK_UNREACHABLE = "risk_unreachable"  # no threshold keeps the risk limit
# even accepting all that may be leaves more reviews than the capacity
CAPACITY_UNREACHABLE = "capacity_unreachable"
CONFLICT = "conflict"  # each limit can be kept, not both
DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True)
class SolvedPlan:
    """The cheapest point within the limits. A limit binds when dropping it alone would lower the
    expected money.
    """

    point: PolicyConsequence
    # of RISK and CAPACITY; empty where the cheapest point of all is within both
    binding: tuple[str, ...]


@dataclass(frozen=True)
class InfeasibleLimits:
    """No point keeps both limits, and the nearest ones that keep one. At least one of the two is
    given.

    keeping_risk needs the fewest reviews of those within the risk limit: its reviews_per_day is the
    capacity it would take. keeping_capacity has the least risk of those within capacity: its risk
    is the limit that could be kept. Each is None where no point keeps that limit; where no point
    keeps either, they are the fewest reviews and the least risk of all.
    """

    reason: str  # NO_LABELS, RISK_UNREACHABLE, CAPACITY_UNREACHABLE or CONFLICT
    keeping_risk: PolicyConsequence | None
    keeping_capacity: PolicyConsequence | None

    @property
    def nearest(self) -> PolicyConsequence:
        """The nearest feasible point: the risk limit is kept before the capacity, which can be
        hired.
        """
        nearest = self.keeping_risk or self.keeping_capacity
        if nearest is None:
            raise ValueError("an infeasible answer has at least one nearest point")
        return nearest


@dataclass(frozen=True)
class ShadowPrice:
    """What more review capacity is worth: the expected money that it saves, net of the cost of the
    reviews it does.

    A finite difference of two optima on the same n labelled cases, so it has no interval of its
    own.
    """

    extra_reviews_per_day: float
    worth_per_day: float | None  # None where there is no plan before or after
    worth_per_month: float | None
    unlocks: bool  # infeasible without, feasible with
    n: int


class ThresholdSolver:
    """All points of one threshold under one epistemic limit, counted once. Then each answer is a
    look-up.
    """

    def __init__(
        self, cumulative: JointCumulative, terms: CostModel, epistemic_limit: float | None = None
    ):
        self.cumulative, self.terms, self.epistemic_limit = cumulative, terms, epistemic_limit
        curve = cumulative.curve(limit_bin(epistemic_limit))
        self._curve = curve
        self._labelled = bool(curve.labelled)
        # [1001] a day
        self._reviews = (
            np.nan_to_num(curve.share("review_rate"))[: len(THRESHOLDS)] * terms.cases_per_day
        )
        self._money = np.nan_to_num(terms.handling(curve))[: len(THRESHOLDS)]

    def at_risk(self, limit: RiskLimit) -> PolicyConsequence | InfeasibleLimits:
        """The threshold that keeps a risk limit with the fewest reviews, and what it means."""
        return self._first(limit, None, _loosest)

    def at_capacity(self, reviews_per_day: float) -> PolicyConsequence | InfeasibleLimits:
        """The strictest threshold that the capacity can serve: the least leakage that it buys."""
        return self._first(None, reviews_per_day, _strictest)

    def solve(
        self, limit: RiskLimit | None = None, reviews_per_day: float | None = None
    ) -> SolvedPlan | InfeasibleLimits:
        """The least expected money within both limits (None for no limit), and which of them binds;
        of equals the strictest.
        """
        risk, capacity = self._masks(limit, reviews_per_day)
        if not self._labelled or not (risk & capacity).any():
            return self._infeasible(limit, risk, capacity)
        best = self._cheapest(risk & capacity)
        without = {RISK: capacity, CAPACITY: risk}
        binding = tuple(
            name
            for name, within in without.items()
            if self._money[self._cheapest(within)] < self._money[best]
        )
        return SolvedPlan(self._point(best), binding)

    def worth_of_reviews(
        self,
        limit: RiskLimit | None,
        reviews_per_day: float,
        extra: float = 1.0,
        days_per_month: float = DAYS_PER_MONTH,
    ) -> ShadowPrice:
        """What `extra` reviews a day on top of a capacity are worth; one more reviewer is the
        reviews that one does in a day.

        limit: on a risk, None for no limit. reviews_per_day: the capacity before. extra: above 0.
        days_per_month: days of the volume; cases_per_day is mostly measured over calendar days,
        hence the default.
        """
        if not extra > 0:
            raise SettingsError("decision.extra_reviews", extra=extra)
        before, after = (
            self.solve(limit, reviews_per_day),
            self.solve(limit, reviews_per_day + extra),
        )
        n = (
            before.point.leakage.n
            if isinstance(before, SolvedPlan)
            else int(self._point(0).leakage.n)
        )
        if isinstance(before, InfeasibleLimits) or isinstance(after, InfeasibleLimits):
            return ShadowPrice(extra, None, None, isinstance(after, SolvedPlan), n)
        money = [
            self._money[step_of_threshold(plan.point.policy.threshold)] for plan in (before, after)
        ]
        worth = float(money[0] - money[1])
        return ShadowPrice(extra, worth, worth * days_per_month, False, n)

    def _masks(
        self, limit: RiskLimit | None, capacity: float | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Which thresholds [1001] keep the risk limit, as above, and which the capacity."""
        everywhere = np.ones(len(THRESHOLDS), dtype=bool)
        risk = everywhere if limit is None else self._risk_mask(limit)
        if capacity is None:
            return risk, everywhere
        if not finite([capacity], "reviews a day")[0] >= 0:
            raise SettingsError("decision.capacity", capacity=capacity)
        # a capacity read off a point serves that point
        return risk, self._reviews <= capacity * (1 + 1e-12)

    def _risk_mask(self, limit: RiskLimit) -> np.ndarray:
        """Steps without a labelled accepted case have no selective risk: they veto nothing, and
        they are not offered.
        """
        keeps = self._curve.within(limit)[: len(THRESHOLDS)]
        unknown = np.isnan(self._curve.share(limit.measure))[: len(THRESHOLDS)]
        kept_from_here = np.logical_and.accumulate((keeps | unknown)[::-1])[::-1]
        return np.asarray(keeps & kept_from_here)

    def _first(
        self,
        limit: RiskLimit | None,
        capacity: float | None,
        choose: Callable[[np.ndarray], int],
    ) -> PolicyConsequence | InfeasibleLimits:
        risk, within = self._masks(limit, capacity)
        if limit is not None and not self._labelled or not (risk & within).any():
            return self._infeasible(limit, risk, within)
        return self._point(choose(risk & within))

    def _infeasible(
        self, limit: RiskLimit | None, risk: np.ndarray, capacity: np.ndarray
    ) -> InfeasibleLimits:
        if not self._labelled:
            return InfeasibleLimits(
                NO_LABELS, None, self._point(_strictest(capacity if capacity.any() else ~capacity))
            )
        neither = not risk.any() and not capacity.any()
        by_risk = self._point(_loosest(risk | neither)) if risk.any() or neither else None
        by_capacity = (
            self._point(self._safest(limit, capacity | neither))
            if capacity.any() or neither
            else None
        )
        reason = (
            CONFLICT
            if risk.any() and capacity.any()
            else CAPACITY_UNREACHABLE
            if risk.any()
            else RISK_UNREACHABLE
        )
        return InfeasibleLimits(reason, by_risk, by_capacity)

    def _safest(self, limit: RiskLimit | None, among: np.ndarray) -> int:
        """The step of the least known risk among these, the loosest of equals."""
        risk = self._curve.share(limit.measure if limit else "leakage")[: len(THRESHOLDS)]
        return int(np.argmin(np.where(among, np.nan_to_num(risk, nan=2.0), np.inf)))

    def _cheapest(self, among: np.ndarray) -> int:
        money = np.where(among, self._money, np.inf)
        return _strictest(money == money.min())

    def _point(self, step: int) -> PolicyConsequence:
        policy = Policy(threshold_at(step), epistemic_limit=self.epistemic_limit)
        return policy_consequence(self.cumulative, policy, self.terms)


def _loosest(mask: np.ndarray) -> int:
    return int(np.flatnonzero(mask)[0])


def _strictest(mask: np.ndarray) -> int:
    return int(np.flatnonzero(mask)[-1])


SAFE, BALANCED, LEAN, SHADOW = "safe", "balanced", "lean", "shadow"
PRESET_NAMES = (SAFE, BALANCED, LEAN, SHADOW)
SAFE_LEAKAGE = 0.01


def preset_thresholds(solver: ThresholdSolver) -> dict[str, float]:
    """The threshold of each preset, in the order of PRESET_NAMES; without presets that no threshold
    fulfils or that need labels where there are none.

    - safe: the fewest reviews that keep leakage at SAFE_LEAKAGE or less, there and at every
      stricter threshold;
    - balanced: the least expected money of reviews and escapes;
    - lean: the fewest reviews that cost no more than reviewing every case does; left out where it
      would review more than safe does;
    - shadow: threshold 1, the strictest: the model runs while people decide, and only a confidence
      of exactly 1 is accepted.
    They are chosen on the cases that they are shown on, so they are optimistic.
    """
    safe, balanced = solver.at_risk(LeakageLimit(SAFE_LEAKAGE)), solver.solve()
    thresholds = {
        SAFE: safe.threshold if isinstance(safe, PolicyConsequence) else None,
        BALANCED: balanced.point.threshold if isinstance(balanced, SolvedPlan) else None,
        LEAN: _lean_threshold(solver),
        SHADOW: 1.0,
    }
    presets = {name: float(value) for name, value in thresholds.items() if value is not None}
    if SAFE in presets and presets.get(LEAN, 0.0) > presets[SAFE]:
        del presets[LEAN]
    return presets


def _lean_threshold(solver: ThresholdSolver) -> float | None:
    """The loosest threshold whose money a day is at most review * cases a day; None where money is
    unknown or always above.
    """
    terms = solver.terms
    money = terms.handling(solver.cumulative.curve(limit_bin(solver.epistemic_limit)))
    # NaN compares as false
    pays = np.flatnonzero(
        money[: len(THRESHOLDS)] <= terms.cases_per_day * terms.costs.review * (1 + 1e-12)
    )
    return float(THRESHOLDS[pays[0]]) if len(pays) else None
