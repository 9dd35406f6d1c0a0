"""A cascade by expected money: the student accepts at t1, else the N-pass teacher is asked and
accepts at t2, else a person.

cost a case = inference(student) + asked * inference(teacher of N passes) + review * reviewed +
escape * leaked, each a share of the paired cases: the same labelled cases, scored by the student
and by each offered run of the teacher. Every pair (t1, t2) of multiples of 0.001, and REVIEW_ALL,
is tried exactly, from a two-dimensional histogram of both confidences. No teacher (N = 0) is always
one of the options. The best is best on the very cases it is shown on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.counts.histogram import bin_of_confidence
from core.counts.joint import REVIEW_ALL, THRESHOLD_STEPS, threshold_at
from core.counts.tally import Leakage, LeakageLimit
from core.decision.thresholds.costs import UnitCosts
from core.decision.thresholds.policy import Threshold
from core.errors import NoCasesError, SettingsError, ShapeError
from core.stats.bounds import wilson
from core.types import Interval


@dataclass(frozen=True)
class ScoredRun:
    """A run over the paired cases: confidence [n] and whether right [n] (unseen labels are wrong),
    measured seconds a case.

    passes is 1 for the student and N for a teacher. Cases without a label have no place here.
    """

    passes: int
    seconds_per_case: float
    confidence: np.ndarray
    right: np.ndarray

    def __post_init__(self):
        bin_of_confidence(self.confidence)  # refuses what is no confidence
        right = np.asarray(self.right)
        if right.dtype != bool or right.shape != np.shape(self.confidence):
            raise ShapeError("decision.cascade_right", type=right.dtype, shape=right.shape)
        if self.passes < 1:
            raise SettingsError("decision.passes", passes=self.passes)

    @property
    def step(self) -> np.ndarray:
        """The strictest threshold's position that accepts each case, [n]."""
        return bin_of_confidence(self.confidence) // 3


@dataclass(frozen=True)
class CascadePoint:
    """One (N, t1, t2). Shares are of the n paired cases; the cost's interval is that of leakage
    alone.
    """

    passes: int  # 0: the teacher is never asked
    student_threshold: Threshold
    teacher_threshold: Threshold  # REVIEW_ALL where passes is 0
    asked: Interval
    reviewed: Interval
    leakage: Leakage
    cost_per_case: Interval


@dataclass(frozen=True)
class _Grid:
    """Counts of one run by (t1, t2), flat: asked the teacher, sent to a person, wrong accepted; and
    expected cost a case.
    """

    run: ScoredRun | None
    asked: np.ndarray
    reviewed: np.ndarray
    wrong: np.ndarray
    cost: np.ndarray


