"""Reviews a day as full-time people, and back: people = reviews a week * minutes / 60 / hours that
one person reviews a week.

Days of reviews are days of the calendar, as the volume is measured; a person works some shifts
in seven of them. An average: it knows no waiting, for which core.decision.staffing.staffing is
there, and half a person cannot be hired.
"""

import math
from dataclasses import dataclass

from core.errors import SettingsError

WEEK_DAYS = 7


@dataclass(frozen=True)
class FullTime:
    """What one full-time person does. All values are assumed."""

    minutes: float  # of one review
    hours: float  # of one shift, breaks left out
    share: float  # of those hours that reviews take, in (0, 1]; the rest is other work
    shifts: int = 5  # a week

    def __post_init__(self) -> None:
        ranges = {
            "minutes": (self.minutes, 1e6),
            "hours": (self.hours, 24),
            "share": (self.share, 1),
            "shifts": (self.shifts, 7),
        }
        for name, (value, most) in ranges.items():
            if not (math.isfinite(value) and 0 < value <= most):
                raise SettingsError("decision.full_time", name=name, value=value, most=most)

    @property
    def reviews_per_day(self) -> float:
        """Reviews that one person does, averaged over the days of the calendar."""
        return self.shifts * self.hours * self.share * 60 / self.minutes / WEEK_DAYS

    def people(self, reviews_per_day: float) -> float:
        """Full-time people that these reviews a day keep busy."""
        return reviews_per_day / self.reviews_per_day

    def least(self, reviews_per_day: float) -> int:
        """Whole people whose hours are enough, at least one; the queue still grows where they are
        exactly enough.
        """
        return max(1, math.ceil(self.people(reviews_per_day) - 1e-9))
