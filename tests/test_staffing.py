"""The review desk: cases served by hand, against queueing theory, and the fewest reviewers against
trying every number.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decision.staffing.arrivals import ASSUMED, HOURS_PER_WEEK, WeekProfile
from core.decision.staffing.desk import DeskTrace, WorkShift, run_desk
from core.decision.staffing.staffing import (
    OVERLOADED,
    ReviewTime,
    StaffingStudy,
    _ages,
    simulate_staffing,
)
from core.errors import SettingsError
from tests import erlang

STUDY = StaffingStudy(seed=3)
DAY = WorkShift(1)  # Monday to Friday, 8 to 17, a break at 12
ALWAYS = WeekProfile((1.5,) * HOURS_PER_WEEK, ASSUMED)


def always(reviewers: int) -> WorkShift:
    return WorkShift(reviewers, tuple(range(7)), 0, 24, ())


def served(arrived, hours, *shifts, weeks=2) -> list[tuple[float, float]]:
    trace = run_desk(np.array(arrived, dtype=float), np.array(hours, dtype=float), shifts, weeks)
    return list(zip(trace.begun.tolist(), trace.done.tolist(), strict=True))


def test_one_reviewer_serves_in_order_of_arrival():
    assert served([8, 8.5, 10], [1, 0.25, 1], DAY) == [(8, 9), (9, 9.25), (10, 11)]


def test_two_reviewers_serve_at_once():
    assert served([8, 8.5, 8.6], [1, 2, 1], WorkShift(2)) == [(8, 9), (8.5, 10.5), (9, 10)]


def test_cases_wait_for_the_shift_the_break_and_monday():
    friday = 4 * 24
    assert served([5, 12.5, 18], [1, 1, 1], DAY) == [(8, 9), (13, 14), (32, 33)]
    assert served([friday + 17.5], [1], DAY) == [(HOURS_PER_WEEK + 8, HOURS_PER_WEEK + 9)]


def test_a_review_that_has_begun_is_finished_into_the_break():
    assert served([11.5, 11.6], [2, 1], DAY) == [(11.5, 13.5), (13.5, 14.5)]


def test_a_night_shift_runs_into_the_next_morning():
    night = WorkShift(1, (0,), 22, 30, ())
    assert served([23, 29, 31], [1, 1, 1], night) == [
        (23, 24),
        (29, 30),
        (HOURS_PER_WEEK + 22, HOURS_PER_WEEK + 23),
    ]


def test_a_reviewer_who_has_gone_takes_no_case_with_her():
    early, late = WorkShift(1, (0,), 8, 10, ()), WorkShift(1, (0,), 9, 12, ())
    assert served([11], [0.5], early, late) == [(11, 11.5)]


def test_duty_is_joined_where_stretches_touch():
    assert always(1).duty(2) == [(0, 336)]
    assert DAY.duty(1)[:3] == [(8, 12), (13, 17), (32, 36)]
    assert (DAY.hours_per_week, always(3).hours_per_week) == (40, 168)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 167), st.floats(0.01, 5)), min_size=1, max_size=30),
    st.integers(1, 3),
)
def test_nobody_is_in_two_reviews_and_every_case_is_done(cases, reviewers):
    arrived, hours = (np.array(x) for x in zip(*sorted(cases), strict=True))
    trace = run_desk(arrived, hours, (WorkShift(reviewers),), 12)
    assert (trace.begun >= arrived - 1e-9).all()  # simpy adds waits to its clock: an ulp is lost
    assert (np.diff(trace.begun) >= 0).all()
    np.testing.assert_allclose(trace.done - trace.begun, hours)
    together = [
        (trace.begun <= moment).sum() - (trace.done <= moment).sum() for moment in trace.begun
    ]
    assert max(together) <= reviewers


def test_the_age_of_the_oldest_by_hand():
    trace = DeskTrace(np.array([1.0, 2.0]), np.array([5.0, 6.0]), np.array([6.0, 7.0]))
    assert _ages(trace, np.array([0.0, 1.5, 4.0, 5.0, 5.5, 6.0])).tolist() == [0, 0.5, 3, 3, 3.5, 0]


@pytest.mark.parametrize(("reviewers", "minutes"), [(1, 28.0), (2, 60.0), (4, 130.0)])
def test_where_erlang_c_holds_the_simulation_agrees(reviewers, minutes):
    # Poisson arrivals, exponential reviews, no breaks, half a year: within 4 standard errors of the
    # replications
    found = simulate_staffing(
        ALWAYS,
        [always(reviewers)],
        ReviewTime(minutes),
        24,
        StaffingStudy(seed=5, replications=8, weeks=26),
    )
    load, hours = 1.5 * minutes / 60, minutes / 60
    expected = {
        "utilisation": load / reviewers,
        "waited": erlang.waiting_share(reviewers, load),
        "wait_mean": erlang.mean_wait(reviewers, load, hours),
        "wait_p95": erlang.wait_quantile(reviewers, load, hours, 0.95),
    }
    for name, value in expected.items():
        figure = getattr(found, name)
        error = (figure.high - figure.value) / 2.365  # t of 7 degrees of freedom
        assert figure.n == 8
        assert abs(figure.value - value) <= 4 * error, name
        assert error < 0.15 * value, name  # so that agreeing means something


def test_reviews_of_equal_length_halve_the_wait():
    # Pollaczek-Khinchine: W = (1 + variation^2) / 2 of the M/M/1 wait
    found = simulate_staffing(
        ALWAYS, [always(1)], ReviewTime(28, 0), 24, StaffingStudy(seed=5, replications=8, weeks=26)
    ).wait_mean
    assert (
        abs(found.value - erlang.mean_wait(1, 0.7, 28 / 60) / 2)
        <= 4 * (found.high - found.value) / 2.365
    )


def test_review_times_have_their_mean_and_variation():
    drawn = ReviewTime(6, 0.5).draw(200_000, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(0.1, rel=0.01)
    assert drawn.std() / drawn.mean() == pytest.approx(0.5, rel=0.01)


def test_without_cases_nothing_waits_and_nothing_is_claimed():
    found = simulate_staffing(
        WeekProfile((0.0,) * HOURS_PER_WEEK, ASSUMED), [DAY], ReviewTime(5), 24, STUDY
    )
    assert (found.wait_p95.value, found.wait_p95.n, found.breaches.n) == (None, 0, 0)
    assert (found.utilisation.value, found.oldest_p95.value, found.breaches_per_week.value) == (
        0,
        0,
        0,
    )


def test_more_work_than_hours_is_named():
    found = simulate_staffing(WeekProfile.assume(100), [DAY], ReviewTime(5), 24, STUDY)
    assert found.load == pytest.approx(700 * 5 / 60 / 40)
    assert found.note == OVERLOADED
    assert found.breaches.value > 0.5


def test_the_source_of_the_arrivals_and_the_number_of_replications_are_kept():
    found = simulate_staffing(
        WeekProfile.assume(20), [DAY], ReviewTime(5), 24, StaffingStudy(0, replications=3)
    )
    assert (found.source, found.wait_p50.n, found.note) == (ASSUMED, 3, "")


def test_the_seed_decides_the_figures():
    one, same, other = (
        simulate_staffing(WeekProfile.assume(20), [DAY], ReviewTime(5), 24, StaffingStudy(seed))
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one.wait_mean != other.wait_mean


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_times_that_cannot_be_are_refused(bad):
    with pytest.raises(SettingsError, match=f"An SLA of {bad} hours is not allowed"):
        simulate_staffing(ALWAYS, [DAY], ReviewTime(5), bad, STUDY)
    with pytest.raises(SettingsError, match=f"review time of {bad} minutes is not allowed"):
        ReviewTime(bad)


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
def test_a_variation_that_cannot_be_is_refused(bad):
    with pytest.raises(SettingsError, match=f"Variation {bad} of the review time is not allowed"):
        ReviewTime(5, bad)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reviewers": 0}, "A shift of 0 reviewers is not allowed"),
        ({"days": (7,)}, r"Shift days \[7\] are not allowed"),
        ({"days": ()}, r"Shift days \[\] are not allowed"),
        ({"end_hour": 7.0}, "shift from 8.0 to 7.0"),
        ({"end_hour": float("nan")}, "shift from 8.0 to nan"),
        ({"breaks": ((16.0, 18.0),)}, "put the breaks within the shift in order"),
        ({"breaks": ((8.0, 17.0),)}, "is all break"),
    ],
)
def test_a_shift_that_cannot_be_is_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        WorkShift(**({"reviewers": 1} | change))


def test_a_study_without_an_interval_and_a_desk_without_a_shift_are_refused():
    with pytest.raises(
        SettingsError, match="replications 1, weeks 4 and warm_up_weeks 1 are not allowed"
    ):
        StaffingStudy(0, replications=1)
    with pytest.raises(SettingsError, match="No shift is given, so there are no reviewers"):
        simulate_staffing(ALWAYS, [], ReviewTime(5), 24, STUDY)
