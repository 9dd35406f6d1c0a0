"""Student, teacher, person: costs by hand, and the best of all by trying all."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counts.joint import REVIEW_ALL
from core.counts.tally import LeakageLimit
from core.decision.thresholds.cascade import CascadeSearch, ScoredRun
from core.decision.thresholds.costs import UnitCosts
from core.errors import NonFiniteError, SettingsError
from core.stats.bounds import wilson

COSTS = UnitCosts(review=5, escape=100, machine_hour=3600)  # a second of compute costs 1
TRIED = (0.0, 0.25, 0.5, 0.75, 1.0, 2.0)  # 2.0 accepts nothing


def scored(passes, seconds, rows) -> ScoredRun:
    return ScoredRun(
        passes,
        seconds,
        np.array([c for c, _ in rows], dtype=float),
        np.array([r for _, r in rows], dtype=bool),
    )


STUDENT = scored(1, 0.1, [(0.9, True), (0.8, True), (0.4, False), (0.3, False)])
TEACHER = scored(10, 1.0, [(0.9, True), (0.9, True), (0.9, True), (0.2, False)])


def test_the_best_cascade_by_hand():
    # The student keeps two, the teacher is asked about two and keeps one, a person has the last:
    # (0.4 + 2 + 5) / 4 a case.
    found = CascadeSearch(STUDENT, [TEACHER], COSTS).best()
    assert found.cost_per_case.value == pytest.approx((0.4 + 2 * 1.0 + 5) / 4)
    assert (found.passes, found.leakage.value) == (10, 0)
    assert (found.sent_to_teacher, found.reviewed) == (wilson(2, 4), wilson(1, 4))
    assert 0.4 < found.student_threshold <= 0.8
    assert 0.2 < found.teacher_threshold <= 0.9


def test_a_teacher_that_costs_more_than_a_person_is_never_asked():
    found = CascadeSearch(STUDENT, [scored(10, 6.0, [(0.9, True)] * 4)], COSTS).best()
    assert (found.passes, found.teacher_threshold, found.sent_to_teacher.value) == (
        0,
        REVIEW_ALL,
        0,
    )
    assert found.cost_per_case.value == pytest.approx((0.4 + 2 * 5) / 4)


def test_the_cost_interval_is_that_of_leakage():
    found = CascadeSearch(
        scored(1, 0.0, [(1.0, True)] * 9 + [(1.0, False)]), [], UnitCosts(50, 100, 0)
    ).best()
    assert (found.cost_per_case.low, found.cost_per_case.high) == pytest.approx(
        (100 * wilson(1, 10).low, 100 * wilson(1, 10).high)
    )
    assert found.cost_per_case.n == found.leakage.n == 10


_CASE = st.tuples(*[st.tuples(st.integers(0, 4).map(lambda i: i / 4), st.booleans())] * 3)


def brute(student, run, costs):
    """(wrong accepted, cost a case) of every pair of thresholds, case by case."""
    n = len(student.confidence)
    for t1, t2 in product(TRIED, TRIED if run is not None else (2.0,)):
        by_student = student.confidence >= t1
        by_teacher = (
            ~by_student & (run.confidence >= t2) if run is not None else np.zeros(n, dtype=bool)
        )
        wrong = int(
            (by_student & ~student.right).sum()
            + ((by_teacher & ~run.right).sum() if run is not None else 0)
        )
        asked = run.seconds_per_case * (~by_student).sum() if run is not None else 0.0
        handled = costs.review * (~by_student & ~by_teacher).sum() + costs.escape * wrong
        yield wrong, student.seconds_per_case + (asked + handled) / n


@settings(max_examples=25)
@given(
    st.lists(_CASE, min_size=1, max_size=10),
    st.sampled_from([0.0, 20.0, 100.0]),
    st.sampled_from([None, 0.0, 0.3]),
)
def test_the_best_and_the_front_are_those_of_trying_everything(rows, escape, limit):
    costs = UnitCosts(5, escape, 3600)
    student = scored(1, 0.1, [r[0] for r in rows])
    teachers = [scored(5, 0.5, [r[1] for r in rows]), scored(10, 1.0, [r[2] for r in rows])]
    everything = [point for run in (None, *teachers) for point in brute(student, run, costs)]
    cascade = CascadeSearch(student, teachers, costs)
    allowed = [
        cost for wrong, cost in everything if wrong / len(rows) <= (1 if limit is None else limit)
    ]
    best = cascade.best(None if limit is None else LeakageLimit(limit))
    assert best.cost_per_case.value == pytest.approx(min(allowed))
    front = [
        (round(p.leakage.value * len(rows)), p.cost_per_case.value) for p in cascade.frontier()
    ]
    cheapest = [
        (w, min(c for x, c in everything if x == w)) for w in sorted({w for w, _ in everything})
    ]
    expected = [
        (w, c)
        for i, (w, c) in enumerate(cheapest)
        if all(c < other - 1e-9 for _, other in cheapest[:i])
    ]
    assert [w for w, _ in front] == [w for w, _ in expected]
    assert [c for _, c in front] == pytest.approx([c for _, c in expected])


def test_runs_that_do_not_pair_are_refused():
    with pytest.raises(SettingsError, match="10 passes and the student have 1 and 4 cases"):
        CascadeSearch(STUDENT, [scored(10, 1.0, [(0.9, True)])], COSTS)
    with pytest.raises(SettingsError, match="there are none"):
        CascadeSearch(scored(1, 0.1, []), [], COSTS)
    with pytest.raises(NonFiniteError, match="Confidence nan"):
        scored(1, 0.1, [(np.nan, True)])
    with pytest.raises(SettingsError, match="give a bool for each confidence"):
        ScoredRun(1, 0.1, np.array([0.5]), np.array([1.0]))
    with pytest.raises(SettingsError, match="passes 0"):
        scored(0, 0.1, [(0.5, True)])
    with pytest.raises(SettingsError, match="seconds_per_case nan"):
        CascadeSearch(scored(1, np.nan, [(0.5, True)]), [], COSTS)
