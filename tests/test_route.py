"""The route to a yes: which answers to send to people, judged on cases that did not choose them."""

import numpy as np
import pytest

from core.counts.histogram import Histogram
from core.counts.joint import REVIEW_ALL
from core.decision.thresholds import verdict
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.route import route_to_people
from core.decision.thresholds.verdict import policy_verdict
from core.errors import NoCasesError, SettingsError

# a review costs 5 and an escape 50; inference is free
COSTS = UnitCosts(review=5, escape=50, machine_hour=0)
MODEL = CostModel(100.0, COSTS, seconds_per_case=0.0)


def labelled_cases(n: int, risks: dict[str, float], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the answer of each case, and whether it is wrong."""
    generator = np.random.default_rng(seed)
    predicted = generator.choice(list(risks), n)
    return predicted, generator.random(n) < np.array([risks[name] for name in predicted])


def counted(predicted: np.ndarray, outcome: np.ndarray) -> Histogram:
    return Histogram.from_predictions(
        ["A"] * len(predicted), predicted, outcome, np.full(len(predicted), 0.9)
    )


def test_a_bad_answer_is_sent_to_people_and_the_rest_is_not():
    predicted, wrong = labelled_cases(2000, {"good": 0.01, "bad": 0.5}, seed=0)
    route = route_to_people(counted(predicted, np.where(wrong, "wrong", "right")), "class", COSTS)
    bad = predicted == "bad"
    assert (route.groups(0.5), route.policy(0.5).by_class) == (("bad",), {"bad": REVIEW_ALL})
    # above the confidence nothing is accepted, so nothing is worth sending
    assert route.groups(0.901) == ()
    found = route.consequence(0.5, MODEL)
    assert found.review_rate.value == pytest.approx(bad.mean())
    assert found.leakage.value == pytest.approx((wrong & ~bad).mean())
    assert policy_verdict(found).decision == verdict.ADOPT


def test_groups_go_to_people_where_escapes_cost_more_than_reviews():
    # x: 1 of 10 wrong, 50 either way; y: 2 of 10 wrong, 100 against 50; z is not accepted at 0.5
    predicted = np.array(["x"] * 10 + ["y"] * 10 + ["z"] * 5)
    wrong = np.array([True] + [False] * 9 + [True] * 2 + [False] * 8 + [True] * 5)
    confidence = np.array([0.9] * 20 + [0.1] * 5)
    outcome = np.where(wrong, "wrong", "right")
    counts = Histogram.from_predictions(["A"] * 25, predicted, outcome, confidence)
    route = route_to_people(counts, "class", COSTS)
    assert route.groups(0.5) == ("y",)
    assert route.groups(0.1) == ("y", "z")


def test_a_choice_by_chance_does_not_look_better_than_it_is():
    # 100 groups alike, each at the break-even risk of 10%: sending any to people saves nothing.
    # On its own cases the choice seems to save; cross-fitted, the mean saving is 0.
    risks = {f"g{i:02d}": 0.1 for i in range(100)}
    own, crossed = [], []
    for seed in range(40):
        predicted, wrong = labelled_cases(1500, risks, seed)
        counts = counted(predicted, np.where(wrong, "wrong", "right"))
        route = route_to_people(counts, "class", COSTS, seed=seed)
        kept = ~np.isin(predicted, route.groups(0.5))
        plain = 5000 * wrong.mean()
        own.append(plain - (5000 * (wrong & kept).mean() + 500 * (~kept).mean()))
        crossed.append(plain - route.consequence(0.5, MODEL).money_per_day.value)
    assert np.mean(own) > 60
    assert abs(np.mean(crossed)) < 4 * np.std(crossed) / np.sqrt(len(crossed))


def test_unlabelled_cases_are_reviewed_with_their_group_and_choose_nothing():
    predicted, wrong = labelled_cases(500, {"good": 0.0, "bad": 1.0}, seed=1)
    outcome = np.concatenate([np.where(wrong, "wrong", "right"), np.full(500, "unlabelled")])
    route = route_to_people(counted(np.tile(predicted, 2), outcome), "class", COSTS)
    found = route.consequence(0.5, MODEL)
    assert route.groups(0.5) == ("bad",)
    assert (found.cases, found.leakage.n) == (1000, 500)
    assert found.review_rate.value == (predicted == "bad").mean()


def test_cases_of_untrained_labels_choose_only_where_they_count():
    predicted = np.array(["good"] * 100 + ["bad"] * 100)
    outcome = np.array(["right"] * 100 + ["right"] * 50 + ["unseen"] * 50)
    counts = counted(predicted, outcome)
    assert route_to_people(counts, "class", COSTS).groups(0.5) == ("bad",)
    without = route_to_people(counts, "class", COSTS, include_unseen=False)
    assert without.groups(0.5) == ()
    assert without.consequence(0.5, MODEL).cases == 150


def test_what_cannot_be_crossed_is_refused():
    counts = counted(np.array(["good"] * 3), np.array(["right"] * 3))
    with pytest.raises(SettingsError, match="1 folds? is not allowed"):
        route_to_people(counts, "class", COSTS, folds=1)
    with pytest.raises(NoCasesError, match="3 labelled cases are fewer than 5 folds"):
        route_to_people(counts, "class", COSTS)
    with pytest.raises(SettingsError, match="'cell' is not one of: class, segment"):
        route_to_people(counts, "cell", COSTS, folds=2)
