"""Plan a proof of concept: the smallest unit to try it on, and the number of labelled cases that
gives a meaningful result.

Three questions have three sizes. All count LABELLED cases; for the risk of accepted answers only
accepted cases count, so the days follow from the volume times the coverage. These are planning
figures: they assume that the risk stays what it was so far.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from core.decision.thresholds.costs import UnitCosts
from core.errors import NoCasesError, SettingsError
from core.stats.bounds import wilson_arrays
from core.stats.risk_control import cases_without_error
from core.types import Interval

MOST_TRIAL_CASES = 10_000_000  # the end of a search: no proof of concept labels more
POWER = 0.8


@dataclass(frozen=True)
class TrialUnit:
    """A segment, or all of them (""), for a proof of concept."""

    segment: str
    cases_per_day: float
    coverage: float  # accepted / cases at the policy in question
    risk: Interval  # selective risk so far; n its accepted labelled cases

    @property
    def accepted_per_day(self) -> float:
        return self.cases_per_day * self.coverage


@dataclass(frozen=True)
class LabelNeed:
    """The labelled cases that one question takes, and the days at the unit's volume; None if no
    number suffices.
    """

    question: str  # width, promise or apart
    cases: int | None
    days: int | None


@dataclass(frozen=True)
class TrialPlan:
    """The unit of a trial and its needs. `fits`: the longest need ends within the planned days."""

    unit: TrialUnit
    needs: tuple[LabelNeed, ...]
    fits: bool


def half_width(risk: float, n: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Return half the length of the Wilson interval (core.stats.bounds) of a share `risk` of n [m]
    cases; NaN where n is 0.
    """
    n = np.asarray(n, dtype=np.float64)
    low, high = wilson_arrays(risk * n, n, level)
    half: np.ndarray = (high - low) / 2
    return half


def cases_for_width(risk: float, width: float, level: float = 0.95) -> int:
    """Return the fewest cases n whose Wilson interval of `risk` has a half width of at most
    `width`. Raises SettingsError for a share out of range.

    With risk 0 the interval is [0, z^2 / (n + z^2)], so n = z^2 (1 / (2 width) - 1), rounded up.
    """
    _check_share(risk, "risk", low_allowed=True)
    _check_share(width, "half width")
    return _fewest_cases(lambda n: bool(half_width(risk, np.array([n]), level)[0] <= width))


def cases_for_saving(
    coverage: float, leakage: float, costs: UnitCosts, fixed: float = 0.0, level: float = 0.95
) -> int | None:
    """Return the fewest labelled cases at which the saving against reviewing everything is above 0
    at the lower end of its interval; None if it is with no number up to MOST_TRIAL_CASES.

    coverage, leakage: shares of all cases, taken as they are. fixed: money a case that no threshold
    changes, of inference and retraining. The saving of a case is coverage * per_move - leakage *
    escape - fixed, and its lower end is that of the Wilson interval's upper leakage.
    Raises SettingsError for a share out of range.
    """
    _check_share(coverage, "coverage", low_allowed=True)
    _check_share(leakage, "leakage", low_allowed=True)
    saved = coverage * costs.per_move - fixed
    if saved <= leakage * costs.escape:
        return None

    def pays(n: int) -> bool:
        upper = wilson_arrays(np.array([leakage * n]), np.array([float(n)]), level)[1][0]
        return bool(saved > upper * costs.escape)

    fewest = _fewest_cases(pays)
    return fewest if pays(fewest) else None


def cases_to_tell_apart(
    first: float, second: float, level: float = 0.95, power: float = POWER
) -> int | None:
    """Return the cases of each option that detect a difference between two risks with `power`; None
    if they are equal. Raises SettingsError for a risk outside [0, 1].

    n = (z_a sqrt(2 m (1 - m)) + z_b sqrt(p (1 - p) + q (1 - q)))^2 / (p - q)^2, m = (p + q) / 2
    (Fleiss, Levin & Paik 2003, eq. 4.14 without the correction for continuity): two-sided, for two
    independent samples of cases.

    first, second: the two risks.
    level: of the test, two-sided.
    power: the chance to detect the difference.
    """
    _check_share(first, "risk", low_allowed=True)
    _check_share(second, "risk", low_allowed=True)
    if first == second:
        return None
    mean = (first + second) / 2
    spread = float(ndtri((1 + level) / 2)) * math.sqrt(2 * mean * (1 - mean))
    spread += float(ndtri(power)) * math.sqrt(first * (1 - first) + second * (1 - second))
    return math.ceil(spread**2 / (first - second) ** 2 - 1e-9)


def plan_trial(
    units: Sequence[TrialUnit],
    width: float,
    target: float,
    delta: float,
    days: int,
    rival: float | None = None,
) -> TrialPlan:
    """Return the plan of the smallest unit whose needs end within `days`, or else of the unit that
    ends first.

    units: the candidates for the trial.
    width: the half width of the interval of the selective risk.
    target, delta: certify risk <= target with confidence 1 - delta if no error occurs.
    days: the longest duration of the trial.
    rival: the selective risk of the option to compare with; None for no comparison.

    Raises NoCasesError without a unit, SettingsError for a share out of range.
    """
    if not units:
        raise NoCasesError("decision.no_trial_unit")
    plans = [_planned(unit, width, target, delta, days, rival) for unit in units]
    fitting = [plan for plan in plans if plan.fits]
    if fitting:
        return min(fitting, key=lambda plan: plan.unit.cases_per_day)
    return min(
        plans,
        key=lambda plan: max(math.inf if need.days is None else need.days for need in plan.needs),
    )


def width_frame(risk: float, most: int, level: float = 0.95) -> pd.DataFrame:
    """Return columns n (accepted labelled cases, 10 to `most`, evenly on a log scale) and
    half_width of the selective risk.
    """
    n = np.unique(np.geomspace(10, max(20, most), 60).round().astype(int))
    return pd.DataFrame({"n": n, "half_width": half_width(risk, n, level)})


def _fewest_cases(suffice: Callable[[int], bool]) -> int:
    """Return the fewest cases that suffice, or a number above MOST_TRIAL_CASES that does not.

    suffice: whether n cases do; more than enough must suffice too, since an interval narrows with
    n.
    """
    # Doubling finds an upper bound in about 23 steps at most.
    low, high = 0, 1
    while high < MOST_TRIAL_CASES and not suffice(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffice(middle) else (middle, high)
    return high


def _planned(
    unit: TrialUnit, width: float, target: float, delta: float, days: int, rival: float | None
) -> TrialPlan:
    risk = unit.risk.value
    sizes = {
        "width": None if risk is None else cases_for_width(risk, width),
        "promise": cases_without_error(target, delta),
    }
    if rival is not None and risk is not None:
        sizes["apart"] = cases_to_tell_apart(risk, rival)
    needs = tuple(LabelNeed(name, n, _days(n, unit.accepted_per_day)) for name, n in sizes.items())
    return TrialPlan(
        unit, needs, all(need.days is not None and need.days <= days for need in needs)
    )


def _days(cases: int | None, per_day: float) -> int | None:
    # 1e-9 keeps a rounding error from adding a day.
    return None if cases is None or not per_day > 0 else math.ceil(cases / per_day - 1e-9)


def _check_share(value: float, name: str, low_allowed: bool = False) -> None:
    if not (0 < value < 1 or (low_allowed and value in (0, 1))):
        raise SettingsError("decision.share", name=name, value=value)
