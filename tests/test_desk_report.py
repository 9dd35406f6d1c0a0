"""The review desk of a threshold: which cases arrive, from where their times come, and what a
simulation may take.
"""

import numpy as np
import pandas as pd
import pytest

from core.decision.staffing.headcount import FullTime
from core.report import people
from core.report.people import (
    DATES_ONLY,
    NO_DATES,
    NO_WEEK,
    REAL_TIMES,
    SCALED_TIMES,
    simulated_desk,
    smallest_desk,
    study_of,
)

WORK = (6.0, 8.0, 1.0)
MONDAY = pd.Timestamp("2026-01-05")


def cases(times, confidence=0.5, outcome="right", segment="A") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "segment": segment,
            "outcome": outcome,
            "confidence": confidence,
            "occurred_at": pd.to_datetime(times),
        }
    )


def hourly(weeks: int = 3) -> list[pd.Timestamp]:
    """One case in each hour from 9 to 12 of every day."""
    return [
        MONDAY + pd.Timedelta(days=day, hours=hour, minutes=1)
        for day in range(7 * weeks)
        for hour in (9, 10, 11)
    ]


def run(table, measured=True, reviewers=1, per_day=3.0, sla=24.0, **changed):
    given = {"threshold": 0.8, "segment": None, "unseen": True} | changed
    return simulated_desk(
        table,
        **given,
        reviews_per_day=per_day,
        measured=measured,
        reviewers=reviewers,
        work=WORK,
        sla_hours=sla,
    )


def test_real_weeks_are_drawn_as_they_were():
    found = run(cases(hourly()))
    assert found.arrivals == REAL_TIMES
    assert found.per_week == 21
    assert found.staffing.source == "measured"
    assert found.staffing.load == pytest.approx(21 * 0.1 / 40)


def test_another_volume_keeps_the_hours_of_the_week():
    found = run(cases(hourly()), measured=False, per_day=6.0)
    assert found.arrivals == SCALED_TIMES
    assert found.per_week == pytest.approx(42)


@pytest.mark.parametrize(
    ("times", "source"),
    [
        ([MONDAY + pd.Timedelta(days=day) for day in range(30)], DATES_ONLY),
        ([pd.NaT] * 30, NO_DATES),
        ([MONDAY + pd.Timedelta(hours=hour) for hour in range(1, 30)], NO_WEEK),
    ],
)
def test_without_times_of_whole_weeks_arrivals_are_assumed(times, source):
    found = run(cases(times))
    assert (found.arrivals, found.staffing.source) == (source, "assumed")
    assert found.per_week == pytest.approx(21)


def test_a_missing_time_among_others_is_made_up_for_by_the_volume():
    table = pd.concat([cases(hourly()), cases([pd.NaT] * 5)])
    assert run(table).arrivals == SCALED_TIMES


def test_only_cases_under_the_threshold_that_count_arrive():
    table = pd.concat(
        [
            cases(hourly()),
            cases(hourly(), confidence=0.8),  # accepted: confidence >= threshold
            cases(hourly(), segment="B"),
            cases(hourly(), outcome="unseen"),
        ]
    )
    assert run(table).per_week == 63
    assert run(table, segment="A").per_week == 42
    assert run(table, segment="A", unseen=False).per_week == 21


def test_other_work_makes_each_review_longer_by_the_clock():
    whole, half = (
        simulated_desk(
            cases(hourly()), 0.8, None, True, 3.0, True, 1, (6.0, 8.0, share), 24.0
        ).staffing.load
        for share in (1.0, 0.5)
    )
    assert half == pytest.approx(2 * whole)


def test_more_reviewers_wait_no_longer_and_the_same_question_has_the_same_answer():
    table = cases(hourly())
    one, again, three = run(table), run(table), run(table, reviewers=3)
    assert one == again
    assert three.staffing.wait_p95.value <= one.staffing.wait_p95.value


@pytest.mark.parametrize("per_week", [0.1, 2, 70, 700, 7000, 1e6])
def test_a_study_is_as_large_as_a_reader_can_wait_for(per_week):
    study = study_of(per_week)
    drawn = study.replications * (study.weeks + study.warm_up_weeks) * per_week
    assert drawn <= people._CASES or (study.replications, study.weeks) == (2, 1)
    assert 2 <= study.replications <= 8
    assert 1 <= study.weeks <= 26
    assert np.isfinite(drawn)


def test_people_are_added_until_the_due_time_is_kept_or_more_do_not_help():
    # 40 reviews a day of 10 minutes in shifts of 8 hours on five of seven days: the hours of two
    # people are enough, and no number of people finishes a Saturday's case within an hour.
    arguments = (cases([None] * 3), 1.0, None, True, 40.0, False, (10.0, 8.0, 1.0))
    never = smallest_desk(*arguments, 1.0)
    assert not never.keeps_promise
    within_days = smallest_desk(*arguments, 24.0 * 7)
    assert within_days.keeps_promise
    least = FullTime(10.0, 8.0, 1.0).least(40.0)
    assert within_days.reviewers >= least
    fewer = simulated_desk(*arguments[:6], within_days.reviewers - 1, arguments[6], 24.0 * 7)
    assert within_days.reviewers == least or not fewer.keeps_promise
