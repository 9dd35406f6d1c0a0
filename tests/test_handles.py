"""Threshold, risk and reviewers move each other; what binds is named, and what it costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counts.tally import LeakageLimit, SelectiveRiskLimit
from core.decision.thresholds.consequence import policy_consequence
from core.decision.thresholds.costs import NO_LABELS, CostModel, UnitCosts
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.solver import (
    CAPACITY_LIMIT,
    CAPACITY_UNREACHABLE,
    CONFLICT,
    DAYS_PER_MONTH,
    RISK_LIMIT,
    RISK_UNREACHABLE,
    InfeasibleLimits,
    SolvedPlan,
    ThresholdSolver,
)
from core.errors import NonFiniteError, SettingsError
from core.types import OUTCOMES
from tests.joints import COARSE, LIMITS, TERMS, cases, cumulative, simple

# Ten labelled cases, 100 a day, so each is 10 a day. Wrong: 0.8, 0.5, 0.3.
TEN = simple(
    *(
        (c / 100, "wrong" if c in (80, 50, 30) else "right")
        for c in (95, 90, 85, 80, 70, 60, 50, 40, 30, 20)
    )
)
HANDLES = ThresholdSolver(TEN, TERMS)


def thresholds(point) -> float:
    return point.policy.threshold


def test_a_leakage_limit_gives_its_threshold_and_its_reviewers():
    found = HANDLES.at_risk(LeakageLimit(0.2))  # two wrong may pass, so 0.3 may not
    assert (thresholds(found), found.reviews_per_day.value, found.leakage.value) == (
        0.301,
        pytest.approx(20),
        0.2,
    )
    assert found == policy_consequence(HANDLES.cumulative, Policy(0.301), HANDLES.terms)


def test_a_capacity_gives_the_strictest_threshold_that_it_serves():
    found = HANDLES.at_capacity(50)
    assert (thresholds(found), found.reviews_per_day.value, found.leakage.value) == (
        0.7,
        pytest.approx(50),
        0.1,
    )
    assert thresholds(HANDLES.at_capacity(49.9)) == 0.6
    assert thresholds(HANDLES.at_capacity(0)) == 0.2
    assert thresholds(HANDLES.at_capacity(100)) == 1.0


def test_a_selective_risk_is_kept_from_its_threshold_on():
    # Right, right, wrong, then six right: risk 1/3 at 0.7, 1/9 at 0.1. The limit 0.2 holds again
    # below, but not on the way.
    rows = [
        (0.9, "right"),
        (0.8, "right"),
        (0.7, "wrong"),
        *((c / 10, "right") for c in (6, 5, 4, 3, 2, 1)),
    ]
    handles = ThresholdSolver(simple(*rows), TERMS)
    assert policy_consequence(
        handles.cumulative, Policy(0.1), handles.terms
    ).selective_risk.value == pytest.approx(1 / 9)
    assert thresholds(handles.at_risk(SelectiveRiskLimit(0.2))) == 0.701
    assert thresholds(handles.at_risk(LeakageLimit(0.2))) == 0.0


def test_an_unlabelled_case_on_top_neither_allows_nor_forbids():
    handles = ThresholdSolver(simple((1.0, "unlabelled"), (0.9, "right"), (0.5, "wrong")), TERMS)
    assert thresholds(handles.at_risk(SelectiveRiskLimit(0.1))) == 0.501


def test_what_binds_and_what_relief_is_worth():
    # An escape costs 150 and a review 5, so the cheapest is to review up to the last wrong answer:
    # t = 0.85, 70 reviews a day.
    free = HANDLES.solve()
    assert (thresholds(free.point), free.binding) == (0.85, ())
    few = HANDLES.solve(reviews_per_day=50)
    # 0.7 reviews one more and catches nothing by it
    assert (thresholds(few.point), few.binding) == (0.6, (CAPACITY_LIMIT,))
    assert HANDLES.solve(LeakageLimit(0.3), 70).binding == ()
    # Twenty more a day reach 0.85: from 0.6 that is 30 reviews at 5 more, 10 escapes at 150 less.
    worth = HANDLES.worth_of_reviews(None, 50, 20)
    assert (worth.worth_per_day, worth.worth_per_month) == pytest.approx(
        (1350, 1350 * DAYS_PER_MONTH)
    )
    assert (worth.unlocks, worth.n) == (False, 10)
    assert HANDLES.worth_of_reviews(None, 70, 20).worth_per_day == 0
    assert HANDLES.worth_of_reviews(None, 50, 9).worth_per_day == 0  # not one case more


def test_a_risk_limit_binds_where_escapes_are_cheap():
    handles = ThresholdSolver(
        TEN, CostModel(100.0, UnitCosts(review=5, escape=1, machine_hour=0), 0.0)
    )
    found = handles.solve(LeakageLimit(0.1), 90)
    # the strictest of equals: 0.501 to 0.6 accept alike
    assert (thresholds(found.point), found.binding) == (0.6, (RISK_LIMIT,))


def test_a_conflict_carries_both_nearest_points():
    found = HANDLES.solve(LeakageLimit(0.1), 30)
    assert found.reason == CONFLICT
    assert (found.keeping_risk.reviews_per_day.value, found.keeping_risk.leakage.value) == (
        pytest.approx(40),
        0.1,
    )
    assert (found.keeping_capacity.reviews_per_day.value, found.keeping_capacity.leakage.value) == (
        pytest.approx(20),
        0.2,
    )
    assert found.nearest == found.keeping_risk
    assert HANDLES.worth_of_reviews(LeakageLimit(0.1), 30, 10).unlocks
    assert HANDLES.worth_of_reviews(LeakageLimit(0.1), 30, 5).worth_per_day is None


def test_a_limit_that_no_threshold_keeps_is_named():
    found = ThresholdSolver(simple((1.0, "wrong"), (0.5, "wrong")), TERMS).at_risk(
        LeakageLimit(0.2)
    )
    assert (found.reason, found.keeping_risk, found.nearest.leakage.value) == (
        RISK_UNREACHABLE,
        None,
        0.5,
    )


def test_an_epistemic_limit_may_ask_for_more_reviews_than_there_are():
    unsure = cumulative([("A", "x", "right", 0.9, 0.5), ("A", "x", "right", 0.9, 0.0)])
    found = ThresholdSolver(unsure, TERMS, epistemic_limit=0.1).at_capacity(40)
    assert (found.reason, found.nearest.reviews_per_day.value) == (CAPACITY_UNREACHABLE, 50)


def test_where_neither_limit_can_be_kept_the_ends_are_given():
    unsure = cumulative([("A", "x", "wrong", 1.0, 0.0), ("A", "x", "right", 0.9, 0.5)])
    found = ThresholdSolver(unsure, TERMS, epistemic_limit=0.1).solve(LeakageLimit(0.1), 10)
    assert found.reason == RISK_UNREACHABLE
    assert (found.keeping_risk.reviews_per_day.value, found.keeping_capacity.leakage.value) == (
        50,
        0.5,
    )


@pytest.mark.parametrize("rows", [[], [(0.9, "unlabelled")]])
def test_without_labels_nothing_is_promised(rows):
    handles = ThresholdSolver(simple(*rows), TERMS)
    for found in (handles.at_risk(LeakageLimit(0.1)), handles.solve(None, 50), handles.solve()):
        assert (type(found), found.reason) == (InfeasibleLimits, NO_LABELS)
        assert found.nearest.leakage.value is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_capacity_that_is_not_finite_is_refused(bad):
    with pytest.raises(NonFiniteError, match="reviews a day"):
        HANDLES.at_capacity(bad)


def test_a_capacity_or_an_extra_that_cannot_be_is_refused():
    with pytest.raises(SettingsError, match="capacity of -1 reviews"):
        HANDLES.at_capacity(-1)
    with pytest.raises(SettingsError, match="nan extra reviews"):
        HANDLES.worth_of_reviews(None, 10, np.nan)


@settings(max_examples=30)
@given(
    cases(COARSE, OUTCOMES[:3], min_size=1),
    st.sampled_from(
        [
            None,
            LeakageLimit(0.1),
            LeakageLimit(0.3),
            SelectiveRiskLimit(0.2),
            SelectiveRiskLimit(0.5),
        ]
    ),
    st.sampled_from([None, 0, 30, 70]),
    LIMITS,
)
def test_the_plan_is_the_cheapest_of_all_thresholds_within_both_limits(
    rows, limit, capacity, epistemic
):
    whole = cumulative(rows)
    points = [
        policy_consequence(whole, Policy(t / 100, epistemic_limit=epistemic), TERMS)
        for t in range(101)
    ]

    def keeps(point):
        value = getattr(point, limit.measure).value if limit else None
        return value is None or value <= limit.most

    stricter_too = [all(map(keeps, points[i:])) for i in range(101)]
    served = [capacity is None or p.reviews_per_day.value <= capacity + 1e-9 for p in points]
    allowed = [p for p, *ok in zip(points, stricter_too, served, strict=True) if all(ok)]
    found = ThresholdSolver(whole, TERMS, epistemic).solve(limit, capacity)
    assert isinstance(found, SolvedPlan) == bool(allowed)
    if allowed:
        assert found.point.money_per_day.value == pytest.approx(
            min(p.money_per_day.value for p in allowed)
        )
        unlimited = min(p.money_per_day.value for p in points)
        assert bool(found.binding) == (found.point.money_per_day.value > unlimited + 1e-9)
