"""Find the thresholds by class, segment or both that cost the least expected money.

The limits are a review capacity and a risk. A multiple-choice knapsack: each cell takes one
threshold. With x_cj = 1 where cell c takes candidate j,
    min   sum m_cj x_cj
    s.t.  sum_j x_cj = 1 for each c,
          sum r_cj x_cj <= capacity,
          sum (e_cj - a n_cj) x_cj <= 0,
m money, r reviews, e wrong accepted, n the denominator of the risk whose limit is a. Solved exactly
by HiGHS (scipy.optimize.milp, gap 0). Only thresholds at which e changes are candidates: between
two of them the loosest has the fewest reviews and as many escapes, so it is no worse in any row.
The figures are optimistic, because the same cases chose the thresholds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.counts.joint import REVIEW_ALL, THRESHOLD_STEPS, JointCumulative, limit_bin, threshold_at
from core.counts.tally import RiskLimit, Tally
from core.decision.thresholds.consequence import PolicyConsequence, policy_consequence
from core.decision.thresholds.costs import NO_LABELS, CostModel
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.solver import (
    CAPACITY_UNREACHABLE,
    CONFLICT,
    InfeasibleLimits,
)
from core.errors import SettingsError
from core.stats.checks import finite

GROUPINGS = ("class", "segment", "cell")
MIN_LABELLED = 30  # of a cell with a threshold of its own
CellName = str | tuple[str, str]  # a class or segment, or (segment, class)


@dataclass(frozen=True)
class OptimalPolicy:
    """The cheapest policy and its consequence. Cases of cells that it does not name go to review."""

    consequence: PolicyConsequence
    # classes, segments or (segment, class) that share one threshold because they have few labels
    pooled: tuple[CellName, ...]
    min_labelled: int
    gap: float  # relative distance to the proven bound: 0 when optimal


@dataclass(frozen=True)
class _Choices:
    """Candidates of all groups of cells, [J] each, counted with weights."""

    group: np.ndarray
    step: np.ndarray
    reviews: np.ndarray
    wrong: np.ndarray
    accepted_labelled: np.ndarray


def optimise_thresholds(
    cumulative: JointCumulative,
    terms: CostModel,
    by: str = "cell",
    limit: RiskLimit | None = None,
    reviews_per_day: float | None = None,
    epistemic_limit: float | None = None,
    min_labelled: int = MIN_LABELLED,
    time_limit_s: float = 30.0,
    every: int = 1,
) -> OptimalPolicy | InfeasibleLimits:
    """Return the thresholds of the least expected money within the limits.

    Raises SettingsError for a grouping or capacity that is not allowed, or if the time limit
    passes before any solution.

    cumulative: the counts of every threshold and epistemic limit.
    terms: volume and costs.
    by: one of GROUPINGS: the cells that get separate thresholds.
    limit: the highest admissible risk; None for no limit.
    reviews_per_day: the capacity; None for no limit.
    epistemic_limit: nats, one of EPISTEMIC_LIMITS or None.
    min_labelled: cells with fewer labelled cases share one threshold; the next smallest cells join
    the pool until it has this many.
    time_limit_s: seconds for each of at most three integer programs.
    every: thins the candidates to multiples of `every` thousandths: exact on that grid, and faster
    for many cases.
    """
    if by not in GROUPINGS:
        raise SettingsError("decision.grouping", grouping=by, allowed=GROUPINGS)
    if every < 1:
        raise SettingsError("decision.optimiser_grid", every=every)
    if reviews_per_day is not None and not finite([reviews_per_day], "reviews a day")[0] >= 0:
        raise SettingsError("decision.capacity", capacity=reviews_per_day)
    names, tally = _cells(cumulative, by, limit_bin(epistemic_limit))
    group, pooled = _pool(names, tally.labelled[:, 0], min_labelled)
    per_day = terms.cases_per_day / max(tally.cases[:, 0].sum(), 1)
    # Rounding must not exclude the policy that a capacity was read off.
    capacity = (
        None if reviews_per_day is None or not per_day else reviews_per_day / per_day * (1 + 1e-12)
    )
    return _Problem(
        cumulative,
        terms,
        by,
        limit,
        capacity,
        epistemic_limit,
        min_labelled,
        time_limit_s,
        names,
        group,
        pooled,
        _choices(tally, group, every),
        float(tally.cases[:, 0].sum()),
        float(tally.labelled[:, 0].sum()),
    ).answer()


@dataclass(frozen=True)
class _Problem:
    """The groups of cells, the candidates and the three integer programs of one call."""

    cumulative: JointCumulative
    terms: CostModel
    by: str
    limit: RiskLimit | None
    capacity: float | None  # reviewed cases of all cases
    epistemic_limit: float | None
    min_labelled: int
    time_limit_s: float
    names: tuple[CellName, ...]
    group: np.ndarray  # of each cell, [C]
    pooled: tuple[CellName, ...]
    choices: _Choices
    cases: float
    labelled: float

    def answer(self) -> OptimalPolicy | InfeasibleLimits:
        c, costs = self.choices, self.terms.costs
        if not self.labelled:  # without labels, no policy but reviewing everything has a known risk
            policy = Policy(REVIEW_ALL, epistemic_limit=self.epistemic_limit)
            return InfeasibleLimits(
                NO_LABELS, policy_consequence(self.cumulative, policy, self.terms), None
            )
        day = self.terms.cases_per_day
        money = day * (
            costs.per_move * c.reviews / self.cases + costs.escape * c.wrong / self.labelled
        )
        solution = self._solve(money, True, True)
        if solution is not None:
            taken, gap = solution
            return OptimalPolicy(self._consequence(taken), self.pooled, self.min_labelled, gap)
        # Reviewing everything keeps any risk limit, so what fails is the capacity, alone or
        # together with the limit.
        by_capacity = self._point(c.wrong.astype(float), False, True)
        reason = CAPACITY_UNREACHABLE if by_capacity is None else CONFLICT
        return InfeasibleLimits(
            reason, self._point(c.reviews.astype(float), True, False), by_capacity
        )

    def _point(
        self, objective: np.ndarray, keep_limit: bool, keep_capacity: bool
    ) -> PolicyConsequence | None:
        solution = self._solve(objective, keep_limit, keep_capacity)
        return None if solution is None else self._consequence(solution[0])

    def _solve(
        self, objective: np.ndarray, keep_limit: bool, keep_capacity: bool
    ) -> tuple[np.ndarray, float] | None:
        """Return the positions of the selected candidates, one a group, and the gap; None if
        nothing keeps the limits.
        """
        c, size = self.choices, len(objective)
        if not size:
            return np.zeros(0, dtype=int), 0.0
        # A local import, because scipy.optimize takes 150 ms to import and few pages need it.
        from scipy.optimize import LinearConstraint, milp
        from scipy.sparse import csr_array

        one_each = csr_array((np.ones(size), (c.group, np.arange(size))))
        rows = [LinearConstraint(one_each, 1, 1)]
        if keep_capacity and self.capacity is not None:
            rows.append(LinearConstraint(c.reviews[None, :].astype(float), -np.inf, self.capacity))
        if keep_limit and self.limit is not None:
            rows.append(LinearConstraint(*self._risk_row(self.limit)))
        # HiGHS stops at an absolute gap of 1e-6 whatever mip_rel_gap says; after this scaling that
        # is 1e-10 of the most expensive candidate.
        scale = (np.abs(objective).max() or 1.0) / 1e4
        options = {"mip_rel_gap": 0.0, "time_limit": self.time_limit_s}
        result = milp(
            objective / scale, integrality=1, bounds=(0, 1), constraints=rows, options=options
        )
        if result.x is None:
            # 2 is infeasible; without a solution every other status is the time limit or a failure.
            if result.status == 2:
                return None
            raise SettingsError("decision.optimiser_time", seconds=self.time_limit_s)
        return np.flatnonzero(result.x > 0.5), float(result.mip_gap or 0.0)

    def _risk_row(self, limit: RiskLimit) -> tuple[np.ndarray, float, float]:
        c, most = self.choices, limit.most
        if limit.measure == "leakage":
            return c.wrong[None, :].astype(float), -np.inf, most * self.labelled * (1 + 1e-12)
        return (c.wrong - most * c.accepted_labelled)[None, :], -np.inf, 0.0

    def _consequence(self, taken: np.ndarray) -> PolicyConsequence:
        step_of_group = dict(
            zip(self.choices.group[taken].tolist(), self.choices.step[taken].tolist(), strict=True)
        )
        thresholds = {
            name: threshold_at(step_of_group[group])
            for name, group in zip(self.names, self.group.tolist(), strict=True)
        }
        field = {"class": "by_class", "segment": "by_segment", "cell": "by_cell"}[self.by]
        rules: dict[str, Any] = {field: thresholds}
        policy = Policy(REVIEW_ALL, epistemic_limit=self.epistemic_limit, **rules)
        return policy_consequence(self.cumulative, policy, self.terms)


def _cells(cumulative: JointCumulative, by: str, limit: int) -> tuple[tuple[CellName, ...], Tally]:
    """Return the names of the cells [C] and the tally of each cell at every threshold, [C, STEPS]."""
    segments, classes = cumulative.segments, cumulative.classes
    weights = (
        np.ones((len(segments), len(classes)), dtype=np.int64)
        if cumulative.weights is None
        else cumulative.weights
    )
    # [S, K, STEPS, O]
    accepted = np.moveaxis(cumulative.accepted[..., limit], -1, 2) * weights[:, :, None, None]
    total = np.broadcast_to((cumulative.total * weights[:, :, None])[:, :, None], accepted.shape)
    axis = {"class": 0, "segment": 1, "cell": None}[by]
    by_name: dict[str, tuple[CellName, ...]] = {
        "class": classes,
        "segment": segments,
        "cell": tuple((s, k) for s in segments for k in classes),
    }
    flat = [x.reshape(-1, *x.shape[2:]) if axis is None else x.sum(axis) for x in (accepted, total)]
    return by_name[by], Tally(*flat, *flat)


def _pool(
    names: tuple[CellName, ...], labelled: np.ndarray, least: int
) -> tuple[np.ndarray, tuple[CellName, ...]]:
    """Return the group [C] of each cell and the names of the pooled cells, which share group 0. A
    single cell that is too small is a pool of one.
    """
    order = np.argsort(labelled, kind="stable")
    size = int((labelled < least).sum())
    # A pool of one cell pools nothing, so it takes in a second one, however large.
    while 0 < size < len(names) and (labelled[order[:size]].sum() < least or size == 1):
        size += 1
    group = np.empty(len(names), dtype=np.int64)
    group[order[:size]] = 0
    group[order[size:]] = np.arange(len(names) - size) + (size > 0)
    return group, tuple(names[i] for i in sorted(order[:size].tolist())) if size else ()


def _choices(tally: Tally, group: np.ndarray, every: int) -> _Choices:
    """Return the candidates: for each group and number of wrong accepted cases, the counts of the
    loosest threshold, under the name of the strictest threshold that accepts the same cases.
    """
    grid = np.append(np.arange(0, THRESHOLD_STEPS - 1, every), THRESHOLD_STEPS - 1)
    parts = []
    for g in range(int(group.max()) + 1 if len(group) else 0):
        reviews, wrong, accepted = (
            x[group == g].sum(0)[grid]
            for x in (tally.reviewed.sum(-1), tally.wrong_accepted, tally.accepted_labelled)
        )
        steps = np.append(0, np.flatnonzero(np.diff(wrong)) + 1)
        # Both accept the same cases here; of new cases between them the strictest accepts none.
        strictest = np.searchsorted(reviews, reviews[steps], side="right") - 1
        parts.append(
            (np.full(len(steps), g), grid[strictest], reviews[steps], wrong[steps], accepted[steps])
        )
    return (
        _Choices(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        if parts
        else _Choices(*[np.zeros(0)] * 5)
    )
