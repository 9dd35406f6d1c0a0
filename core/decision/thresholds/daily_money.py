"""Compute the money a day of each option on the same volume: all human, the N-pass teacher, the
student.

total = review * reviews + escape * escapes + inference * cases + retraining, all a day; inference a
case = measured seconds a case / 3600 * cost of a machine hour. Audits and freed time that stays
paid belong to the reviews, reviewers' misses to the escapes. The interval of money follows from the
Wilson interval of leakage alone: volume, review share and unit costs count as known.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.counts.histogram import AcceptanceCurve
from core.decision.thresholds.consequence import PolicyConsequence, consequence_curve
from core.decision.thresholds.costs import (
    DAYS_PER_MONTH,
    NO_LABELS,
    NO_SECONDS,
    CostModel,
    UnitCosts,
)
from core.types import Interval

ALL_HUMAN = "all_human"
# The arrays of an OptionCurve: the parts of a total, the total and its interval.
MONEY_PARTS = ("review", "inference", "retraining", "escapes", "total", "low", "high")


@dataclass(frozen=True)
class OptionMoney:
    """The money a day of one option. A figure is None if unknown, and `note` gives the reason
    (NO_SECONDS, NO_LABELS).
    """

    name: str  # ALL_HUMAN or the model's kind
    review_per_day: float | None
    inference_per_day: float | None
    escapes_per_day: float | None
    total_per_day: Interval
    note: str = ""
    retraining_per_day: float | None = 0.0


@dataclass(frozen=True)
class OptionCurve:
    """The money a day of one option at every threshold 0, 0.001, ..., 1; NaN if unknown, and `note`
    gives the reason.

    money: MONEY_PARTS a day, [1001] each, or [1] for an option without a threshold.
    """

    name: str
    money: dict[str, NDArray[np.float64]]
    n: int  # labelled cases
    note: str = ""


def all_human_option(cases_per_day: float, costs: UnitCosts) -> OptionMoney:
    """Return the money of reviewing every case without a model."""
    total, reviews = costs.per_review * cases_per_day, costs.review * cases_per_day
    return OptionMoney(ALL_HUMAN, reviews, 0.0, total - reviews, Interval(total, total, total, 0))


def option_money(name: str, consequence: PolicyConsequence) -> OptionMoney:
    """Return the money of a model that answers and of people who review the rest."""
    model, reviews = consequence.cost_model, consequence.reviews_per_day.value
    inference = model.costs.inference(model.seconds_per_case)
    escapes = consequence.escapes_per_day.value
    return OptionMoney(
        name=name,
        review_per_day=None
        if reviews is None
        else model.costs.review * reviews
        + model.costs.per_acceptance * (model.cases_per_day - reviews),
        inference_per_day=None if inference is None else inference * model.cases_per_day,
        escapes_per_day=None
        if consequence.note or escapes is None or reviews is None
        else model.costs.escape * (escapes + model.costs.reviewer_miss * reviews),
        total_per_day=consequence.money_per_day,
        note=consequence.note,
        retraining_per_day=model.costs.retraining_per_month / DAYS_PER_MONTH,
    )


def constant_option(option: OptionMoney) -> OptionCurve:
    """Return an option without a threshold, such as `all_human_option`, as a curve."""
    total = option.total_per_day
    values = (
        option.review_per_day,
        option.inference_per_day,
        option.retraining_per_day,
        option.escapes_per_day,
        total.value,
        total.low,
        total.high,
    )
    money = {k: np.array([v], float) for k, v in zip(MONEY_PARTS, values, strict=True)}
    return OptionCurve(option.name, money, total.n, option.note)


def option_curve(
    name: str, curve: AcceptanceCurve, cost_model: CostModel, include_unseen: bool = True
) -> OptionCurve:
    """Return the figures of `option_money` at every threshold, equal to the last bit.

    name: the option's name.
    curve: the counts of every threshold.
    cost_model: volume and costs.
    include_unseen: whether cases of a label that no model was trained on count.
    """
    table, costs = (
        consequence_curve(curve, cost_model.cases_per_day, include_unseen),
        cost_model.costs,
    )
    labelled, per_case = (
        int(table["labelled"].iloc[0]),
        costs.inference(cost_model.seconds_per_case),
    )
    running, volume = cost_model.running, cost_model.cases_per_day
    measured = running is not None
    inference = np.full(len(table), np.nan if per_case is None else per_case * volume)
    retraining = np.full(len(table), costs.retraining_per_month / DAYS_PER_MONTH)
    reviews = table["reviews_per_day"].to_numpy()
    # `option_money` gives no escapes either if the total is unknown.
    per_escape = costs.escape if measured else np.nan
    escaped = table["escapes_per_day"].to_numpy()
    fixed = costs.per_move * reviews + (np.nan if running is None else running)
    values = (
        costs.review * reviews + costs.per_acceptance * (volume - reviews),
        inference,
        retraining,
        per_escape * (escaped + costs.reviewer_miss * reviews),
        *(
            fixed + per_escape * table[f"escapes_per_day{end}"].to_numpy()
            for end in ("", "_low", "_high")
        ),
    )
    note = NO_SECONDS if not measured else "" if labelled else NO_LABELS
    return OptionCurve(name, dict(zip(MONEY_PARTS, values, strict=True)), labelled, note)


def cost_curve(
    curve: AcceptanceCurve, cost_model: CostModel, include_unseen: bool = True
) -> pd.DataFrame:
    """Return `consequence_curve` with the columns money, money_low and money_high (a day). Without
    measured seconds, inference counts as 0.
    """
    return priced_thresholds(
        consequence_curve(curve, cost_model.cases_per_day, include_unseen), cost_model
    )


def priced_thresholds(table: pd.DataFrame, cost_model: CostModel) -> pd.DataFrame:
    """Return a table of thresholds with the columns of money of `cost_curve`."""
    timed = replace(cost_model, seconds_per_case=cost_model.seconds_per_case or 0.0)
    costs = cost_model.costs
    fixed = costs.per_move * table["reviews_per_day"] + timed.running
    return table.assign(
        **{
            f"money{suffix}": fixed + costs.escape * table[f"escapes_per_day{suffix}"]
            for suffix in ("", "_low", "_high")
        }
    )


def cheapest_threshold(costed: pd.DataFrame) -> float | None:
    """Return the threshold of the least money in a `cost_curve`, the strictest of equals; None if
    money is unknown.

    Its cost is optimistic on the cases that chose it: choose on one set, confirm on another.
    """
    money = costed["money"].to_numpy()
    if np.isnan(money).all():
        return None
    # The last of equals is the strictest: it leaks no more for the same money.
    return float(costed["threshold"].to_numpy()[np.flatnonzero(money == np.nanmin(money))[-1]])
