"""Value a scenario, and build the tidy frames of the money page.

Knows appraisals, draws and break-evens; draws nothing and chooses no words. NaN means that the
value does not exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.decision.money import breakeven
from core.decision.money.appraisal import OptionAppraisal, appraise_options
from core.decision.money.scenario import MoneyScenario
from core.decision.money.sensitivity import (
    MonteCarlo,
    OptionOutlook,
    PercentileRange,
    PercentileSpread,
    TornadoBar,
    monte_carlo_npv,
    option_outlooks,
)
from core.decision.thresholds.daily_money import ALL_HUMAN

# One seed for all scenarios: equal inputs give equal figures, and a changed input shows its effect
# without the noise of new draws.
DRAW_SEED = 20_250
NPV_BINS = 60  # of the histogram of NPVs
# The parts of the running costs.
COST_PARTS = ("inference", "review", "audit", "escapes", "kept_hours", "redistillation")
# Inputs with a break-even: those that a plant can move, or doubts.
BREAK_EVENS = (
    *(
        "cases_per_month",
        "review_minutes",
        "reviewer_hour",
        "cashed_share",
        "escape",
        "reviewer_miss",
    ),
    *(
        "student_coverage",
        "student_selective_risk",
        "student_error",
        "teacher_coverage",
        "teacher_selective_risk",
    ),
    *("integration", "labels", "redistillations"),
)


@dataclass(frozen=True, eq=False)
class ScenarioValuation:
    """One scenario's options in the order of OPTION_NAMES: at the likely values, over time with
    uncertainty, and their NPVs with uncertainty.
    """

    appraisals: tuple[OptionAppraisal, ...]
    outlooks: tuple[OptionOutlook, ...]
    drawn: MonteCarlo


def value_scenario(scenario: MoneyScenario) -> ScenarioValuation:
    """Return a scenario's valuation with DRAW_SEED. It takes about 0.3 s, so keep the result."""
    drawn = monte_carlo_npv(scenario, np.random.default_rng(DRAW_SEED))
    return ScenarioValuation(
        appraise_options(scenario),
        option_outlooks(scenario, np.random.default_rng(DRAW_SEED)),
        drawn,
    )


def option_comparison(valuation: ScenarioValuation) -> pd.DataFrame:
    """Return one row an option: option, once, the running costs a month of COST_PARTS; monthly
    (their sum), npv, payback (months), hours and missed (a month), each also with _p10 and _p90;
    chance of an NPV > 0, chance_low, chance_high, draws; irr a year.
    """
    table = pd.DataFrame(
        _option_row(*three)
        for three in zip(
            valuation.appraisals, valuation.outlooks, valuation.drawn.spreads, strict=True
        )
    )
    return table.astype({name: float for name in table.columns if name not in ("option", "draws")})


def _option_row(appraisal: OptionAppraisal, ahead: OptionOutlook, spread: PercentileSpread) -> dict:
    never = PercentileRange(None, None, None)  # all human is the reference, so it has no payback
    chance = spread.chance_positive
    figures: dict[str, tuple[float | None, PercentileRange | PercentileSpread]] = {
        "monthly": (sum(appraisal.monthly.values()), ahead.monthly),
        "npv": (appraisal.npv, spread),
        "payback": (
            appraisal.payback.months,
            never if appraisal.option == ALL_HUMAN else ahead.payback,
        ),
        "hours": (appraisal.hours_freed_per_month, ahead.hours_freed),
        "missed": (appraisal.escapes_per_month, ahead.escapes),
    }
    row: dict[str, str | float | None] = {
        "option": appraisal.option,
        "once": sum(appraisal.once.values()),
        **{part: appraisal.monthly[part] for part in COST_PARTS},
    }
    for name, (point, bounds) in figures.items():
        row |= {name: point, f"{name}_p10": bounds.p10, f"{name}_p90": bounds.p90}
    row |= {
        "chance": chance.value,
        "chance_low": chance.low,
        "chance_high": chance.high,
        "draws": chance.n,
    }
    return row | {"irr": appraisal.irr.annual}


def cash_frame(valuation: ScenarioValuation) -> pd.DataFrame:
    """Return one row an option and month: option, month, cash (cumulative, likely), p10, p50, p90;
    without all human, which is always 0.
    """
    frames = [
        pd.DataFrame(
            {
                "option": appraisal.option,
                "month": range(len(appraisal.cumulative)),
                "cash": appraisal.cumulative,
            }
            | dict(zip(("p10", "p50", "p90"), outlook.cumulative, strict=True))
        )
        for appraisal, outlook in zip(valuation.appraisals, valuation.outlooks, strict=True)
        if appraisal.option != ALL_HUMAN
    ]
    return pd.concat(frames, ignore_index=True)


def tornado_frame(bars: Sequence[TornadoBar], scenario: MoneyScenario) -> pd.DataFrame:
    """Return one row an input that moves the NPV, widest first: name, unit, low, high (of the
    input), at_low, at_high, base, basis.
    """
    inputs = scenario.inputs()
    rows = [
        {"name": b.name, "unit": b.unit, "low": inputs[b.name].low, "high": inputs[b.name].high}
        | {"at_low": b.at_low, "at_high": b.at_high, "base": b.base, "basis": inputs[b.name].basis}
        for b in bars
        if b.swing > 0
    ]
    return pd.DataFrame(
        rows, columns=["name", "unit", "low", "high", "at_low", "at_high", "base", "basis"]
    )


def npv_histogram_frame(npv: np.ndarray) -> pd.DataFrame:
    """Return low, high and share of the draws [D] in each bin; one bin if all are equal."""
    counts, edges = np.histogram(npv, bins=NPV_BINS if np.ptp(npv) > 0 else 1)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "share": counts / len(npv)})


def break_even_frame(scenario: MoneyScenario, option: str) -> pd.DataFrame:
    """Return one row an input that moves the option: name, unit, low, likely, high, value (NaN
    without one), reason, pays_above.
    """
    rows = []
    for name in BREAK_EVENS:
        break_even, quantity = (
            breakeven.break_even_value(scenario, option, name),
            scenario.inputs()[name],
        )
        if break_even.reason == breakeven.NO_EFFECT:
            continue
        rows.append(
            {
                "name": name,
                "unit": break_even.unit,
                "low": quantity.low,
                "likely": quantity.likely,
                "high": quantity.high,
            }
            | {
                "value": break_even.value,
                "reason": break_even.reason,
                "pays_above": break_even.pays_above,
            }
        )
    columns = ["name", "unit", "low", "likely", "high", "value", "reason", "pays_above"]
    return pd.DataFrame(rows, columns=columns).astype({"value": float})


def threshold_npv(scenario: MoneyScenario, curve: pd.DataFrame, option: str) -> pd.DataFrame:
    """Return threshold, npv (NaN if a risk is unknown) and coverage of a `consequence_curve` of the
    option's model.
    """
    npv = breakeven.threshold_values(scenario, curve, option)
    return pd.DataFrame(
        {"threshold": curve["threshold"], "npv": npv, "coverage": curve["coverage"]}
    )


def input_frame(scenario: MoneyScenario) -> pd.DataFrame:
    """Return one row an input: name, unit, low, likely, high, basis, runs (joined with spaces)."""
    return pd.DataFrame(
        {
            "name": name,
            "unit": scenario.unit(name),
            "low": q.low,
            "likely": q.likely,
            "high": q.high,
        }
        | {"basis": q.basis, "runs": " ".join(q.runs)}
        for name, q in scenario.inputs().items()
    )
