"""Appraise the options of a scenario at the likely values: costs, NPV, IRR, payback and cash; hours
freed are separate from cash.

NPV, IRR and payback are of the cash against all human. Payback ignores interest. These are point
values: `sensitivity` adds the uncertainty.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy_financial as npf

from core.decision.money.cashflow import (
    OPTION_NAMES,
    InputValues,
    OptionCosts,
    cash_by_month,
    option_costs,
    present_value,
    ramp_up_shares,
)
from core.decision.money.scenario import MoneyScenario
from core.decision.thresholds.daily_money import ALL_HUMAN
from core.errors import SettingsError
from core.stats.checks import finite

# Why a figure does not exist.
BASELINE = "baseline"  # all human is the reference of the other options
NO_SIGN_CHANGE = "no_sign_change"  # the cash never turns, so no rate makes its value 0
SEVERAL_SIGN_CHANGES = "several_sign_changes"  # the cash turns more than once, so several rates may
NOT_WITHIN_HORIZON = "not_within_horizon"  # the cumulative cash is below 0 at the end


@dataclass(frozen=True)
class ReturnRate:
    """An effective internal rate of return a year; None if it does not exist, for `reason`."""

    annual: float | None
    reason: str = ""


@dataclass(frozen=True)
class PaybackTime:
    """Months until the cumulative cash stays at 0 or more; None if it never does, for `reason`."""

    months: float | None
    reason: str = ""


@dataclass(frozen=True)
class OptionAppraisal:
    """One option at the likely values. Amounts are in the scenario's currency; n is 1 scenario, so
    no figure has an interval.
    """

    option: str  # one of OPTION_NAMES
    once: dict[str, float]  # one-time costs at month 0, by kind
    monthly: dict[str, float]  # running costs a month at full use, by kind, re-distillation too
    cost_present: float  # present value of all its costs, of the people's part of the ramp too
    npv: float  # against all human
    irr: ReturnRate
    payback: PaybackTime
    cumulative: tuple[float, ...]  # cash up to the end of month 0, 1, ..., months
    hours_freed_per_month: float  # people's hours at full use: hours, never money
    escapes_per_month: float  # at full use


def appraise_options(scenario: MoneyScenario) -> tuple[OptionAppraisal, ...]:
    """Return the appraisals of the four options, in the order of OPTION_NAMES."""
    values = likely_values(scenario)
    costs = option_costs(values)
    share = ramp_up_shares(scenario.months, values["ramp_months"])
    human = np.broadcast_to(costs[ALL_HUMAN].monthly_total, share.shape)
    # The present value of paying people for every case over the whole horizon; an option costs this
    # minus its NPV.
    spent = present_value(
        np.concatenate([np.zeros_like(share[:1]), human]), values["discount_rate"]
    )
    return tuple(
        _appraisal(name, costs, share, values["discount_rate"], float(spent[0]))
        for name in OPTION_NAMES
    )


def likely_values(scenario: MoneyScenario) -> dict[str, np.ndarray]:
    """Return {input: its likely value, [1]}."""
    return {name: np.array([quantity.likely]) for name, quantity in scenario.inputs().items()}


def net_present_values(values: InputValues, months: int) -> dict[str, np.ndarray]:
    """Return {option: NPV against all human in each draw, [D]}, in the order of OPTION_NAMES."""
    costs = option_costs(values)
    share = ramp_up_shares(months, values["ramp_months"])
    return {
        name: present_value(
            cash_by_month(costs[name], costs[ALL_HUMAN], share), values["discount_rate"]
        )
        for name in OPTION_NAMES
    }


def checked_option(name: str) -> str:
    """Return `name`. Raises SettingsError unless it is an option other than all human."""
    if name not in OPTION_NAMES or name == ALL_HUMAN:
        raise SettingsError(
            "decision.option", option=name, allowed=tuple(o for o in OPTION_NAMES if o != ALL_HUMAN)
        )
    return name


def internal_rate(flows: np.ndarray) -> ReturnRate:
    """Return the IRR of monthly cash [months + 1] as an effective annual rate (1 + monthly)^12 - 1.

    With one change of sign exactly one rate exists (Descartes' rule of signs on the polynomial in
    1 / (1 + rate)). Raises NonFiniteError for cash that is not finite.
    """
    signs = np.sign(finite(flows, "cash"))
    # A month of 0 is not a change of sign.
    turns = np.count_nonzero(np.diff(signs[signs != 0]))
    if turns != 1:
        return ReturnRate(None, SEVERAL_SIGN_CHANGES if turns else NO_SIGN_CHANGE)
    return ReturnRate(float((1 + npf.irr(flows)) ** 12 - 1))


def payback_month(flows: np.ndarray) -> PaybackTime:
    """Return the moment after which the cumulative cash stays at 0 or more, interpolated linearly
    within a month. Raises NonFiniteError for cash that is not finite.
    """
    total = np.cumsum(finite(flows, "cash"))
    below = np.flatnonzero(total < 0)
    if not len(below):
        return PaybackTime(0.0)
    last = int(below[-1])
    if last == len(total) - 1:
        return PaybackTime(None, NOT_WITHIN_HORIZON)
    return PaybackTime(float(last + total[last] / (total[last] - total[last + 1])))


def _appraisal(
    name: str,
    costs: dict[str, OptionCosts],
    share: np.ndarray,
    rate: np.ndarray,
    human_present: float,
) -> OptionAppraisal:
    option = costs[name]
    flows = cash_by_month(option, costs[ALL_HUMAN], share)
    npv = float(present_value(flows, rate)[0])
    baseline = name == ALL_HUMAN
    return OptionAppraisal(
        option=name,
        once=_first(option.once),
        monthly=_first(option.monthly | {"redistillation": option.redistillation}),
        cost_present=human_present - npv,
        npv=npv,
        irr=ReturnRate(None, BASELINE) if baseline else internal_rate(flows[:, 0]),
        payback=PaybackTime(None, BASELINE) if baseline else payback_month(flows[:, 0]),
        cumulative=tuple(np.cumsum(flows[:, 0]).tolist()),
        hours_freed_per_month=float(option.hours_freed[0]),
        escapes_per_month=float(option.escapes[0]),
    )


def _first(amounts: Mapping[str, np.ndarray | np.float64]) -> dict[str, float]:
    return {name: float(np.ravel(amount)[0]) for name, amount in amounts.items()}
