"""Compute the effect of uncertain inputs on an option's NPV: one at a time (tornado), and all at
once (Monte Carlo).

Draws are PERT: a beta on [low, high] with mean (low + 4 likely + high) / 6 (Malcolm et al. 1959). A
triangle's mean, (low + likely + high) / 3, weighs the two guessed ends as much as the likely value,
and people guess the ends worst. Inputs are drawn independently: if two move together, such as
coverage and selective risk, the spread is too wide or too narrow.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.decision.money.appraisal import checked_option, likely_values, net_present_values
from core.decision.money.cashflow import (
    OPTION_NAMES,
    OptionCosts,
    cash_by_month,
    option_costs,
    ramp_up_shares,
)
from core.decision.money.scenario import MoneyScenario, ScenarioQuantity
from core.decision.thresholds.daily_money import ALL_HUMAN
from core.errors import SettingsError
from core.stats.bounds import wilson
from core.types import Interval

MONTE_CARLO_DRAWS = 10_000
_PERT_WEIGHT = 4.0  # of the likely value, the usual choice


@dataclass(frozen=True)
class TornadoBar:
    """One input of the tornado: the NPV at the input's low and at its high, with all others at
    their likely values.
    """

    name: str
    unit: str  # with the scenario's currency
    at_low: float
    at_high: float
    base: float  # NPV with every input at its likely value

    @property
    def swing(self) -> float:
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True)
class PercentileSpread:
    """An option's NPV over the draws, in the scenario's currency."""

    option: str
    p10: float
    p50: float
    p90: float
    # P(NPV > 0): share of draws, Wilson's interval of the simulation alone, n = draws
    chance_positive: Interval
    standard_error: float  # Monte Carlo standard error of that share, sqrt(p (1 - p) / n)


@dataclass(frozen=True, eq=False)
class MonteCarlo:
    """spreads is in the order of OPTION_NAMES; npv: option -> [draws], for a histogram."""

    draws: int
    spreads: tuple[PercentileSpread, ...]
    npv: dict[str, np.ndarray]


def tornado_bars(scenario: MoneyScenario, option: str) -> tuple[TornadoBar, ...]:
    """Return one bar an input, the widest first; inputs without effect come last, with swing 0.

    Raises SettingsError for an unknown option.
    """
    checked_option(option)
    # One valuation of 2 I + 1 draws: draw 2 i has input i at its low, draw 2 i + 1 at its high, and
    # the last has every input at its likely value.
    inputs = scenario.inputs()
    values = {
        name: np.repeat(value, 2 * len(inputs) + 1)
        for name, value in likely_values(scenario).items()
    }
    for i, (name, quantity) in enumerate(inputs.items()):
        values[name][2 * i], values[name][2 * i + 1] = quantity.low, quantity.high
    npv = net_present_values(values, scenario.months)[option].tolist()
    bars = [
        TornadoBar(name, scenario.unit(name), npv[2 * i], npv[2 * i + 1], npv[-1])
        for i, name in enumerate(inputs)
    ]
    return tuple(sorted(bars, key=lambda bar: -bar.swing))


def monte_carlo_npv(
    scenario: MoneyScenario, generator: np.random.Generator, draws: int = MONTE_CARLO_DRAWS
) -> MonteCarlo:
    """Return the NPV of every option with all inputs drawn at once.

    Raises SettingsError for fewer than one draw.
    """
    if draws < 1:
        raise SettingsError("decision.draws", draws=draws)
    values = {
        name: pert_draws(quantity, generator, draws) for name, quantity in scenario.inputs().items()
    }
    npv = net_present_values(values, scenario.months)
    return MonteCarlo(draws, tuple(_spread(option, npv[option]) for option in OPTION_NAMES), npv)


def pert_draws(
    quantity: ScenarioQuantity, generator: np.random.Generator, draws: int
) -> np.ndarray:
    """Return [draws] of low + (high - low) Beta(1 + 4 m, 1 + 4 (1 - m)), where
    m = (likely - low) / (high - low).
    """
    low, likely, high = quantity.points
    mode = (likely - low) / (high - low) if high > low else 0.0
    beta = generator.beta(1 + _PERT_WEIGHT * mode, 1 + _PERT_WEIGHT * (1 - mode), draws)
    return low + (high - low) * beta


def _spread(option: str, npv: np.ndarray) -> PercentileSpread:
    positive, n = int(np.count_nonzero(npv > 0)), len(npv)
    p10, p50, p90 = np.quantile(npv, (0.1, 0.5, 0.9)).tolist()
    share = positive / n
    return PercentileSpread(
        option, p10, p50, p90, wilson(positive, n), float(np.sqrt(share * (1 - share) / n))
    )


PERCENTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class PercentileRange:
    """P10, P50 and P90 over the draws; None if not finite, such as a payback that never comes."""

    p10: float | None
    p50: float | None
    p90: float | None


@dataclass(frozen=True, eq=False)
class OptionOutlook:
    """One option over the draws, against all human. Cash is in the scenario's currency; hours and
    escapes are a month at full use.
    """

    option: str
    # [3, months + 1]: P10, P50, P90 of the cumulative cash at the end of month 0, 1, ...
    cumulative: np.ndarray
    monthly: PercentileRange  # running costs a month at full use, re-distillation too
    payback: PercentileRange  # months
    hours_freed: PercentileRange  # hours a month, never money
    escapes: PercentileRange  # wrong answers a month


def option_outlooks(
    scenario: MoneyScenario, generator: np.random.Generator, draws: int = MONTE_CARLO_DRAWS
) -> tuple[OptionOutlook, ...]:
    """Return the four options with all inputs drawn at once, in the order of OPTION_NAMES.

    Raises SettingsError for fewer than one draw.
    """
    if draws < 1:
        raise SettingsError("decision.draws", draws=draws)
    values = {
        name: pert_draws(quantity, generator, draws) for name, quantity in scenario.inputs().items()
    }
    costs, share = option_costs(values), ramp_up_shares(scenario.months, values["ramp_months"])
    return tuple(_outlook(name, costs, share) for name in OPTION_NAMES)


def payback_months(cumulative: np.ndarray) -> np.ndarray:
    """Return the months after which each column of [months + 1, D] stays at 0 or more, as
    `appraisal.payback_month`; infinite for never.
    """
    below = cumulative < 0
    rows, columns = np.arange(len(below))[:, None], np.arange(below.shape[1])
    last = np.where(below, rows, -1).max(axis=0)
    ends_below, never_below = last == len(below) - 1, last < 0
    start = np.clip(last, 0, len(below) - 2)
    before, after = cumulative[start, columns], cumulative[start + 1, columns]
    crossing = start + before / np.where(before == after, 1.0, before - after)
    return np.where(ends_below, np.inf, np.where(never_below, 0.0, crossing))


def _outlook(name: str, costs: Mapping[str, OptionCosts], share: np.ndarray) -> OptionOutlook:
    total = np.broadcast_to(
        np.cumsum(cash_by_month(costs[name], costs[ALL_HUMAN], share), axis=0),
        (len(share) + 1, share.shape[1]),
    )
    band = np.quantile(total, PERCENTILES, axis=1, method="inverted_cdf")
    option = costs[name]
    monthly = _range(option.monthly_total + option.redistillation)
    return OptionOutlook(
        name,
        band,
        monthly,
        _range(payback_months(total)),
        _range(option.hours_freed),
        _range(option.escapes),
    )


def _range(drawn: np.ndarray | np.float64) -> PercentileRange:
    # inverted_cdf takes an actual draw: interpolation between infinite paybacks gives NaN.
    points = np.quantile(np.ravel(drawn), PERCENTILES, method="inverted_cdf").tolist()
    return PercentileRange(*(x if np.isfinite(x) else None for x in points))
