"""Find the number of reviewers and the waiting times by repeated simulations of the review desk,
each figure with its interval.

Waits are hours by the clock, nights and breaks included. A case keeps the SLA if its review is done
within the SLA's hours after arrival. Each replication starts with an empty queue, its first weeks
do not count, and it runs until the counted cases are done.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from core.decision.staffing.arrivals import HOURS_PER_WEEK, ArrivalProcess
from core.decision.staffing.desk import DeskTrace, WorkShift, run_desk
from core.errors import SettingsError
from core.types import Interval

# More work than hours: the queue grows forever, and waits depend on the simulated time.
OVERLOADED = "overloaded"
_RUN_ON = 4  # weeks of duty after the last arrival


@dataclass(frozen=True)
class ReviewTime:
    """The time of a review: a gamma distribution with this mean and coefficient of variation; 1 is
    exponential, 0 is constant.
    """

    minutes: float
    variation: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.minutes) and self.minutes > 0):
            raise SettingsError("decision.review_minutes", minutes=self.minutes)
        if not (math.isfinite(self.variation) and self.variation >= 0):
            raise SettingsError("decision.review_variation", variation=self.variation)

    def draw(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Return the hours of n reviews, [n]."""
        # Without variation the shape of the gamma distribution is infinite.
        if self.variation == 0:
            return np.full(n, self.minutes / 60)
        return generator.gamma(self.variation**-2, self.minutes / 60 * self.variation**2, n)


@dataclass(frozen=True)
class StaffingStudy:
    """The settings of a simulation: replications of `weeks` weeks after a warm-up, from one seed."""

    seed: int
    replications: int = 10
    weeks: int = 4
    warm_up_weeks: int = 1

    def __post_init__(self) -> None:
        if self.replications < 2 or self.weeks < 1 or self.warm_up_weeks < 0:
            raise SettingsError(
                "decision.staffing_study",
                replications=self.replications,
                weeks=self.weeks,
                warm_up=self.warm_up_weeks,
            )


@dataclass(frozen=True)
class StaffingResult:
    """Means over replications with their t intervals; n is the number of replications with a case.
    Hours are by the clock.
    """

    load: float  # work / hours on duty, expected; `note` is OVERLOADED from 1 on
    utilisation: Interval  # hours of review / hours on duty; overtime may take it past 1
    waited: Interval  # share of cases not begun at once
    wait_mean: Interval
    wait_p50: Interval
    wait_p95: Interval
    oldest_p95: Interval  # of the age of the oldest case in the queue, sampled at full hours
    oldest_peak: Interval
    breaches: Interval  # share of cases not done within the SLA
    breaches_per_week: Interval
    source: str  # of the arrivals, measured or assumed
    note: str = ""


def simulate_staffing(
    arrivals: ArrivalProcess,
    shifts: Sequence[WorkShift],
    review: ReviewTime,
    sla_hours: float,
    study: StaffingStudy,
) -> StaffingResult:
    """Return the utilisation, waits and breaches of these shifts under these arrivals.

    arrivals: the arrival times of cases.
    shifts: the reviewers and their hours on duty.
    review: the distribution of the time of a review.
    sla_hours: hours by the clock from arrival to a finished review.
    study: the settings of the simulation.

    Raises SettingsError without a shift or for an SLA that is not above 0.
    """
    if not shifts:
        raise SettingsError("decision.no_shift")
    if not (math.isfinite(sla_hours) and sla_hours > 0):
        raise SettingsError("decision.sla_hours", hours=sla_hours)
    duty = sum(shift.reviewers * shift.hours_per_week for shift in shifts)
    load = arrivals.per_week * review.minutes / 60 / duty
    # One random stream a replication: other numbers of reviewers then meet the same cases, and
    # their differences are free of the noise of the draws.
    generators = [np.random.default_rng([study.seed, i]) for i in range(study.replications)]
    rows = [
        _replication(arrivals, tuple(shifts), review, sla_hours, study, duty, generator)
        for generator in generators
    ]
    figures = {name: _over_replications([row[name] for row in rows]) for name in rows[0]}
    return StaffingResult(
        load=load, **figures, source=arrivals.source, note=OVERLOADED if load >= 1 else ""
    )


def _replication(
    arrivals: ArrivalProcess,
    shifts: tuple[WorkShift, ...],
    review: ReviewTime,
    sla_hours: float,
    study: StaffingStudy,
    duty: float,
    generator: np.random.Generator,
) -> dict[str, float]:
    weeks = study.warm_up_weeks + study.weeks
    arrived = arrivals.draw(weeks, generator)
    hours = review.draw(len(arrived), generator)
    # First come, first served: later cases do not change the service of these, so the run-on needs
    # no arrivals.
    run_on = _RUN_ON + math.ceil(hours.sum() / duty)
    trace = run_desk(arrived, hours, shifts, weeks + run_on)
    return _figures(
        trace, study.warm_up_weeks * HOURS_PER_WEEK, weeks * HOURS_PER_WEEK, sla_hours, duty
    )


def _figures(
    trace: DeskTrace, begin: float, end: float, sla_hours: float, duty: float
) -> dict[str, float]:
    """Return the measures of the cases that arrive, and of the hours, from `begin` to `end`; NaN if
    no case arrives.
    """
    busy = np.clip(trace.done, begin, end) - np.clip(trace.begun, begin, end)
    weeks = (end - begin) / HOURS_PER_WEEK
    counts = trace.arrived >= begin
    ages = _ages(trace, np.arange(begin, end))
    figures = {"utilisation": busy.sum() / (duty * weeks), "oldest_p95": np.quantile(ages, 0.95)}
    names = ("waited", "wait_mean", "wait_p50", "wait_p95", "oldest_peak", "breaches")
    late = (trace.done - trace.arrived > sla_hours)[counts]
    figures["breaches_per_week"] = late.sum() / weeks
    if not counts.any():
        return figures | dict.fromkeys(names, np.nan)
    wait = (trace.begun - trace.arrived)[counts]
    p50, p95 = np.quantile(wait, (0.5, 0.95))
    # A case is oldest at the moment it is begun, so the peak of the age is the longest wait.
    values = ((wait > 1e-9).mean(), wait.mean(), p50, p95, wait.max(), late.mean())
    return figures | dict(zip(names, values, strict=True))


def _ages(trace: DeskTrace, times: np.ndarray) -> np.ndarray:
    """Return the age of the oldest waiting case at each time, 0 for an empty queue. Cases are begun
    in order of arrival.
    """
    first = np.searchsorted(trace.begun, times, side="right")
    padded = np.append(trace.arrived, np.inf)
    ages: np.ndarray = np.maximum(0.0, times - padded[first])
    return ages


def _over_replications(values: Sequence[float]) -> Interval:
    """Return mean -+ t s / sqrt(n) over the replications with a value, cut at 0 because no measure
    is negative; None without any value.
    """
    finite = np.array([v for v in values if not math.isnan(v)])
    if not len(finite):
        return Interval(None, None, None, 0)
    mean = float(finite.mean())
    if len(finite) == 1:
        return Interval(mean, None, None, 1)
    half = float(stdtrit(len(finite) - 1, 0.975) * finite.std(ddof=1) / math.sqrt(len(finite)))
    return Interval(mean, max(0.0, mean - half), mean + half, len(finite))
