"""Find the value of one input at which an option's NPV against all human is 0, and the thresholds
that pay.

All other inputs stay at their likely values. A break-even that does not exist is a named reason,
not a number.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.decision.money.appraisal import checked_option, likely_values, net_present_values
from core.decision.money.cashflow import STUDENT_REVIEW, TEACHER
from core.decision.money.scenario import INPUT_UNITS, MoneyScenario
from core.errors import SettingsError
from core.stats.checks import finite

ALWAYS_PAYS = "always_pays"  # the NPV is above 0 at every value searched
NEVER_PAYS = "never_pays"  # it is below 0 at every value searched
NO_EFFECT = "no_effect"  # the input does not move the NPV of this option
RISK_UNKNOWN = "unknown"  # no threshold has a known selective risk
_REACH = 1e6  # the search of an input without an upper limit ends at this multiple of its high or 1


@dataclass(frozen=True)
class BreakEven:
    """The value of `name` at which the NPV is 0, in `unit`; None for `reason` if none exists."""

    name: str
    unit: str
    value: float | None
    pays_above: bool | None  # whether the option pays above it (else below); None without a value
    searched: tuple[float, float]
    reason: str = ""


@dataclass(frozen=True)
class PayingThresholds:
    """The thresholds with an NPV of 0 or more. The figures are optimistic on the cases that chose
    them: choose on one set, confirm on another.
    """

    lowest: float | None  # None if no threshold pays, for `reason`
    highest: float | None
    gaps: bool  # whether some threshold between them does not pay, or is unknown
    # The threshold of the largest NPV, the strictest of equals; None if all are unknown.
    best: float | None
    best_npv: float | None
    reason: str = ""


def break_even_value(scenario: MoneyScenario, option: str, name: str) -> BreakEven:
    """Return the break-even value of an input, such as cases_per_month.

    The NPV is monotone in each input alone, except the discount rate, whose break-even is the IRR.
    Raises SettingsError for an unknown option or input.
    """
    if name not in INPUT_UNITS or name == "discount_rate":
        raise SettingsError(
            "decision.break_even_input",
            name=name,
            allowed=tuple(n for n in INPUT_UNITS if n != "discount_rate"),
        )
    checked_option(option)
    likely, unit = likely_values(scenario), scenario.unit(name)
    top = 1.0 if unit == "share" else _REACH * max(scenario.inputs()[name].high, 1.0)

    def npv(value: float) -> float:
        return float(
            net_present_values(likely | {name: np.array([value])}, scenario.months)[option][0]
        )

    at_zero, at_top = npv(0.0), npv(top)
    if at_zero == at_top:
        return BreakEven(name, unit, None, None, (0.0, top), NO_EFFECT)
    if np.sign(at_zero) * np.sign(at_top) > 0:
        return BreakEven(
            name, unit, None, None, (0.0, top), ALWAYS_PAYS if at_zero > 0 else NEVER_PAYS
        )
    # A local import, because scipy.optimize takes 150 ms to import and few pages need it.
    from scipy.optimize import brentq

    return BreakEven(
        name, unit, float(brentq(npv, 0.0, top, xtol=1e-12)), at_top > at_zero, (0.0, top)
    )


def paying_thresholds(
    scenario: MoneyScenario, curve: pd.DataFrame, option: str = STUDENT_REVIEW
) -> PayingThresholds:
    """Return the thresholds that pay, by an exact scan of the columns threshold, coverage and
    selective_risk of `consequence_curve`.

    option is student_review or teacher, and the curve is that model's. A threshold that accepts
    nothing needs no risk; one that accepts cases without any label has unknown money.
    """
    if option not in (STUDENT_REVIEW, TEACHER):
        raise SettingsError(
            "decision.option_without_threshold", option=option, allowed=(STUDENT_REVIEW, TEACHER)
        )
    npv = threshold_values(scenario, curve, option)
    threshold, is_known = curve["threshold"].to_numpy(), ~np.isnan(npv)
    if not is_known.any():
        return PayingThresholds(None, None, False, None, None, RISK_UNKNOWN)
    best = int(np.flatnonzero(npv == np.nanmax(npv))[-1])
    pays = np.flatnonzero(is_known & (npv >= 0))
    best_point = (float(threshold[best]), float(npv[best]))
    if not len(pays):
        return PayingThresholds(None, None, False, *best_point, NEVER_PAYS)
    gaps = bool(pays[-1] - pays[0] + 1 > len(pays))
    return PayingThresholds(
        float(threshold[pays[0]]), float(threshold[pays[-1]]), gaps, *best_point
    )


def threshold_values(scenario: MoneyScenario, curve: pd.DataFrame, option: str) -> np.ndarray:
    """Return the NPV at each row of the curve, [rows]; NaN if it accepts cases at unknown risk."""
    model = "student" if option == STUDENT_REVIEW else "teacher"
    coverage, risk = (
        finite(curve["coverage"], "coverage"),
        curve["selective_risk"].to_numpy(dtype=np.float64),
    )
    quality = {
        f"{model}_coverage": coverage,
        f"{model}_selective_risk": np.where(coverage > 0, risk, 0.0),
    }
    return net_present_values(likely_values(scenario) | quality, scenario.months)[option]
