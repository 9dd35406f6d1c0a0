"""Find the way to a yes: the cheapest threshold that can be adopted, or else the cost of an escape
below which one could be.

Reads tables of thresholds (daily_money.cost_curve) and judges each as verdict.judge_saving does.
Both choices rest on the cases that they are judged on, so they are optimistic: confirm them on new
cases.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.decision.thresholds.costs import CostModel
from core.decision.thresholds.verdict import MOSTLY_WRONG_RISK


@dataclass(frozen=True)
class AdoptableEscape:
    """The cost of an escape below which `threshold` can be adopted; it then accepts `coverage`."""

    threshold: float
    coverage: float
    cost: float


def cheapest_adoptable(costed: pd.DataFrame, cost_model: CostModel) -> tuple[float, float] | None:
    """Return the cheapest threshold whose verdict is ADOPT, and its money a day; None without one.

    costed: a `cost_curve` of this cost model, whose seconds are measured.
    """
    money = costed["money"].to_numpy()
    is_yes = _may_pay(costed) & (costed["money_high"].to_numpy() < cost_model.review_all)
    if not is_yes.any():
        return None
    least = money[is_yes].min()
    # The last of equals is the strictest: it leaks no more for the same money.
    place = np.flatnonzero(is_yes & (money == least))[-1]
    return float(costed["threshold"].to_numpy()[place]), float(least)


def adoptable_escape(costed: pd.DataFrame, cost_model: CostModel) -> AdoptableEscape | None:
    """Return the highest cost of an escape at which some threshold can be adopted; None if none can
    be, or one can at the present cost.

    costed: as of `cheapest_adoptable`.
    """
    costs = cost_model.costs
    # The saving at the lower end of its interval falls by this for each unit that an escape costs.
    avoided = cost_model.cases_per_day - costed["reviews_per_day"].to_numpy()
    slope = costed["escapes_per_day_high"].to_numpy() - costs.reviewer_miss * avoided
    saving = cost_model.review_all - costed["money_high"].to_numpy()
    may_pay = _may_pay(costed) & (slope > 0)
    highest = np.where(may_pay, costs.escape + saving / np.where(may_pay, slope, 1.0), -np.inf)
    place = int(np.flatnonzero(highest == highest.max())[-1])  # the strictest of equals
    if not 0 < highest[place] < costs.escape:
        return None
    row = costed.iloc[place]
    return AdoptableEscape(float(row["threshold"]), float(row["coverage"]), float(highest[place]))


def _may_pay(costed: pd.DataFrame) -> NDArray[np.bool_]:
    """Return whether a threshold accepts labelled cases that are not mostly wrong, [1001]."""
    # False for a risk that is unknown: every comparison with NaN is false.
    may_pay: NDArray[np.bool_] = costed["selective_risk"].to_numpy() < MOSTLY_WRONG_RISK
    return may_pay & (costed["accepted"].to_numpy() > 0)
