"""Solve for the threshold, the risk (leakage or selective risk) or the reviewers when one of the
three is set; and compute presets, which are starting points for a threshold.

Leakage falls and reviews rise with the threshold, so each meets its limit at one point. Selective
risk is not monotone: accepting more right answers lowers it. The solver therefore answers a limit
on a risk with the loosest threshold from which every stricter one keeps the limit too. A looser
threshold may keep the limit again (core.stats.selective's largest coverage would take that one).
Then tightening the handle breaks the limit on the way, and on finite data such dips are mostly
chance: fixed-sequence testing forbids the search for them. For leakage both readings agree. All
figures are estimates on the cases that chose the threshold, so they are optimistic; this module
issues no certificate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.counts.histogram import THRESHOLDS
from core.counts.joint import JointCumulative, limit_bin, step_of_threshold, threshold_at
from core.counts.tally import LeakageLimit, RiskLimit
from core.decision.thresholds.consequence import PolicyConsequence, policy_consequence
from core.decision.thresholds.costs import DAYS_PER_MONTH, NO_LABELS, CostModel
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.verdict import (
    ACCEPTS_NOTHING,
    MOSTLY_WRONG,
    MOSTLY_WRONG_RISK,
)
from core.errors import SettingsError
from core.stats.checks import finite

RISK_LIMIT, CAPACITY_LIMIT = "risk", "capacity"  # names of the constraints
RISK_UNREACHABLE = "risk_unreachable"  # no threshold keeps the risk limit
# Even the loosest threshold leaves more reviews than the capacity.
CAPACITY_UNREACHABLE = "capacity_unreachable"
CONFLICT = "conflict"  # each limit can be kept alone, but not both


@dataclass(frozen=True)
class SolvedPlan:
    """The cheapest point within the limits. A limit binds if dropping it alone lowers the cost."""

    point: PolicyConsequence
    # of RISK_LIMIT and CAPACITY_LIMIT; empty if the cheapest point of all is within both
    binding: tuple[str, ...]


@dataclass(frozen=True)
class InfeasibleLimits:
    """The reason why no point keeps both limits, and the nearest points that keep one of them.

    keeping_risk has the fewest reviews of the points within the risk limit: its reviews_per_day is
    the capacity that the limit takes. keeping_capacity has the least risk of the points within the
    capacity: its risk is the lowest limit that the capacity allows. Each is None if no point keeps
    that limit; if no point keeps either, they are the fewest reviews and the least risk of all. At
    least one of the two is not None.
    """

    reason: str  # NO_LABELS, RISK_UNREACHABLE, CAPACITY_UNREACHABLE or CONFLICT
    keeping_risk: PolicyConsequence | None
    keeping_capacity: PolicyConsequence | None

    @property
    def nearest(self) -> PolicyConsequence:
        """Return the nearest feasible point. The risk limit goes before the capacity, because
        reviewers can be hired.
        """
        nearest = self.keeping_risk or self.keeping_capacity
        if nearest is None:
            raise ValueError("an infeasible answer has at least one nearest point")
        return nearest


@dataclass(frozen=True)
class ShadowPrice:
    """The expected money that more review capacity saves, net of the cost of its reviews.

    It is a finite difference of two optima on the same n labelled cases and has no interval.
    """

    extra_reviews_per_day: float
    worth_per_day: float | None  # None if either capacity has no plan
    worth_per_month: float | None
    unlocks: bool  # infeasible without, feasible with
    n: int


class ThresholdSolver:
    """The points of all thresholds under one epistemic limit, counted once for all answers."""

    def __init__(
        self, cumulative: JointCumulative, terms: CostModel, epistemic_limit: float | None = None
    ):
        self.cumulative, self.terms, self.epistemic_limit = cumulative, terms, epistemic_limit
        curve = cumulative.curve(limit_bin(epistemic_limit))
        self._curve = curve
        self._labelled = bool(curve.labelled)
        # [1001] a day, without REVIEW_ALL. NaN means no case or no label: 0 here, because a NaN
        # would poison the comparisons and minima below.
        self._reviews = (
            np.nan_to_num(curve.share("review_rate"))[: len(THRESHOLDS)] * terms.cases_per_day
        )
        self._money = np.nan_to_num(terms.handling(curve))[: len(THRESHOLDS)]

    def at_threshold(self, threshold: float) -> PolicyConsequence:
        """Return the point of a threshold. Raises SettingsError for one that is not allowed."""
        return self._point(step_of_threshold(threshold))

    def at_risk(self, limit: RiskLimit) -> PolicyConsequence | InfeasibleLimits:
        """Return the point with the fewest reviews that keeps a risk limit."""
        return self._first(limit, None, _loosest)

    def at_capacity(self, reviews_per_day: float) -> PolicyConsequence | InfeasibleLimits:
        """Return the point of the strictest threshold that the capacity serves: the least leakage
        at this capacity.
        """
        return self._first(None, reviews_per_day, _strictest)

    def solve(
        self, limit: RiskLimit | None = None, reviews_per_day: float | None = None
    ) -> SolvedPlan | InfeasibleLimits:
        """Return the point of the least expected money within both limits (None for no limit) and
        the limits that bind; of equal points the strictest.
        """
        risk, capacity = self._masks(limit, reviews_per_day)
        if not self._labelled or not (risk & capacity).any():
            return self._infeasible(limit, risk, capacity)
        best = self._cheapest(risk & capacity)
        without = {RISK_LIMIT: capacity, CAPACITY_LIMIT: risk}
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
        """Return the worth of `extra` reviews a day on top of a capacity. For one more reviewer,
        `extra` is the reviews that one person does in a day.

        limit: on a risk; None for no limit.
        reviews_per_day: the capacity before.
        extra: reviews a day, above 0; raises SettingsError otherwise.
        days_per_month: days of the volume; the default is calendar days, because cases_per_day is
        usually measured over them.
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
        """Return which thresholds [1001] keep the risk limit, and which keep the capacity."""
        everywhere = np.ones(len(THRESHOLDS), dtype=bool)
        risk = everywhere if limit is None else self._risk_mask(limit)
        if capacity is None:
            return risk, everywhere
        if not finite([capacity], "reviews a day")[0] >= 0:
            raise SettingsError("decision.capacity", capacity=capacity)
        # Rounding must not exclude the point that a capacity was read off.
        return risk, self._reviews <= capacity * (1 + 1e-12)

    def _risk_mask(self, limit: RiskLimit) -> np.ndarray:
        """Return the thresholds [1001] that keep the limit together with every stricter one.

        A threshold without a labelled accepted case has an unknown risk: it neither breaks the run
        of stricter thresholds nor qualifies itself.
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
        """Return the step of the least known risk in `among`, the loosest of equals."""
        # 2.0 ranks an unknown risk after every known one, and still before the excluded steps.
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
    """Return the threshold of each preset, in the order of PRESET_NAMES.

    A preset is left out if no threshold fulfils it, or if it needs labels and none exist.
    - safe: the fewest reviews that keep leakage at SAFE_LEAKAGE or less, there and at every
      stricter threshold;
    - balanced: the least expected money of reviews and escapes;
    - lean: the fewest reviews that cost no more than reviewing every case; left out if it reviews
      more than safe;
    - shadow: threshold 1, the strictest: the model runs while people decide, and only a confidence
      of exactly 1 is accepted.
    The figures of a preset are optimistic, because the same cases chose the threshold.
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


