"""Simulate one run of the review desk: cases queue in order of arrival, and reviewers on duty take
them. Knows no statistics over runs.

A discrete-event simulation with simpy: MIT, no dependency, one 27 kB wheel, released in 2026. ciw
has ready-made queues, but needs networkx and makes this file no shorter. A reviewer finishes a
review that has begun, into the break or past the end of the shift. Times are hours from the first
Monday 00:00.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from core.decision.staffing.arrivals import HOURS_PER_WEEK
from core.errors import SettingsError


@dataclass(frozen=True)
class WorkShift:
    """Reviewers with the same hours, counted from midnight: a night shift is 22 to 30."""

    reviewers: int
    days: tuple[int, ...] = (0, 1, 2, 3, 4)  # 0 = Monday
    start_hour: float = 8.0
    end_hour: float = 17.0
    # (from, to), ascending, within the shift
    breaks: tuple[tuple[float, float], ...] = ((12.0, 13.0),)

    def __post_init__(self) -> None:
        if self.reviewers < 1:
            raise SettingsError("decision.shift_reviewers", reviewers=self.reviewers)
        if not (self.days and set(self.days) <= set(range(7))):
            raise SettingsError("decision.shift_days", days=self.days)
        edges = [self.start_hour, *(edge for pair in self.breaks for edge in pair), self.end_hour]
        ordered = all(a <= b for a, b in zip(edges, edges[1:], strict=False))  # False for NaN too
        if not (
            ordered
            and 0 <= self.start_hour < 24
            and self.start_hour < self.end_hour <= self.start_hour + 24
        ):
            raise SettingsError(
                "decision.shift_hours", start=self.start_hour, end=self.end_hour, breaks=self.breaks
            )
        if not self._stretches():
            raise SettingsError(
                "decision.shift_all_break",
                start=self.start_hour,
                end=self.end_hour,
                breaks=self.breaks,
            )

    @property
    def hours_per_week(self) -> float:
        """Return one reviewer's hours on duty in a week, without the breaks."""
        return len(set(self.days)) * sum(end - begin for begin, end in self._stretches())

    def duty(self, weeks: int) -> list[tuple[float, float]]:
        """Return (begin, end) of every stretch on duty, ascending; adjacent stretches are one."""
        joined: list[tuple[float, float]] = []
        for midnight in (
            week * HOURS_PER_WEEK + day * 24
            for week in range(weeks)
            for day in sorted(set(self.days))
        ):
            for begin, end in self._stretches():
                # A shift of 24 hours ends where the next day's begins. One joined stretch keeps the
                # reviewer from leaving the queue at the seam.
                if joined and midnight + begin <= joined[-1][1]:
                    begin, end = joined.pop()[0] - midnight, end
                joined.append((midnight + begin, midnight + end))
        return joined

    def _stretches(self) -> list[tuple[float, float]]:
        edges = [self.start_hour, *(edge for pair in self.breaks for edge in pair), self.end_hour]
        return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


@dataclass(frozen=True, eq=False)
class DeskTrace:
    """The hours at which each case arrived, was begun and was done, [n], in order of arrival;
    infinite for an event that never happens.
    """

    arrived: np.ndarray
    begun: np.ndarray
    done: np.ndarray


def run_desk(
    arrived: np.ndarray, hours: np.ndarray, shifts: tuple[WorkShift, ...], weeks: int
) -> DeskTrace:
    """Return the trace of serving cases in order of arrival, in hours from the first Monday 00:00.

    arrived: times of arrival, [n], ascending.
    hours: the review time of each case, [n].
    shifts: the reviewers and their hours on duty.
    weeks: the number of weeks that the shifts repeat.
    """
    env = simpy.Environment()
    queue = simpy.Store(env)
    begun, done = np.full(len(arrived), np.inf), np.full(len(arrived), np.inf)
    env.process(_arrive(env, queue, arrived))
    for shift in shifts:
        duty = shift.duty(weeks)
        for _ in range(shift.reviewers):
            env.process(_review(env, queue, duty, hours, begun, done))
    env.run()
    return DeskTrace(arrived, begun, done)


def _arrive(
    env: simpy.Environment, queue: simpy.Store, arrived: np.ndarray
) -> Generator[simpy.Event, Any, Any]:
    for case, time in enumerate(arrived.tolist()):
        # Rounding may put `now` a hair past the time, and simpy refuses a negative delay.
        yield env.timeout(max(0.0, time - env.now))
        queue.put(case)


def _review(
    env: simpy.Environment,
    queue: simpy.Store,
    duty: list[tuple[float, float]],
    hours: np.ndarray,
    begun: np.ndarray,
    done: np.ndarray,
) -> Generator[simpy.Event, Any, Any]:
    for begin, end in duty:
        if env.now < begin:
            yield env.timeout(begin - env.now)
        leave = env.timeout(max(0.0, end - env.now))
        while env.now < end:
            take = queue.get()
            if not take.triggered:
                yield take | leave
            if not take.triggered:
                take.cancel()  # else the queue hands a case to a reviewer off duty
                break
            case = take.value
            begun[case] = env.now
            yield env.timeout(float(hours[case]))
            done[case] = env.now
