"""Cases a day without the dates far out: hand-counted spans, and that evenly spread dates are never
far.
"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.decision.thresholds.volume import date_metrics, measured_cases_per_day, run_volume
from core.stats.date_span import robust_span
from core.types import Run, RunRecord

RUN = Run(
    run_id="score-a", kind="score", model="a", model_kind="student", model_hash="1", dataset="d",
    role="stream", inputs_hash="2", labels=("x", "y"), created_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip
DAY = timedelta(days=1)


def record(cases: int, first, last, metrics: dict | None = None) -> RunRecord:
    return RunRecord(RUN, "finished", 1.0, metrics or {}, cases, first, last)


def test_volume_counts_the_first_and_the_last_day():
    assert (
        measured_cases_per_day(record(30, datetime(2010, 1, 1, 23), datetime(2010, 1, 10, 1))) == 3
    )
    assert measured_cases_per_day(record(5, datetime(2010, 1, 1), datetime(2010, 1, 1))) == 5
    assert measured_cases_per_day(record(5, None, None)) is None


def test_one_placeholder_changes_no_volume():
    """Four cases a day in January 2024, and one of the year 9999."""
    dates = [datetime(2024, 1, day) for day in range(1, 31) for _ in range(4)]
    far = datetime(9999, 12, 31)
    scored = record(121, dates[0], far, {"dates": date_metrics([*dates, far])})
    volume = run_volume(scored)
    assert (volume.cases_per_day, volume.days, volume.far, volume.far_cases) == (
        4,
        30,
        ("9999-12-31",),
        1,
    )
    assert measured_cases_per_day(record(121, dates[0], far)) is None  # a run that recorded no span


def test_a_date_is_far_beyond_ten_deviations():
    """Twenty-one days in a row deviate by 5 in the median: below the floor of 30, so 300 days are
    the reach.
    """
    dates = [datetime(2024, 1, 1) + i * DAY for i in range(21)]
    centre = dates[10]
    assert robust_span([*dates, centre + 299 * DAY]).far == ()
    assert robust_span([*dates, centre + 302 * DAY]).far == (centre + 302 * DAY,)


def test_few_dates_have_only_the_centuries():
    dates = [datetime(2019, 1, 1), datetime(2024, 1, 1), datetime(9999, 12, 31)]
    assert robust_span(dates).far == (dates[2],)
    assert robust_span([datetime(9999, 12, 31)]).far == ()
    assert robust_span([]) is None


@given(st.integers(1, 3000), st.integers(1, 40))
def test_evenly_spread_dates_are_never_far(n, step):
    span = robust_span([datetime(1990, 1, 1) + i * step * DAY / 4 for i in range(n)])
    assert (span.far, span.dates) == ((), n)


def test_no_date_records_nothing():
    assert date_metrics([]) is None


@pytest.mark.parametrize("moment", [datetime(1, 1, 1), datetime(9999, 12, 31)])
def test_the_ends_of_the_calendar_are_no_error(moment):
    assert robust_span([moment, datetime(2024, 1, 1)]).far == (moment,)
