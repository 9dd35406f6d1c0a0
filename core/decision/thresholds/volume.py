"""Measure the cases a day of a run from the dates of its cases, without outlying dates.

A scoring records the span of its cases' dates (core.stats.date_span) in its metrics under "dates".
A run without that record has its first and last date only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.stats.date_span import is_usual, robust_span
from core.types import RunRecord

VOLUME_UNKNOWN = 100.0  # cases a day, assumed if the cases have no dates


@dataclass(frozen=True)
class Volume:
    """Cases a day over the calendar days from `first` to `last`. `far` lists the outlying days
    (ISO), each once, and `far_cases` is the number of their cases; neither counts.
    """

    cases_per_day: float
    first: datetime
    last: datetime
    days: int
    far: tuple[str, ...] = ()
    far_cases: int = 0


def date_metrics(moments: Sequence[datetime]) -> dict[str, Any] | None:
    """Return the span of the dates of a scoring's cases as JSON values; None if no case has one."""
    span = robust_span(moments)
    if span is None:
        return None
    days = sorted({moment.date().isoformat() for moment in span.far})
    return {
        "first": span.first.isoformat(),
        "last": span.last.isoformat(),
        # A column of wrong dates must not fill the run's record; far_cases counts them all.
        "far": days[:100],
        "far_cases": len(span.far),
    }


def run_volume(record: RunRecord) -> Volume | None:
    """Return a run's volume; None if its cases have no dates or an impossible first or last date."""
    dates = record.metrics.get("dates")
    if dates:
        first, last = (datetime.fromisoformat(dates[end]) for end in ("first", "last"))
        return _volume(record.cases, first, last, tuple(dates["far"]), dates["far_cases"])
    if record.first_at is None or record.last_at is None:
        return None
    if not (is_usual(record.first_at) and is_usual(record.last_at)):
        return None
    return _volume(record.cases, record.first_at, record.last_at)


def measured_cases_per_day(record: RunRecord) -> float | None:
    """Return a run's cases a day; None if they cannot be measured."""
    volume = run_volume(record)
    return None if volume is None else volume.cases_per_day


def _volume(
    cases: int, first: datetime, last: datetime, far: tuple[str, ...] = (), far_cases: int = 0
) -> Volume:
    # Both ends count: cases of a single day are one day's volume, not a division by 0.
    days = (last.date() - first.date()).days + 1
    return Volume((cases - far_cases) / days, first, last, days, far, far_cases)
