"""Money a day of a threshold, and of its rivals on the same volume: all human, the N-pass teacher,
the student.

total = review * reviews + escape * escapes + inference * cases, all a day; inference a case =
measured seconds a case / 3600
* cost of a machine hour.
The interval of money follows from the Wilson interval of leakage alone: volume, review share and
unit costs are taken as known. A person's own errors are not in it: all human has no escapes here.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.counts.histogram import AcceptanceCurve
from core.decision.thresholds.consequence import Consequence, consequence_curve
from core.errors import SettingsError
from core.types import Interval

ALL_HUMAN = "all_human"
# of an OptionCurve: parts of a total, and its interval
MONEY_PARTS = ("review", "inference", "escapes", "total", "low", "high")
NO_SECONDS = "no_seconds"  # the option's run measured no time a case, so inference has no cost
NO_LABELS = "no_labels"  # no labelled case, so escapes are unknown


@dataclass(frozen=True)
class UnitCosts:
    """Assumed unit costs in `currency`: of one review, of one escape (a wrong answer that slips
    through), of one machine hour.
    """

    review: float
    escape: float
    machine_hour: float
    currency: str = "AUD"

    def __post_init__(self):
        for name in ("review", "escape", "machine_hour"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise SettingsError(
                    f"cost per {name.replace('_', ' ')} {value} is not allowed: use a finite amount of 0 or more"
                )

    def inference(self, seconds_per_case: float | None) -> float | None:
        """Cost of one case's inference from its measured seconds; None where nothing was measured."""
        if seconds_per_case is None:
            return None
        if not (math.isfinite(seconds_per_case) and seconds_per_case >= 0):
            raise SettingsError(
                f"seconds_per_case {seconds_per_case} is not allowed: use a finite time of 0 or more"
            )
        return seconds_per_case / 3600 * self.machine_hour


@dataclass(frozen=True)
class OptionMoney:
    """One way to run the line, in money a day. Figures are None where `note` says why (NO_SECONDS,
    NO_LABELS).
    """

    name: str  # ALL_HUMAN or the model's kind
    review_per_day: float | None
    inference_per_day: float | None
    escapes_per_day: float | None
    total_per_day: Interval
    note: str = ""


@dataclass(frozen=True)
class OptionCurve:
    """An `Option` at every threshold 0, 0.001, ..., 1. Figures are NaN where `note` says why."""

    name: str
    money: dict[str, np.ndarray]  # MONEY a day: [1001], or [1] where no threshold changes anything
    n: int  # labelled cases
    note: str = ""


def all_human_option(cases_per_day: float, costs: UnitCosts) -> OptionMoney:
    """Every case is reviewed by a person; no model runs."""
    total = costs.review * cases_per_day
    return OptionMoney(ALL_HUMAN, total, 0.0, 0.0, Interval(total, total, total, 0))


def option_money(
    name: str, found: Consequence, costs: UnitCosts, seconds_per_case: float | None
) -> OptionMoney:
    """A model that answers, and people who review what it is not sure of."""
    review = costs.review * found.reviews_per_day.value if found.cases else None
    inference = (
        None
        if seconds_per_case is None
        else costs.inference(seconds_per_case) * found.cases_per_day
    )
    escapes = found.escapes_per_day
    if inference is None or escapes.value is None:
        note = NO_SECONDS if inference is None else NO_LABELS
        return OptionMoney(
            name, review, inference, None, Interval(None, None, None, escapes.n), note
        )
    fixed = review + inference
    total = (fixed + costs.escape * x for x in (escapes.value, escapes.low, escapes.high))
    return OptionMoney(
        name, review, inference, costs.escape * escapes.value, Interval(*total, escapes.n)
    )


def constant_option(found: OptionMoney) -> OptionCurve:
    """An option that no threshold changes, such as `all_human`, as a curve."""
    total = found.total_per_day
    values = (
        found.review_per_day,
        found.inference_per_day,
        found.escapes_per_day,
        total.value,
        total.low,
        total.high,
    )
    return OptionCurve(
        found.name,
        {k: np.array([v], float) for k, v in zip(MONEY_PARTS, values, strict=True)},
        total.n,
        found.note,
    )


def option_curve(
    name: str,
    cumulative: AcceptanceCurve,
    cases_per_day: float,
    costs: UnitCosts,
    seconds_per_case: float | None,
    include_unseen: bool = True,
) -> OptionCurve:
    """`option` at every threshold, the same figures to the last bit."""
    table = consequence_curve(cumulative, cases_per_day, include_unseen)
    labelled, measured = int(table["labelled"].iloc[0]), seconds_per_case is not None
    inference = np.full(
        len(table), costs.inference(seconds_per_case) * cases_per_day if measured else np.nan
    )
    review = costs.review * table["reviews_per_day"].to_numpy()
    # `option` names no escapes either where the total is unknown
    each = costs.escape if measured else np.nan
    escapes = [each * table[f"escapes_per_day{end}"].to_numpy() for end in ("", "_low", "_high")]
    fixed = review + inference
    values = (review, inference, escapes[0], *(fixed + bound for bound in escapes))
    note = NO_SECONDS if not measured else "" if labelled else NO_LABELS
    return OptionCurve(name, dict(zip(MONEY_PARTS, values, strict=True)), labelled, note)


def cost_curve(
    cumulative: AcceptanceCurve,
    cases_per_day: float,
    costs: UnitCosts,
    seconds_per_case: float | None,
    include_unseen: bool = True,
) -> pd.DataFrame:
    """`whatif.curve` with columns money, money_low, money_high (a day). Without measured seconds,
    inference counts as 0.
    """
    table = consequence_curve(cumulative, cases_per_day, include_unseen)
    fixed = (
        costs.review * table["reviews_per_day"]
        + (costs.inference(seconds_per_case) or 0.0) * cases_per_day
    )
    bounds = {
        suffix: fixed + costs.escape * table[f"escapes_per_day{suffix}"]
        for suffix in ("", "_low", "_high")
    }
    return table.assign(**{f"money{suffix}": values for suffix, values in bounds.items()})


def cheapest_threshold(costed: pd.DataFrame) -> float | None:
    """The threshold of the least money in a `cost_curve`, the strictest of equals; None where money
    is unknown.

    Read off the very cases it is then shown on, so its cost is optimistic: choose on one set,
    confirm on another.
    """
    money = costed["money"].to_numpy()
    if np.isnan(money).all():
        return None
    return float(costed["threshold"].to_numpy()[np.flatnonzero(money == np.nanmin(money))[-1]])
