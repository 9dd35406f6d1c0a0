"""Draw the arrival times of cases for review: from whole weeks of real times, or from a profile of
the 168 hours of a week.

Hour 0 of a week is Monday 00:00 in the reviewers' time zone. Real weeks are drawn whole, with
replacement, so bursts within a week survive; a profile is a Poisson stream at each hour's mean
rate, without bursts. Weeks are 168 hours by the clock: in the two weeks a year when clocks change,
one hour is missing or doubled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import pandas as pd

from core.decision.money.scenario import ASSUMED, MEASURED
from core.errors import CasesError, DatesOnlyError, SettingsError

HOURS_PER_WEEK = 168  # hours


class ArrivalProcess(Protocol):
    """The arrivals that a simulation needs. source: MEASURED or ASSUMED."""

    @property
    def source(self) -> str: ...

    @property
    def per_week(self) -> float:
        """Return the mean number of cases a week."""

    def draw(self, weeks: int, generator: np.random.Generator) -> np.ndarray:
        """Return the arrival times over `weeks` weeks in hours from the first Monday, ascending."""


@dataclass(frozen=True)
class WeekProfile:
    """Mean number of cases in each hour of the week, 168 of them, Monday 00:00 first."""

    hourly: tuple[float, ...]
    source: str
    n: int = 0  # the measured cases; 0 if assumed

    def __post_init__(self) -> None:
        if len(self.hourly) != HOURS_PER_WEEK:
            raise SettingsError(
                "decision.profile_hours", hours=len(self.hourly), expected=HOURS_PER_WEEK
            )
        for hour, rate in enumerate(self.hourly):
            if not (np.isfinite(rate) and rate >= 0):
                raise SettingsError("decision.profile_rate", hour=hour, rate=rate)

    @classmethod
    def assume(
        cls,
        cases_per_day: float,
        days: Sequence[int] = range(7),
        start_hour: int = 8,
        end_hour: int = 17,
    ) -> "WeekProfile":
        """Return a profile of cases_per_day * 7 cases a week, spread evenly over these hours.

        cases_per_day: the mean over all seven days.
        days: the days with arrivals, 0 = Monday.
        start_hour, end_hour: the hours of arrivals on these days, 0 to 24.

        Raises SettingsError for days or hours out of range.
        """
        week_days = set(days)
        if not (week_days and week_days <= set(range(7)) and 0 <= start_hour < end_hour <= 24):
            raise SettingsError(
                "decision.profile_days", days=sorted(week_days), start=start_hour, end=end_hour
            )
        hours = [
            day * 24 + hour for day in sorted(week_days) for hour in range(start_hour, end_hour)
        ]
        rates = np.zeros(HOURS_PER_WEEK)
        rates[hours] = cases_per_day * 7 / len(hours)
        return cls(tuple(rates.tolist()), ASSUMED)

    @property
    def per_week(self) -> float:
        """Return the mean number of cases a week."""
        return float(sum(self.hourly))

    def scaled(self, factor: float) -> "WeekProfile":
        """Return the same shape with `factor` times the cases, for a threshold that sends another
        share to review.
        """
        return WeekProfile(tuple(rate * factor for rate in self.hourly), self.source, self.n)

    def draw(self, weeks: int, generator: np.random.Generator) -> np.ndarray:
        """Return a Poisson stream with a constant rate within each hour of the week."""
        counts = generator.poisson(np.tile(self.hourly, weeks))
        hours = np.repeat(np.arange(weeks * HOURS_PER_WEEK), counts)
        return np.sort(hours + generator.random(len(hours)))


@dataclass(frozen=True, eq=False)
class RealWeeks:
    """Whole weeks of real times: the hour since the week's Monday 00:00 [n], and the week of each
    case [n], 0 to weeks - 1.
    """

    hour: np.ndarray
    week: np.ndarray
    weeks: int
    source: str = MEASURED

    @property
    def per_week(self) -> float:
        """Return the mean number of cases a week."""
        return len(self.hour) / self.weeks

    def draw(self, weeks: int, generator: np.random.Generator) -> np.ndarray:
        """Return weeks drawn with replacement, in a row."""
        drawn = generator.integers(0, self.weeks, weeks)
        return np.concatenate(
            [i * HOURS_PER_WEEK + np.sort(self.hour[self.week == drawn[i]]) for i in range(weeks)]
        )

    def profile(self) -> WeekProfile:
        """Return the mean of the weeks, hour by hour."""
        counts = np.bincount(self.hour.astype(np.int64), minlength=HOURS_PER_WEEK)
        return WeekProfile(tuple((counts / self.weeks).tolist()), self.source, len(self.hour))


def real_weeks(times: Sequence[datetime], zone: str | None = None) -> RealWeeks:
    """Return the whole weeks, Monday to Sunday, of the times [n] of the cases to review; the parts
    of weeks at either end are left out.

    A day with a case counts as whole. With a zone ("Asia/Tokyo"), aware times are converted to it,
    and naive times count as UTC; without a zone, the clock counts as written. Raises DatesOnlyError
    if every time is midnight, SettingsError for a missing time or an unknown zone, CasesError for
    less than one whole week.
    """
    stamps = [pd.Timestamp(time) for time in times]
    missing = sum(stamp is pd.NaT for stamp in stamps)
    if missing:
        raise SettingsError("decision.arrivals_missing", n=missing, times=len(stamps))
    # Before any change of zone: a date stored as UTC midnight is 09:00 in Tokyo and still only a
    # date.
    if stamps and all(stamp == stamp.normalize() for stamp in stamps):
        raise DatesOnlyError("decision.arrivals_dates_only", n=len(stamps))
    return _whole_weeks(_local(stamps, zone))


def _local(stamps: list[pd.Timestamp], zone: str | None) -> pd.DatetimeIndex:
    if zone is None:
        return pd.DatetimeIndex([stamp.tz_localize(None) for stamp in stamps])
    try:
        return pd.DatetimeIndex(pd.to_datetime(stamps, utc=True)).tz_convert(zone).tz_localize(None)
    except KeyError as e:  # zoneinfo's error for a name that it does not know
        raise SettingsError("decision.time_zone", zone=zone) from e


def _whole_weeks(clock: pd.DatetimeIndex) -> RealWeeks:
    day, week = clock.normalize(), pd.Timedelta(days=7)
    # The Monday of the first whole week.
    start = day.min() + pd.Timedelta(days=-day.min().day_of_week % 7) if len(day) else None
    weeks = int(max(0, (day.max() + pd.Timedelta(days=1) - start) // week)) if len(day) else 0
    if weeks == 0:
        raise CasesError("decision.arrivals_short", n=len(clock))
    since = (clock - start) / pd.Timedelta(hours=1)
    hours = since[(since >= 0) & (since < weeks * HOURS_PER_WEEK)].to_numpy(dtype=np.float64)
    return RealWeeks(hours % HOURS_PER_WEEK, (hours // HOURS_PER_WEEK).astype(np.int64), weeks)
