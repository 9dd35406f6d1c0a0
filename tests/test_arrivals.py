"""When cases arrive: whole weeks of real times, hour by hour, and dates that are refused as
times.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.decision.staffing.arrivals import (
    ASSUMED,
    HOURS_PER_WEEK,
    MEASURED,
    WeekProfile,
    real_weeks,
)
from core.errors import CasesError, DatesOnlyError, SettingsError

MONDAY = datetime(2024, 1, 1)  # it was one


def at(*hours: float) -> list[datetime]:
    return [MONDAY + timedelta(hours=h) for h in hours]


def test_whole_weeks_by_hand():
    # a Sunday before, two whole weeks, a Monday after: two cases and one case a week count
    found = real_weeks(at(-3, 0.5, 167, 168 + 30.25, 335, 336 + 1))
    assert (found.weeks, found.per_week, found.source) == (2, 2.0, MEASURED)
    assert found.hour.tolist() == [0.5, 167, 30.25, 167]
    assert found.week.tolist() == [0, 0, 1, 1]


def test_the_profile_is_the_mean_of_the_weeks():
    profile = real_weeks(at(0.5, 167, 168 + 30.25, 335)).profile()
    expected = np.zeros(HOURS_PER_WEEK)
    expected[[0, 30, 167]] = 0.5, 0.5, 1
    assert profile.hourly == tuple(expected)
    assert (profile.per_week, profile.source, profile.n) == (2.0, MEASURED, 4)


def test_drawn_weeks_are_real_weeks_in_order():
    found = real_weeks(at(0.5, 167, 168 + 30.25, 335))
    drawn = found.draw(50, np.random.default_rng(0))
    assert (np.diff(drawn) >= 0).all()
    kinds = {
        tuple(drawn[drawn // HOURS_PER_WEEK == week] - week * HOURS_PER_WEEK) for week in range(50)
    }
    assert kinds == {(0.5, 167.0), (30.25, 167.0)}


def test_a_poisson_week_has_the_profiles_mean_and_variance():
    hourly = tuple(2.0 if hour == 9 else 0.0 for hour in range(HOURS_PER_WEEK))
    drawn = WeekProfile(hourly, ASSUMED).draw(20_000, np.random.default_rng(0))
    assert set(np.floor(drawn % HOURS_PER_WEEK)) == {9.0}
    counts = np.bincount((drawn // HOURS_PER_WEEK).astype(int), minlength=20_000)
    assert counts.mean() == pytest.approx(2, abs=5 * np.sqrt(2 / 20_000))
    assert counts.var() == pytest.approx(2, rel=0.06)


def test_an_assumed_profile_spreads_a_weeks_cases_over_its_hours():
    profile = WeekProfile.assume(10, days=(0, 1, 2, 3, 4), start_hour=8, end_hour=18)
    assert profile.per_week == pytest.approx(70)
    assert (
        profile.hourly[7],
        profile.hourly[8],
        profile.hourly[17],
        profile.hourly[18],
    ) == pytest.approx((0, 1.4, 1.4, 0))
    assert profile.hourly[5 * 24 + 9] == 0
    assert (profile.source, profile.scaled(0.5).per_week) == (ASSUMED, pytest.approx(35))


def test_dates_without_hours_are_named_and_an_assumed_profile_asked_for():
    with pytest.raises(
        DatesOnlyError,
        match="All 15 arrival times are midnight: .* dates and no hours.* Use an assumed profile",
    ):
        real_weeks(at(*range(0, 15 * 24, 24)))


def test_dates_in_utc_stay_dates_in_another_zone():
    with pytest.raises(DatesOnlyError, match="dates and no hours"):
        real_weeks([t.replace(tzinfo=UTC) for t in at(*range(0, 15 * 24, 24))], "Asia/Tokyo")


def test_times_are_read_on_the_reviewers_clock():
    # 15:30 UTC on Sunday is 00:30 on Monday in Tokyo
    found = real_weeks(at(-8.5, 167 - 9), "Asia/Tokyo")
    assert (found.weeks, found.hour.tolist()) == (1, [0.5, 167.0])


@pytest.mark.parametrize("times", [[], at(10, 30), at(-50, 100)])
def test_less_than_a_whole_week_is_refused(times):
    with pytest.raises(CasesError, match=f"{len(times)} arrival times cover no whole week"):
        real_weeks(times)


def test_a_missing_time_and_an_unknown_zone_are_refused():
    with pytest.raises(SettingsError, match="1 of 2 arrival times is missing"):
        real_weeks([MONDAY, None])
    with pytest.raises(SettingsError, match="Time zone 'Mars/Olympus' is not known"):
        real_weeks(at(0.5, 167), "Mars/Olympus")


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_is_refused(bad):
    with pytest.raises(SettingsError, match=f"Hour 3 of the profile has {bad} cases"):
        WeekProfile((0.0, 0.0, 0.0, bad) + (0.0,) * 164, ASSUMED)


def test_a_profile_of_another_length_is_refused():
    with pytest.raises(SettingsError, match="A week's profile has 24 hours: give 168"):
        WeekProfile((1.0,) * 24, ASSUMED)


@pytest.mark.parametrize(
    "hours", [{"days": ()}, {"days": (7,)}, {"start_hour": 9, "end_hour": 9}, {"end_hour": 25}]
)
def test_hours_that_are_not_in_a_week_are_refused(hours):
    with pytest.raises(SettingsError, match="are not allowed: use days 0 to 6, hours 0 to 24"):
        WeekProfile.assume(10, **hours)