def preset_faults(solver: ThresholdSolver, thresholds: Mapping[str, float]) -> dict[str, str]:
    """Return preset -> ACCEPTS_NOTHING or MOSTLY_WRONG, for presets that are of no use.

    thresholds: preset -> its threshold, as of `preset_thresholds`.
    """
    faults = {}
    for name, threshold in thresholds.items():
        point = solver.at_threshold(threshold)
        risk = point.selective_risk.value
        if not point.accepted:
            faults[name] = ACCEPTS_NOTHING
        elif risk is not None and risk >= MOSTLY_WRONG_RISK:
            faults[name] = MOSTLY_WRONG
    return faults


def _lean_threshold(solver: ThresholdSolver) -> float | None:
    """Return the loosest threshold whose money a day is at most review * cases a day; None if the
    money is unknown or always above.
    """
    terms = solver.terms
    money = terms.handling(solver.cumulative.curve(limit_bin(solver.epistemic_limit)))
    # The handling has the people's cost of accepting already; unmeasured seconds count as 0.
    a_case = terms.costs.inference(terms.seconds_per_case or 0.0) or 0.0
    running = a_case * terms.cases_per_day + terms.costs.retraining_per_month / DAYS_PER_MONTH
    # NaN compares as False, so unknown money pays nowhere.
    pays = np.flatnonzero(money[: len(THRESHOLDS)] + running <= terms.review_all * (1 + 1e-12))
    return float(THRESHOLDS[pays[0]]) if len(pays) else None
