"""Simulate the review desk of a threshold: the arrival of its cases, its reviewers, and the waiting
times.

Real times of day are drawn by whole weeks. If a run has only dates, no dates, or no whole week,
arrivals are an assumption: a Poisson stream, even over the hours of the shift on every day;
`DeskResult.arrivals` names the source. Predictions in, one small result of
core.decision.staffing.staffing out; does not draw, choose words, or open the store.
"""

from dataclasses import dataclass

import pandas as pd

from core.decision.staffing.arrivals import HOURS_PER_WEEK, ArrivalProcess, WeekProfile, real_weeks
from core.decision.staffing.desk import WorkShift
from core.decision.staffing.headcount import FullTime
from core.decision.staffing.staffing import (
    ReviewTime,
    StaffingResult,
    StaffingStudy,
    simulate_staffing,
)
from core.errors import CasesError, DatesOnlyError

DESK_COLUMNS = ("segment", "outcome", "confidence", "occurred_at")
# The sources of arrivals.
REAL_TIMES, SCALED_TIMES, DATES_ONLY, NO_DATES, NO_WEEK = (
    "real",
    "scaled",
    "dates_only",
    "no_dates",
    "no_week",
)
START_HOUR = 8
_CASES = 40_000  # in all replications together: about half a second
_REPLICATIONS = (2, 8)  # least, most
_WEEKS = 26  # at most
LATE_SHARE = 0.05  # of the reviews that may end after the due time
MORE_REVIEWERS = 6  # that a search adds at most


@dataclass(frozen=True)
class DeskResult:
    """The simulated work of a number of reviewers under a threshold. All waits are hours by the
    clock, nights included.
    """

    reviewers: int
    sla_hours: float
    staffing: StaffingResult
    # one of REAL_TIMES, SCALED_TIMES (the real hours of the week, another volume), DATES_ONLY,
    # NO_DATES, NO_WEEK
    arrivals: str
    per_week: float  # cases that arrive for review
    study: StaffingStudy

    @property
    def keeps_promise(self) -> bool:
        """Return whether at most LATE_SHARE of the reviews end after the due time."""
        late = self.staffing.breaches.value
        return late is not None and late <= LATE_SHARE


def simulated_desk(
    table: pd.DataFrame,
    threshold: float,
    segment: str | None,
    unseen: bool,
    reviews_per_day: float,
    measured: bool,
    reviewers: int,
    work: tuple[float, float, float],
    sla_hours: float,
) -> DeskResult:
    """Return the simulated desk of a threshold. Raises SettingsError for a value out of range.

    table: predictions with DESK_COLUMNS, one row a case.
    threshold: cases below it go to review.
    segment: one segment; None for all.
    unseen: whether cases whose label the model was not trained on count.
    reviews_per_day: the mean of the assumed or scaled arrivals.
    measured: whether the volume is the run's own, so that real weeks are drawn unscaled.
    reviewers: people in the shift.
    work: minutes, hours and share of a FullTime; other work makes each review take longer by the
    clock.
    sla_hours: hours by the clock from arrival to a finished review.
    """
    full_time, times = FullTime(*work), _review_times(table, threshold, segment, unseen)
    arrivals, source = _arrivals(times, reviews_per_day, measured, full_time.hours)
    return _simulate_desk(arrivals, source, reviewers, full_time, sla_hours)


def smallest_desk(
    table: pd.DataFrame,
    threshold: float,
    segment: str | None,
    unseen: bool,
    reviews_per_day: float,
    measured: bool,
    work: tuple[float, float, float],
    sla_hours: float,
) -> DeskResult:
    """Return the desk of the fewest reviewers that keeps the due time, from those whose hours are
    enough on; if more people do not help, the smallest of the best.

    Hours alone tell nothing of nights and weekends, when cases wait for people. The arguments are
    those of `simulated_desk`.
    """
    full_time, times = FullTime(*work), _review_times(table, threshold, segment, unseen)
    arrivals, source = _arrivals(times, reviews_per_day, measured, full_time.hours)
    least = full_time.least(reviews_per_day)
    best: DeskResult | None = None
    for reviewers in range(least, least + MORE_REVIEWERS + 1):
        desk = _simulate_desk(arrivals, source, reviewers, full_time, sla_hours)
        if desk.keeps_promise:
            return desk
        late = desk.staffing.breaches.value
        before = None if best is None else best.staffing.breaches.value
        # one more person who saves less than half a percent saves nothing that a plan can see
        if best is not None and before is not None and late is not None and before - late < 0.005:
            return best
        best = desk
    assert best is not None  # the range is never empty
    return best


def _review_times(
    table: pd.DataFrame, threshold: float, segment: str | None, unseen: bool
) -> pd.Series:
    """Return when the cases that go to review occurred."""
    reviewed = table["confidence"].lt(threshold) & (table["outcome"].ne("unseen") | unseen)
    return table.loc[
        reviewed if segment is None else reviewed & table["segment"].eq(segment), "occurred_at"
    ]


def _simulate_desk(
    arrivals: ArrivalProcess, source: str, reviewers: int, full_time: FullTime, sla_hours: float
) -> DeskResult:
    end = START_HOUR + full_time.hours
    shift = WorkShift(reviewers, start_hour=START_HOUR, end_hour=end, breaks=())
    study = study_of(arrivals.per_week)
    result = simulate_staffing(
        arrivals, [shift], ReviewTime(full_time.minutes / full_time.share), sla_hours, study
    )
    return DeskResult(reviewers, sla_hours, result, source, arrivals.per_week, study)


def study_of(per_week: float) -> StaffingStudy:
    """Return the weeks and replications that keep a simulation short. The seed is constant, so
    equal inputs give equal results.
    """
    least, most = _REPLICATIONS
    replications = int(min(most, max(least, _CASES // max(1.0, 2 * per_week))))
    weeks = int(min(_WEEKS, max(1, _CASES // max(1.0, replications * per_week) - 1)))
    return StaffingStudy(seed=0, replications=replications, weeks=weeks)


def _arrivals(
    times: pd.Series, reviews_per_day: float, measured: bool, hours: float
) -> tuple[ArrivalProcess, str]:
    dated = times.dropna()
    source = NO_DATES
    if len(dated):
        try:
            weeks = real_weeks(list(dated))
            if measured and len(dated) == len(times):
                return weeks, REAL_TIMES
            # Another volume cannot repeat the real weeks, only their hours of the week.
            return weeks.profile().scaled(
                reviews_per_day * HOURS_PER_WEEK / 24 / max(weeks.per_week, 1e-12)
            ), SCALED_TIMES
        except DatesOnlyError:
            source = DATES_ONLY
        except CasesError:
            source = NO_WEEK
    end = min(24, START_HOUR + max(1, round(hours)))
    return WeekProfile.assume(reviews_per_day, start_hour=START_HOUR, end_hour=end), source
