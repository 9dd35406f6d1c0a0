"""The presets do what they promise, on counts small enough to work out by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counts.joint import JointCounts, JointCumulative
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.solver import (
    LEAN,
    PRESET_NAMES,
    SAFE,
    ThresholdSolver,
    preset_faults,
    preset_thresholds,
)
from core.decision.thresholds.verdict import ACCEPTS_NOTHING, MOSTLY_WRONG


def handles(outcomes, confidence, review=1.0, escape=10.0) -> ThresholdSolver:
    n = len(outcomes)
    joint = JointCounts.from_predictions(["A"] * n, ["x"] * n, outcomes, confidence, [0.0] * n)
    return ThresholdSolver(
        JointCumulative(joint), CostModel(float(n), UnitCosts(review, escape, 0.0), 0.0)
    )


def test_each_preset_by_hand():
    """100 cases, a review costs 1, an escape 10; money of a threshold is reviews + 10 * escapes, of
    review alone 100.

    At 0.9: 40 right, then 1 wrong at 0.8, 30 right at 0.7, 4 wrong at 0.6, 25 wrong at 0.1.
    Accept from 0.801: 60 reviews, money 60. From 0.601 to 0.7: 29 reviews and 1 escape, 39, the
    least; leakage 1%. From 0.101: 25 reviews and 5 escapes, 75. From 0: 0 reviews and 30 escapes,
    300.
    """
    outcomes = ["right"] * 40 + ["wrong"] + ["right"] * 30 + ["wrong"] * 29
    confidence = [0.9] * 40 + [0.8] + [0.7] * 30 + [0.6] * 4 + [0.1] * 25
    found = preset_thresholds(handles(outcomes, confidence))
    assert list(found) == list(PRESET_NAMES)
    assert found == {"safe": 0.601, "balanced": 0.7, "lean": 0.101, "shadow": 1.0}


def test_without_labels_only_shadow_is_left():
    assert preset_thresholds(handles(["unlabelled"] * 5, [0.5] * 5)) == {"shadow": 1.0}


def test_a_model_that_is_always_sure_and_wrong_has_no_safe_and_no_lean_preset():
    assert set(preset_thresholds(handles(["wrong"] * 10, [1.0] * 10))) == {"balanced", "shadow"}


@pytest.mark.parametrize("escape", [0.0, 1.0, 50.0])
def test_lean_never_needs_more_reviews_than_balanced(escape):
    found = preset_thresholds(
        handles(["right", "wrong", "right"] * 10, [0.9, 0.5, 0.3] * 10, escape=escape)
    )
    assert found["lean"] <= found["balanced"]


def test_lean_is_left_out_where_it_would_review_more_than_safe():
    # 1 of 200 is wrong, at 0.6, and an escape costs 1,000. Safe accepts all (leakage 0.5%). No more
    # than 200 a day is spent only from 0.601 on, with 100 reviews: more than safe's 0.
    outcomes, confidence = ["right"] * 199 + ["wrong"], [0.9] * 100 + [0.6] * 100
    found = preset_thresholds(handles(outcomes, confidence, escape=1000.0))
    assert found == {"safe": 0.0, "balanced": 0.9, "shadow": 1.0}


cases = st.lists(
    st.tuples(st.sampled_from(["right", "wrong", "unseen", "unlabelled"]), st.integers(0, 1000)),
    min_size=1,
    max_size=60,
)


@given(cases, st.floats(0.1, 10), st.floats(0, 200))
@settings(max_examples=80, deadline=None)
def test_a_preset_does_what_its_name_says_or_says_why_not(rows, review, escape):
    outcomes, confidence = [o for o, _ in rows], [c / 1000 for _, c in rows]
    solver = handles(outcomes, confidence, review, escape)
    found = preset_thresholds(solver)
    points = {name: solver.at_threshold(t) for name, t in found.items()}
    if LEAN in points:
        assert points[LEAN].money_per_day.value <= solver.terms.review_all * (1 + 1e-9)
        if SAFE in points:
            assert points[LEAN].reviews_per_day.value <= points[SAFE].reviews_per_day.value
    faults = preset_faults(solver, found)
    for name, point in points.items():
        risk = point.selective_risk.value
        wrong = risk is not None and risk >= 0.4
        expected = ACCEPTS_NOTHING if not point.accepted else MOSTLY_WRONG if wrong else None
        assert faults.get(name) == expected


def test_lean_pays_for_inference_and_retraining_too():
    solver = handles(["right"] * 10, [0.9] * 10)
    costs = UnitCosts(1.0, 10.0, 0.0, retraining_per_month=365.25 / 12 * 11)
    dear = ThresholdSolver(solver.cumulative, CostModel(10.0, costs, 0.0))
    # accepting all saves 10 a day, and retraining takes 11
    assert preset_thresholds(solver)[LEAN] == 0.0
    assert LEAN not in preset_thresholds(dear)
