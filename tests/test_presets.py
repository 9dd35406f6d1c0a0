"""The presets do what they promise, on counts small enough to work out by hand."""

import pytest

from core.counts.joint import JointCounts, JointCumulative
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.solver import PRESET_NAMES, ThresholdSolver, preset_thresholds


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
