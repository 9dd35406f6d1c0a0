"""Convert reviews a day to full-time people, and back: people = reviews a week * minutes / 60 /
hours that one person reviews a week.

Days of reviews are calendar days, like those of the volume; a person works some shifts in seven of
them. The result is an average: it knows no waiting (core.decision.staffing.staffing simulates it),
and half a person cannot be hired.
"""

import math
from dataclasses import dataclass

from core.errors import SettingsError

WEEK_DAYS = 7
# What is assumed of a review and a shift until a reader types other values.
REVIEW_MINUTES, SHIFT_HOURS, BUSY_SHARE = 5.0, 7.5, 0.8


@dataclass(frozen=True)
class FullTime:
    """The work of one full-time person. All values are assumptions."""

    minutes: float  # of one review
    hours: float  # of one shift, breaks left out
    share: float  # of those hours, the part for reviews, in (0, 1]; the rest is other work
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
        """Return the reviews of one person, averaged over calendar days."""
        return self.shifts * self.hours * self.share * 60 / self.minutes / WEEK_DAYS

    def people(self, reviews_per_day: float) -> float:
        """Return the full-time people that these reviews a day keep busy."""
        return reviews_per_day / self.reviews_per_day

    def least(self, reviews_per_day: float) -> int:
        """Return the least whole number of people with enough hours, at least one. If the hours are
        exactly enough, the queue still grows.
        """
        # 1e-9 keeps a rounding error from adding a person.
        return max(1, math.ceil(self.people(reviews_per_day) - 1e-9))
