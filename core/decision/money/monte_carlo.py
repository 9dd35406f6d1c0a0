"""What doubt in all inputs at once does to an option over time: bands of cumulative cash, running
costs, payback, hours freed and escapes.

The draws are those of `sensitivity.monte_carlo` for a generator of the same seed, so the NPVs there
and the bands here are of the same futures. A percentile is one of the draws (the inverted
distribution function), so a payback that never comes, which counts as infinite, is not averaged
with one that does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.decision.money.cashflow import (
    ALL_HUMAN,
    OPTIONS,
    Costs,
    cash_by_month,
    option_costs,
    ramp_up_shares,
)
from core.decision.money.scenario import MoneyScenario
from core.decision.money.sensitivity import DRAWS, pert_draws
from core.errors import SettingsError

PERCENTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class PercentileRange:
    """P10, P50 and P90 over the draws; None where so many draws have no finite value (a payback
    that never comes).
    """

    p10: float | None
    p50: float | None
    p90: float | None


@dataclass(frozen=True, eq=False)
class OptionOutlook:
    """One option over the draws, against all human. Cash in the scenario's currency; hours and
    escapes a month at full use.
    """

    option: str
    # [3, months + 1]: P10, P50, P90 of the cumulative cash at the end of month 0, 1, ...
    cumulative: np.ndarray
    monthly: PercentileRange  # running costs a month at full use, re-distillation too
    payback: PercentileRange  # months
    hours_freed: PercentileRange  # hours a month, never money
    escapes: PercentileRange  # wrong answers a month


def option_outlooks(
    scenario: MoneyScenario, generator: np.random.Generator, draws: int = DRAWS
) -> tuple[OptionOutlook, ...]:
    """The four options with all inputs drawn at once, in the order of OPTIONS. Raises SettingsError
    for fewer than one draw.
    """
    if draws < 1:
        raise SettingsError(f"draws {draws} is not allowed: use 1 or more")
    values = {
        name: pert_draws(quantity, generator, draws) for name, quantity in scenario.inputs().items()
    }
    costs, share = option_costs(values), ramp_up_shares(scenario.months, values["ramp_months"])
    return tuple(_outlook(name, costs, share) for name in OPTIONS)


def payback_months(cumulative: np.ndarray) -> np.ndarray:
    """Months after which each column of [months + 1, D] stays at 0 or more, as `appraisal.payback`;
    infinite for never.
    """
    below = cumulative < 0
    rows, columns = np.arange(len(below))[:, None], np.arange(below.shape[1])
    last = np.where(below, rows, -1).max(axis=0)
    ends_below, never_below = last == len(below) - 1, last < 0
    start = np.clip(last, 0, len(below) - 2)
    before, after = cumulative[start, columns], cumulative[start + 1, columns]
    crossing = start + before / np.where(before == after, 1.0, before - after)
    return np.where(ends_below, np.inf, np.where(never_below, 0.0, crossing))


def _outlook(name: str, costs: Mapping[str, Costs], share: np.ndarray) -> OptionOutlook:
    total = np.broadcast_to(
        np.cumsum(cash_by_month(costs[name], costs[ALL_HUMAN], share), axis=0),
        (len(share) + 1, share.shape[1]),
    )
    band = np.quantile(total, PERCENTILES, axis=1, method="inverted_cdf")
    own = costs[name]
    monthly = _range(own.monthly_total + own.redistillation)
    return OptionOutlook(
        name,
        band,
        monthly,
        _range(payback_months(total)),
        _range(own.hours_freed),
        _range(own.escapes),
    )


def _range(drawn: np.ndarray) -> PercentileRange:
    found = np.quantile(np.ravel(drawn), PERCENTILES, method="inverted_cdf").tolist()
    return PercentileRange(*(x if np.isfinite(x) else None for x in found))
