"""What doubt in a scenario's inputs does to an option's NPV: one at a time (tornado), and all at
once (Monte Carlo).

Draws are PERT: a beta on [low, high] with mean (low + 4 likely + high) / 6 (Malcolm et al. 1959). A
triangle's mean, (low + likely + high) / 3, weighs the two guessed ends as much as the likely value,
and people guess the ends worst. Inputs are drawn independently: where two move together, coverage
and selective risk say, the spread is too wide or too narrow.
"""

from dataclasses import dataclass

import numpy as np

from core.decision.money.appraisal import checked_option, likely_values, net_present_values
from core.decision.money.cashflow import OPTIONS
from core.decision.money.scenario import MoneyScenario, Quantity
from core.errors import SettingsError
from core.stats.bounds import wilson
from core.types import Interval

DRAWS = 10_000
_PERT_WEIGHT = 4.0  # of the likely value, the usual choice


@dataclass(frozen=True)
class TornadoBar:
    """One input of the tornado: the NPV with it at its own low and at its own high, all others at
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
    """spreads in the order of OPTIONS; npv: option -> [draws], for a histogram."""

    draws: int
    spreads: tuple[PercentileSpread, ...]
    npv: dict[str, np.ndarray]


def tornado_bars(scenario: MoneyScenario, option: str) -> tuple[TornadoBar, ...]:
    """One bar an input, the widest first; inputs that move nothing come last, with swing 0. Raises
    SettingsError.
    """
    checked_option(option)
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
    scenario: MoneyScenario, generator: np.random.Generator, draws: int = DRAWS
) -> MonteCarlo:
    """NPV of every option with all inputs drawn at once. Raises SettingsError for fewer than one
    draw.
    """
    if draws < 1:
        raise SettingsError(f"draws {draws} is not allowed: use 1 or more")
    values = {
        name: pert_draws(quantity, generator, draws) for name, quantity in scenario.inputs().items()
    }
    npv = net_present_values(values, scenario.months)
    return MonteCarlo(draws, tuple(_spread(option, npv[option]) for option in OPTIONS), npv)


def pert_draws(quantity: Quantity, generator: np.random.Generator, draws: int) -> np.ndarray:
    """Draws [draws] of low + (high - low) Beta(1 + 4 m, 1 + 4 (1 - m)), m = (likely - low) / (high
    - low).
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
