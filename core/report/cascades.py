"""Cost against leakage with and without the teacher in between: student -> N-pass teacher -> person
(core.decision.thresholds.cascade).

Cost here is of people and machines: what an escape costs is the other axis, leakage, and is added
only in `total`. Takes the predictions of both runs, pairs the labelled cases that both scored, and
gives the two fronts as one frame.
"""

import numpy as np
import pandas as pd

from core.decision.thresholds.cascade import CascadePoint, CascadeSearch, ScoredRun
from core.decision.thresholds.daily_money import UnitCosts
from core.errors import SettingsError

COLUMNS = ("case_id", "segment", "outcome", "confidence")
WITH_TEACHER, WITHOUT = "with_teacher", "without"


def fronts(
    student: pd.DataFrame,
    teacher: pd.DataFrame,
    segment: str | None,
    unseen: bool,
    passes: int,
    seconds: tuple[float, float],
    costs: tuple[float, float, float],
) -> pd.DataFrame:
    """One row a point of both Pareto fronts, from the least leakage on.

    Columns: way (WITH_TEACHER or WITHOUT), leakage with _low and _high, cost (a case, without
    escapes), total (with them) with _low and _high, passes (0: the teacher is never asked),
    student_threshold, teacher_threshold, asked, reviewed (shares), n.
    seconds: measured a case of student and teacher; costs: review, escape, machine hour. Empty
    where no labelled case was scored by both.
    """
    first, second = _paired(student, teacher, segment, unseen, passes, seconds)
    if first is None:
        return pd.DataFrame(columns=["way", "leakage", "cost", "total", "n"])
    review, escape, machine = costs
    unit = UnitCosts(review, 0.0, machine)
    ways = {
        WITHOUT: CascadeSearch(first, [], unit),
        WITH_TEACHER: CascadeSearch(first, [second], unit),
    }
    return pd.DataFrame(
        [_row(way, point, escape) for way, cascade in ways.items() for point in cascade.frontier()]
    )


def cheapest(front: pd.DataFrame, way: str) -> pd.Series:
    """The row of the least total of a way: best on the very cases it is shown on. Raises
    SettingsError where there is none.
    """
    rows = front[front["way"] == way]
    if not len(rows):
        raise SettingsError(
            f"the fronts have no row of {way!r}: give one of {', '.join(sorted(set(front['way'])))}"
        )
    return rows.loc[rows["total"].idxmin()]


def _paired(
    student, teacher, segment, unseen, passes, seconds
) -> tuple[ScoredRun | None, ScoredRun | None]:
    kept = student["outcome"].ne("unlabelled") & (student["outcome"].ne("unseen") | unseen)
    rows = student[kept if segment is None else kept & student["segment"].eq(segment)]
    both = rows.merge(teacher, on="case_id", suffixes=("_1", "_2"))
    if not len(both):
        return None, None
    return tuple(
        ScoredRun(
            n,
            time,
            both[f"confidence_{i}"].to_numpy(),
            np.asarray(both[f"outcome_{i}"].eq("right"), dtype=bool),
        )
        for i, n, time in ((1, 1, seconds[0]), (2, passes, seconds[1]))
    )


def _row(way: str, point: CascadePoint, escape: float) -> dict:
    leakage, cost = point.leakage, point.cost_per_case.value
    return {
        "way": way,
        "leakage": leakage.value,
        "leakage_low": leakage.low,
        "leakage_high": leakage.high,
        "cost": cost,
        "total": cost + escape * leakage.value,
        "total_low": cost + escape * leakage.low,
        "total_high": cost + escape * leakage.high,
        "passes": point.passes,
        "student_threshold": str(point.student_threshold),
        "teacher_threshold": str(point.teacher_threshold),
        "asked": point.asked.value,
        "reviewed": point.reviewed.value,
        "n": leakage.n,
    }