class CascadeSearch:
    """All cascades of a student and the offered teacher runs on the same cases, counted once."""

    def __init__(self, student: ScoredRun, teachers: Sequence[ScoredRun], costs: UnitCosts):
        self.n, self.costs, self.student = len(student.confidence), costs, student
        if not self.n:
            raise NoCasesError("decision.cascade_no_cases")
        for run in teachers:
            if len(run.confidence) != self.n:
                raise ShapeError(
                    "decision.cascade_pairs",
                    passes=run.passes,
                    cases=len(run.confidence),
                    expected=self.n,
                )
        self._grids = [self._grid(run) for run in (None, *teachers)]

    def best(self, limit: LeakageLimit | None = None) -> CascadePoint:
        """The least expected cost with leakage within the limit; of equals the least leakage.
        Review of all keeps any limit.
        """
        allowed = [g.wrong / self.n <= (1.0 if limit is None else limit.most) for g in self._grids]
        costs = [np.where(ok, g.cost, np.inf) for ok, g in zip(allowed, self._grids, strict=True)]
        least = min(c.min() for c in costs)
        tied = [
            (g.wrong[i], position, i)
            for position, g in enumerate(self._grids)
            for i in self._ties(costs[position], least, g)
        ]
        _, position, index = min(tied)
        return self._point(self._grids[position], index)

    def frontier(self) -> list[CascadePoint]:
        """The Pareto front over every N, t1 and t2: from the least leakage on, each point leaks
        more and costs less.
        """
        cheapest: dict[int, tuple[float, int, int]] = {}
        for position, grid in enumerate(self._grids):
            order = np.lexsort((grid.cost, grid.wrong))
            wrong, first = np.unique(grid.wrong[order], return_index=True)
            for w, index in zip(wrong.tolist(), order[first].tolist(), strict=True):
                cheapest[w] = min(
                    cheapest.get(w, (np.inf, 0, 0)), (float(grid.cost[index]), position, index)
                )
        front, least = [], np.inf
        for w in sorted(cheapest):
            cost, position, index = cheapest[w]
            if cost < least:
                least = cost
                front.append(self._point(self._grids[position], index))
        return front

    @staticmethod
    def _ties(cost: np.ndarray, least: float, grid: _Grid) -> list[int]:
        """The one index of least leakage among the equals of a grid, if it has any."""
        equal = np.flatnonzero(cost == least)
        return [int(equal[np.argmin(grid.wrong[equal])])] if len(equal) else []

    def _grid(self, run: ScoredRun | None) -> _Grid:
        """Count one run over all t1 and t2; without a run all that the student leaves goes to a
        person.
        """
        size = THRESHOLD_STEPS if run is not None else 1
        step2 = np.zeros(self.n, dtype=np.int64) if run is None else run.step
        # cases by the strictest t1 and t2 that accept them
        both = np.zeros((THRESHOLD_STEPS, size), dtype=np.int64)
        np.add.at(both, (self.student.step, step2), 1)
        wrong2 = np.zeros_like(both)
        if run is not None:
            np.add.at(wrong2, (self.student.step[~run.right], step2[~run.right]), 1)
        wrong1 = np.bincount(self.student.step[~self.student.right], minlength=THRESHOLD_STEPS)
        left = _below(both)  # confidence < t1, by step of the second
        asked = left.sum(1, keepdims=True)
        # Below t2 goes to a person; REVIEW_ALL, the last column, sends all.
        reviewed = asked if run is None else np.cumsum(left, 1) - left
        left_wrong = _below(wrong2)
        leaked2 = left_wrong[:, ::-1].cumsum(1)[:, ::-1]
        wrong = wrong1[::-1].cumsum()[::-1][:, None] + leaked2
        asked = np.broadcast_to(0 if run is None else asked, wrong.shape)
        return _Grid(
            run,
            asked.ravel(),
            reviewed.ravel(),
            wrong.ravel(),
            self._cost(run, asked, reviewed, wrong).ravel(),
        )

    def _cost(
        self, run: ScoredRun | None, asked: np.ndarray, reviewed: np.ndarray, wrong: np.ndarray
    ) -> np.ndarray:
        teacher = 0.0 if run is None else self.costs.inference(run.seconds_per_case)
        handled = (
            teacher * asked + self.costs.review * reviewed + self.costs.escape * wrong
        ) / self.n
        return self.costs.inference(self.student.seconds_per_case) + handled

    def _point(self, grid: _Grid, index: int) -> CascadePoint:
        first, second = divmod(index, 1 if grid.run is None else THRESHOLD_STEPS)
        leakage = wilson(int(grid.wrong[index]), self.n)
        fixed = float(grid.cost[index]) - self.costs.escape * leakage.value
        return CascadePoint(
            0 if grid.run is None else grid.run.passes,
            threshold_at(first),
            REVIEW_ALL if grid.run is None else threshold_at(second),
            wilson(int(grid.asked[index]), self.n),
            wilson(int(grid.reviewed[index]), self.n),
            Leakage(leakage.value, leakage.low, leakage.high, self.n),
            Interval(
                *(
                    fixed + self.costs.escape * x
                    for x in (leakage.value, leakage.low, leakage.high)
                ),
                self.n,
            ),
        )


def _below(counts: np.ndarray) -> np.ndarray:
    """Counts of the rows under each row, [T, ...]: cases whose step is less than each threshold's."""
    return counts.cumsum(0) - counts
