"""Find the cascade of the least expected money: the student answers if accepted at t1, else the
N-pass teacher if accepted at t2, else a person.

cost a case = inference(student) + sent * inference(teacher of N passes) + review * reviewed +
escape * leaked, each a share of the paired cases: the same labelled cases, scored by the student
and by each run of the teacher; `sent` are the cases that reach the teacher. The search is exact
over every pair (t1, t2) of multiples of 0.001 and REVIEW_ALL, from a two-dimensional histogram of
both confidences. No teacher (N = 0) is always one of the options. The figures are optimistic,
because the same cases chose the cascade.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.counts.histogram import bin_of_confidence
from core.counts.joint import REVIEW_ALL, THRESHOLD_STEPS, threshold_at
from core.counts.tally import Leakage, LeakageLimit, scaled_interval
from core.decision.thresholds.costs import UnitCosts
from core.decision.thresholds.policy import Threshold
from core.errors import NoCasesError, SettingsError, ShapeError
from core.stats.bounds import wilson
from core.types import Interval


@dataclass(frozen=True)
class ScoredRun:
    """A run over the paired cases: confidence [n], whether right [n] (unseen labels are wrong) and
    measured seconds a case.

    passes is 1 for the student and N for a teacher. Every case has a label.
    """

    passes: int
    seconds_per_case: float
    confidence: np.ndarray
    right: np.ndarray

    def __post_init__(self) -> None:
        bin_of_confidence(self.confidence)  # raises for a value outside [0, 1]
        right = np.asarray(self.right)
        if right.dtype != bool or right.shape != np.shape(self.confidence):
            raise ShapeError("decision.cascade_right", type=right.dtype, shape=right.shape)
        if self.passes < 1:
            raise SettingsError("decision.passes", passes=self.passes)

    @property
    def step(self) -> np.ndarray:
        """Return the step of the strictest threshold that accepts each case, [n]."""
        return bin_of_confidence(self.confidence) // 3


@dataclass(frozen=True)
class CascadePoint:
    """One cascade (N, t1, t2). Shares are of the n paired cases; the interval of the cost is that
    of leakage alone.
    """

    passes: int  # 0: no teacher
    student_threshold: Threshold
    teacher_threshold: Threshold  # REVIEW_ALL where passes is 0
    sent_to_teacher: Interval
    reviewed: Interval
    leakage: Leakage
    cost_per_case: Interval


@dataclass(frozen=True)
class _Grid:
    """Counts of one run by (t1, t2), flattened: sent to the teacher, reviewed by a person, wrong
    accepted; and the expected cost a case.
    """

    run: ScoredRun | None
    sent: np.ndarray
    reviewed: np.ndarray
    wrong: np.ndarray
    cost: np.ndarray


class CascadeSearch:
    """All cascades of a student and its teacher runs on the same cases, counted once."""

    def __init__(self, student: ScoredRun, teachers: Sequence[ScoredRun], costs: UnitCosts):
        self.n, self.costs, self.student = len(student.confidence), costs, student
        if not self.n:
            raise NoCasesError("decision.cascade_no_cases")
        costs.inference(student.seconds_per_case)  # raises for a negative or infinite time
        for run in teachers:
            costs.inference(run.seconds_per_case)
            if len(run.confidence) != self.n:
                raise ShapeError(
                    "decision.cascade_pairs",
                    passes=run.passes,
                    cases=len(run.confidence),
                    expected=self.n,
                )
        self._grids = [self._grid(run) for run in (None, *teachers)]

    def best(self, limit: LeakageLimit | None = None) -> CascadePoint:
        """Return the point of the least expected cost with leakage within the limit; of equal
        points that of the least leakage. Reviewing everything keeps any limit.
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
        """Return the Pareto front over every N, t1 and t2, by rising leakage and falling cost."""
        # Leakage is a count from 0 to n, so the grids join by it: only the cheapest point of each
        # count can be on the front.
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
        """Return the index of the least leakage among the points of cost `least`, or nothing."""
        equal = np.flatnonzero(cost == least)
        return [int(equal[np.argmin(grid.wrong[equal])])] if len(equal) else []

    def _grid(self, run: ScoredRun | None) -> _Grid:
        """Count one run over all t1 and t2; without a run, a person answers every case that the
        student does not.
        """
        size = THRESHOLD_STEPS if run is not None else 1
        step2 = np.zeros(self.n, dtype=np.int64) if run is None else run.step
        # Cases by the strictest t1 and t2 that accept them.
        both = np.zeros((THRESHOLD_STEPS, size), dtype=np.int64)
        np.add.at(both, (self.student.step, step2), 1)
        wrong2 = np.zeros_like(both)
        if run is not None:
            np.add.at(wrong2, (self.student.step[~run.right], step2[~run.right]), 1)
        wrong1 = np.bincount(self.student.step[~self.student.right], minlength=THRESHOLD_STEPS)
        left = _below(both)  # confidence < t1, by step of the second
        sent = left.sum(1, keepdims=True)
        # Below t2 goes to a person; REVIEW_ALL, the last column, sends all.
        reviewed = sent if run is None else np.cumsum(left, 1) - left
        left_wrong = _below(wrong2)
        leaked2 = left_wrong[:, ::-1].cumsum(1)[:, ::-1]
        wrong = wrong1[::-1].cumsum()[::-1][:, None] + leaked2
        sent = np.broadcast_to(0 if run is None else sent, wrong.shape)
        return _Grid(
            run,
            sent.ravel(),
            reviewed.ravel(),
            wrong.ravel(),
            self._cost(run, sent, reviewed, wrong).ravel(),
        )

    def _cost(
        self, run: ScoredRun | None, sent: np.ndarray, reviewed: np.ndarray, wrong: np.ndarray
    ) -> np.ndarray:
        hour = self.costs.machine_hour
        teacher = 0.0 if run is None else run.seconds_per_case / 3600 * hour
        handled: np.ndarray = (
            teacher * sent + self.costs.review * reviewed + self.costs.escape * wrong
        ) / self.n
        return self.student.seconds_per_case / 3600 * hour + handled

    def _point(self, grid: _Grid, index: int) -> CascadePoint:
        first, second = divmod(index, 1 if grid.run is None else THRESHOLD_STEPS)
        leakage = Leakage(**vars(wilson(int(grid.wrong[index]), self.n)))
        fixed = float(grid.cost[index]) - self.costs.escape * (int(grid.wrong[index]) / self.n)
        return CascadePoint(
            passes=0 if grid.run is None else grid.run.passes,
            student_threshold=threshold_at(first),
            teacher_threshold=REVIEW_ALL if grid.run is None else threshold_at(second),
            sent_to_teacher=wilson(int(grid.sent[index]), self.n),
            reviewed=wilson(int(grid.reviewed[index]), self.n),
            leakage=leakage,
            cost_per_case=scaled_interval(leakage, self.costs.escape, fixed),
        )


def _below(counts: np.ndarray) -> np.ndarray:
    """Return the sums of the rows before each row, [T, ...]: cases with a step below a threshold's."""
    below: np.ndarray = counts.cumsum(0) - counts
    return below
