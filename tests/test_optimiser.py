"""The optimiser's policy is the best of all, by trying all of them on small cases."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counts.joint import REVIEW_ALL
from core.counts.tally import LeakageLimit, SelectiveRiskLimit
from core.decision.thresholds.consequence import policy_consequence
from core.decision.thresholds.costs import NO_LABELS
from core.decision.thresholds.optimiser import OptimalPolicy, optimise_thresholds
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.solver import (
    CAPACITY_UNREACHABLE,
    CONFLICT,
    InfeasibleLimits,
)
from core.errors import NonFiniteError, SettingsError
from core.types import OUTCOMES
from tests.joints import CLASSES, LIMITS, SEGMENTS, TERMS, cases, cumulative

QUARTERS = st.integers(0, 3).map(lambda i: i / 4)
TRIED = (0.0, 0.25, 0.5, 0.75, REVIEW_ALL)  # all that these confidences can tell apart
FIELD = {"class": "by_class", "segment": "by_segment", "cell": "by_cell"}
NAMES = {"class": CLASSES, "segment": SEGMENTS, "cell": tuple(product(SEGMENTS, CLASSES))}


def all_policies(whole, by, epistemic):
    for chosen in product(TRIED, repeat=len(NAMES[by])):
        cells = dict(zip(NAMES[by], chosen, strict=True))
        yield policy_consequence(
            whole, Policy(REVIEW_ALL, epistemic_limit=epistemic, **{FIELD[by]: cells}), TERMS
        )


def keeps(point, limit) -> bool:
    return limit is None or (getattr(point, limit.measure).value or 0) <= limit.most


@settings(max_examples=40)
@given(
    cases(QUARTERS, OUTCOMES, min_size=1, max_size=14),
    st.sampled_from(["class", "segment"]),
    st.sampled_from([None, LeakageLimit(0.0), LeakageLimit(0.2), SelectiveRiskLimit(0.25)]),
    st.sampled_from([None, 0, 35, 60]),
    LIMITS,
)
def test_nothing_that_can_be_tried_is_better(rows, by, limit, capacity, epistemic):
    whole = cumulative(rows)
    if all(row[2] == "unlabelled" for row in rows):
        return
    within = [
        p
        for p in all_policies(whole, by, epistemic)
        if keeps(p, limit) and (capacity is None or p.reviews_per_day.value <= capacity + 1e-9)
    ]
    found = optimise_thresholds(whole, TERMS, by, limit, capacity, epistemic, min_labelled=0)
    assert isinstance(found, OptimalPolicy) == bool(within)
    if within:
        assert found.consequence.money_per_day.value == pytest.approx(
            min(p.money_per_day.value for p in within)
        )
        assert keeps(found.consequence, limit)
        assert capacity is None or found.consequence.reviews_per_day.value <= capacity + 1e-9
        assert (found.gap, found.pooled) == (0, ())


@settings(max_examples=6)
@given(cases(QUARTERS, OUTCOMES[:3], min_size=4, max_size=14))
def test_thresholds_by_cell_are_the_best_of_all_too(rows):
    whole, limit = cumulative(rows), LeakageLimit(0.2)
    best = min(p.money_per_day.value for p in all_policies(whole, "cell", None) if keeps(p, limit))
    found = optimise_thresholds(whole, TERMS, "cell", limit, min_labelled=0)
    assert found.consequence.money_per_day.value == pytest.approx(best)


def rows_of(segment, predicted, n_right, n_wrong, at=0.9):
    return [(segment, predicted, o, at, 0.0) for o in ["right"] * n_right + ["wrong"] * n_wrong]


def test_a_class_that_is_always_wrong_goes_to_review_and_the_other_passes():
    found = optimise_thresholds(
        cumulative(rows_of("A", "x", 40, 0) + rows_of("A", "y", 0, 40)), TERMS, "class"
    )
    # of equals the strictest
    assert found.consequence.policy.by_class == {"x": 0.9, "y": REVIEW_ALL}
    assert (found.consequence.coverage.value, found.consequence.leakage.value, found.pooled) == (
        0.5,
        0,
        (),
    )


def test_small_cells_share_a_threshold_and_are_named():
    whole = cumulative(
        rows_of("A", "x", 50, 5)
        + rows_of("A", "y", 20, 4)
        + rows_of("B", "x", 8, 3)
        + rows_of("B", "y", 1, 0)
    )
    found = optimise_thresholds(whole, TERMS, "cell", min_labelled=30)
    assert found.pooled == (("A", "y"), ("B", "x"), ("B", "y"))
    assert len({found.consequence.policy.by_cell[name] for name in found.pooled}) == 1
    assert found.min_labelled == 30


def test_a_pool_takes_the_next_smallest_cells_until_it_has_enough():
    whole = cumulative(
        rows_of("A", "x", 50, 0) + rows_of("B", "x", 35, 0) + rows_of("B", "y", 5, 0)
    )
    assert optimise_thresholds(whole, TERMS, "cell", min_labelled=30).pooled == (
        ("A", "y"),
        ("B", "x"),
        ("B", "y"),
    )
    alone = optimise_thresholds(
        cumulative(rows_of("A", "x", 3, 0)), TERMS, "class", min_labelled=30
    )
    assert alone.pooled == CLASSES  # all there is, and still too few: it says so


def test_thinned_candidates_stand_on_their_grid():
    whole = cumulative(
        rows_of("A", "x", 1, 0, at=0.97)
        + rows_of("A", "x", 0, 9, at=0.913)
        + rows_of("B", "y", 9, 0, at=0.5)
    )
    found = optimise_thresholds(
        whole, TERMS, "class", min_labelled=0, every=50
    ).consequence.policy.by_class
    assert found == {"x": 0.95, "y": 0.5}
    assert optimise_thresholds(
        whole, TERMS, "class", min_labelled=0
    ).consequence.policy.by_class == {"x": 0.97, "y": 0.5}


def test_names_that_a_policy_does_not_know_go_to_review():
    found = optimise_thresholds(
        cumulative(rows_of("A", "x", 50, 0)), TERMS, "class", min_labelled=0
    )
    assert not found.consequence.policy.accepts("AA", ["x", "new"], [0.9, 0.9], [0.0, 0.0])[1]


def test_what_cannot_be_kept_is_named_with_the_nearest_points():
    whole = cumulative(rows_of("A", "x", 5, 5))
    found = optimise_thresholds(whole, TERMS, "class", LeakageLimit(0.1), 50, min_labelled=0)
    assert (type(found), found.reason) == (InfeasibleLimits, CONFLICT)
    assert (found.keeping_risk.reviews_per_day.value, found.keeping_capacity.leakage.value) == (
        100,
        0.5,
    )
    unsure = cumulative([("A", "x", "right", 0.9, 0.5)])
    found = optimise_thresholds(
        unsure, TERMS, "class", None, 50, epistemic_limit=0.1, min_labelled=0
    )
    assert (found.reason, found.keeping_capacity, found.nearest.reviews_per_day.value) == (
        CAPACITY_UNREACHABLE,
        None,
        100,
    )


def test_without_labels_everything_is_reviewed():
    found = optimise_thresholds(cumulative([("A", "x", "unlabelled", 0.9, 0.0)]), TERMS)
    assert (found.reason, found.nearest.coverage.value) == (NO_LABELS, 0)


def test_weights_move_the_optimum():
    whole = cumulative(
        rows_of("A", "x", 29, 1) + rows_of("A", "x", 2, 0, at=0.95)
    )  # 1 escape of 32: 150 against 30 reviews at 5
    heavy = whole.reweighted(np.full((2, 2), 3.0))
    one, other = (optimise_thresholds(w, TERMS, "class", min_labelled=0) for w in (whole, heavy))
    assert one.consequence.money_per_day.value == pytest.approx(
        other.consequence.money_per_day.value
    )
    assert (one.consequence.reweighted, other.consequence.reweighted) == (False, True)


def test_what_is_not_allowed_is_refused():
    with pytest.raises(SettingsError, match="Grouping 'day' is not one of: class, segment, cell"):
        optimise_thresholds(cumulative([]), TERMS, "day")
    with pytest.raises(SettingsError, match="every 0 thousandths"):
        optimise_thresholds(cumulative([]), TERMS, every=0)
    with pytest.raises(NonFiniteError, match="reviews a day nan"):
        optimise_thresholds(cumulative([]), TERMS, reviews_per_day=float("nan"))
    with pytest.raises(SettingsError, match="capacity of -1"):
        optimise_thresholds(cumulative([]), TERMS, reviews_per_day=-1)
