"""Money a day: by hand, linear in unit costs, and honest where a figure is missing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.thresholds.consequence import threshold_consequence
from core.decision.thresholds.costs import NO_LABELS, NO_SECONDS, CostModel, UnitCosts
from core.decision.thresholds.daily_money import (
    ALL_HUMAN,
    MONEY_PARTS,
    all_human_option,
    cheapest_threshold,
    constant_option,
    cost_curve,
    option_curve,
    option_money,
)
from core.errors import SettingsError
from core.stats.bounds import wilson
from core.types import Interval

COSTS = UnitCosts(review=5, escape=150, machine_hour=2, currency="AUD")
AMOUNT = st.floats(0, 1e6)


def cumulative(confidence, outcome) -> AcceptanceCurve:
    n = len(confidence)
    return AcceptanceCurve(
        Histogram.from_predictions(
            ["A"] * n, ["x"] * n, outcome, np.array(confidence), ("A",), ("x",)
        )
    )


# At 0.8: one of four reviewed, one wrong of four accepted.
CASES = cumulative([0.95, 0.9, 0.8, 0.3], ["right", "wrong", "right", "wrong"])


def test_all_human_reviews_every_case_and_lets_nothing_escape():
    found = all_human_option(40, COSTS)
    assert (found.name, found.review_per_day, found.inference_per_day, found.escapes_per_day) == (
        ALL_HUMAN,
        200,
        0,
        0,
    )
    assert (found.total_per_day.low, found.total_per_day.value, found.total_per_day.high) == (
        200,
        200,
        200,
    )


def test_an_option_by_hand():
    # 40 cases a day: 10 reviews at 5, 10 escapes at 150, 40 cases of 9 s at 2 an hour = 40 * 9 /
    # 3600 * 2 = 0.2
    found = option_money("student", threshold_consequence(CASES, 0.8, CostModel(40, COSTS, 9)))
    assert (found.review_per_day, found.inference_per_day, found.escapes_per_day) == pytest.approx(
        (50, 0.2, 1500)
    )
    assert found.total_per_day.value == pytest.approx(1550.2)
    assert (found.total_per_day.n, found.note) == (4, "")


def test_the_interval_of_money_is_that_of_leakage():
    total, leakage = (
        option_money(
            "student", threshold_consequence(CASES, 0.8, CostModel(40, COSTS, 9))
        ).total_per_day,
        wilson(1, 4),
    )
    assert total.low == pytest.approx(50.2 + 150 * 40 * leakage.low)
    assert total.high == pytest.approx(50.2 + 150 * 40 * leakage.high)


def test_ten_passes_cost_ten_times_the_inference():
    single, tenfold = (
        option_money(
            "m", threshold_consequence(CASES, 0.8, CostModel(40, COSTS, seconds))
        ).inference_per_day
        for seconds in (0.3, 3.0)
    )
    assert tenfold == pytest.approx(10 * single)


def test_without_measured_seconds_an_option_says_so():
    found = option_money("teacher", threshold_consequence(CASES, 0.8, CostModel(40, COSTS)))
    assert (found.note, found.inference_per_day, found.total_per_day.value) == (
        NO_SECONDS,
        None,
        None,
    )
    assert found.review_per_day == 50


def test_without_labels_an_option_says_so():
    found = option_money(
        "student",
        threshold_consequence(
            cumulative([0.9, 0.1], ["unlabelled"] * 2), 0.5, CostModel(40, COSTS, 1)
        ),
    )
    assert (found.note, found.total_per_day) == (NO_LABELS, Interval(None, None, None, 0))
    assert found.review_per_day == 100


@given(st.tuples(AMOUNT, AMOUNT, AMOUNT), st.tuples(AMOUNT, AMOUNT, AMOUNT), st.floats(0, 100))
def test_money_is_linear_in_unit_costs(a, b, factor):
    def total(costs):
        t = threshold_consequence(CASES, 0.8, CostModel(40, UnitCosts(*costs), 9)).money_per_day
        return np.array([t.value, t.low, t.high])

    np.testing.assert_allclose(total(np.add(a, b)), total(a) + total(b), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(
        total(np.multiply(a, factor)), factor * total(a), rtol=1e-9, atol=1e-6
    )


@pytest.mark.parametrize("field", ["review", "escape", "machine_hour"])
@pytest.mark.parametrize("bad", [-0.01, float("nan"), float("inf")])
def test_a_cost_that_cannot_be_is_refused(field, bad):
    amounts = {"review": 1.0, "escape": 1.0, "machine_hour": 1.0} | {field: bad}
    with pytest.raises(
        SettingsError, match=f"Cost per {field.replace('_', ' ')} {bad} is not allowed"
    ):
        UnitCosts(**amounts)


def test_the_curve_is_the_option_at_every_threshold():
    table = cost_curve(CASES, CostModel(40, COSTS, 9))
    assert len(table) == 1001
    for step in (0, 300, 301, 800, 950, 1000):
        total = option_money(
            "student", threshold_consequence(CASES, step / 1000, CostModel(40, COSTS, 9))
        ).total_per_day
        row = table.iloc[step]
        assert (row["money"], row["money_low"], row["money_high"]) == pytest.approx(
            (total.value, total.low, total.high)
        )


def test_at_one_the_curve_meets_all_human_but_for_inference():
    assert cost_curve(CASES, CostModel(40, COSTS, 9))["money"].iloc[-1] == pytest.approx(
        all_human_option(40, COSTS).total_per_day.value + 0.2
    )


def test_the_cheapest_threshold_by_hand():
    # Accepting 0.95 alone leaves three reviews of four; accepting 0.9 too swaps a review for an
    # escape. 0.95 is the strictest.
    assert cheapest_threshold(cost_curve(CASES, CostModel(40, COSTS, 9))) == 0.95


def test_free_escapes_accept_all_and_free_reviews_accept_none():
    # strictest that still accepts every case
    assert cheapest_threshold(cost_curve(CASES, CostModel(40, UnitCosts(5, 0, 0), 9))) == 0.3
    assert cheapest_threshold(cost_curve(CASES, CostModel(40, UnitCosts(0, 5, 0), 9))) == 1.0


@settings(max_examples=30)
@given(AMOUNT, AMOUNT)
def test_no_threshold_is_cheaper_than_the_cheapest(review, escape):
    table = cost_curve(CASES, CostModel(40, UnitCosts(review, escape, 0), 9))
    row = table[table["threshold"] == cheapest_threshold(table)]
    assert row["money"].item() == table["money"].min()


def test_unknown_money_has_no_cheapest_threshold():
    unlabelled = cost_curve(cumulative([0.9], ["unlabelled"]), CostModel(40, COSTS, 9))
    assert cheapest_threshold(unlabelled) is None
    assert (
        cheapest_threshold(pd.DataFrame({"threshold": [0.0, 0.5], "money": [np.nan, np.nan]}))
        is None
    )


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_time_that_cannot_be_is_refused(bad):
    with pytest.raises(SettingsError, match=f"seconds_per_case {bad} is not allowed"):
        CostModel(40, COSTS, bad)


def figures(found) -> list[float | None]:
    total = found.total_per_day
    return [
        found.review_per_day,
        found.inference_per_day,
        found.retraining_per_day,
        found.escapes_per_day,
        total.value,
        total.low,
        total.high,
    ]


@pytest.mark.parametrize("unseen", [True, False])
@pytest.mark.parametrize("seconds", [9, None])
@pytest.mark.parametrize("outcomes", [["right", "wrong", "unseen", "wrong"], ["unlabelled"] * 4])
def test_an_option_curve_is_the_option_at_each_threshold(outcomes, seconds, unseen):
    counts = cumulative([0.95, 0.9, 0.8, 0.3], outcomes)
    made = option_curve("teacher", counts, CostModel(40, COSTS, seconds), unseen)
    assert tuple(made.money) == MONEY_PARTS
    for step in range(1001):
        one = option_money(
            "teacher",
            threshold_consequence(counts, step / 1000, CostModel(40, COSTS, seconds), unseen),
        )
        drawn = [
            None if np.isnan(made.money[name][step]) else made.money[name][step]
            for name in MONEY_PARTS
        ]
        assert (drawn, made.name, made.n, made.note) == (
            figures(one),
            one.name,
            one.total_per_day.n,
            one.note,
        )


def test_an_option_that_no_threshold_changes_has_one_figure_of_each():
    human = all_human_option(40, COSTS)
    made = constant_option(human)
    assert [values.tolist() for values in made.money.values()] == [
        [value] for value in figures(human)
    ]
    assert (made.name, made.n, made.note) == (ALL_HUMAN, 0, "")
