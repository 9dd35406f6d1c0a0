"""The span of dates without outliers: one 9999-12-31 would hide how many cases a day brings.

A date is far out if it lies more than REACH median absolute deviations from the median date
(Hampel's identifier), at least REACH * FLOOR_DAYS days, or before 1950 or after 2100 while others
do not. Evenly spread dates reach 2 deviations, so none of theirs is far out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

REACH = 10.0  # median absolute deviations
FLOOR_DAYS = 30.0  # the least deviation that counts
LEAST_DATES = 20  # dates below which deviations say nothing, and only the centuries count
_USUAL = (np.datetime64("1950-01-01"), np.datetime64("2101-01-01"))


@dataclass(frozen=True)
class DateSpan:
    """The first and last of the dates that are not far out.

    dates: number of all dates. far: the dates that are far out, sorted.
    """

    first: datetime
    last: datetime
    dates: int
    far: tuple[datetime, ...]

    @property
    def days(self) -> int:
        """Return the calendar days from the first to the last, both counted."""
        return (self.last.date() - self.first.date()).days + 1


def is_usual(moment: datetime) -> bool:
    """Return whether a moment is of 1950 to 2100, which placeholders such as 9999-12-31 are not."""
    stamp = np.datetime64(moment, "us")
    return bool(_USUAL[0] <= stamp < _USUAL[1])


def robust_span(moments: Sequence[datetime]) -> DateSpan | None:
    """Return the span of the moments without those far out; None if there are none.

    >>> from datetime import datetime
    >>> usual = [datetime(2024, 1, day) for day in range(1, 11)]
    >>> span = robust_span([*usual, datetime(9999, 12, 31)])
    >>> span.days, [moment.year for moment in span.far]
    (10, [9999])
    """
    if not len(moments):
        return None
    stamps = np.sort(np.array(list(moments), dtype="datetime64[us]"))
    usual = (stamps >= _USUAL[0]) & (stamps < _USUAL[1])
    near = usual if usual.any() else np.ones(len(stamps), dtype=bool)
    days = stamps.astype("datetime64[s]").astype(np.float64) / 86_400
    if len(stamps) >= LEAST_DATES:
        # Only usual dates set the centre: placeholders in many rows would move it.
        centre = np.median(days[near])
        # Dates of one day have a deviation of 0, and without the floor every other date would be
        # far out.
        deviation = max(np.median(np.abs(days[near] - centre)), FLOOR_DAYS)
        near &= np.abs(days - centre) <= REACH * deviation
    inside = stamps[near].astype(object)
    return DateSpan(inside[0], inside[-1], len(stamps), tuple(stamps[~near].astype(object)))
