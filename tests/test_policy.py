"""Policies: who wins, what they mean, how they travel, and what changes side between two of
them.
"""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counts.histogram import Histogram
from core.counts.joint import REVIEW_ALL
from core.counts.tally import Leakage, LeakageLimit, SelectiveRisk, SelectiveRiskLimit
from core.decision.thresholds.changes import cases_between_thresholds, decision_changes
from core.decision.thresholds.consequence import policy_consequence
from core.decision.thresholds.costs import NO_LABELS, NO_SECONDS, CostModel, UnitCosts
from core.decision.thresholds.policy import Policy
from core.errors import SettingsError
from core.stats.bounds import wilson
from core.types import OUTCOMES, Interval
from tests.joints import CLASSES, LIMITS, SEGMENTS, TERMS, cases, columns, cumulative, simple

_T = st.one_of(st.integers(0, 1000).map(lambda i: i / 1000), st.just(REVIEW_ALL))
POLICIES = st.builds(
    Policy,
    _T,
    st.dictionaries(st.sampled_from(CLASSES), _T),
    st.dictionaries(st.sampled_from(SEGMENTS), _T),
    st.dictionaries(st.sampled_from(list(product(SEGMENTS, CLASSES))), _T),
    LIMITS,
)
ROWS = (
    (0.9, "right"),
    (0.8, "wrong"),
    (0.75, "unseen"),
    (0.7, "right"),
    (0.7, "unlabelled"),
    (0.6, "wrong"),
    (0.2, "right"),
)


def test_a_policy_by_hand():
    # At 0.7: 5 of 7 accepted, 4 of them labelled, 2 of those wrong; 6 of all labelled.
    found = policy_consequence(simple(*ROWS), Policy(0.7), TERMS)
    assert found.coverage == wilson(5, 7)
    assert (found.selective_risk.value, found.selective_risk.n) == (2 / 4, 4)
    assert (found.leakage.value, found.leakage.n) == (2 / 6, 6)
    assert (found.leakage.low, found.leakage.high) == (wilson(2, 6).low, wilson(2, 6).high)
    assert (found.reviews_per_day.value, found.escapes_per_day.value) == pytest.approx(
        (200 / 7, 200 / 6)
    )
    assert found.money_per_day.value == pytest.approx(5 * 200 / 7 + 150 * 200 / 6 + 0.5)
    assert (found.money_per_day.n, found.note, found.reweighted) == (6, "", False)


def test_the_two_risks_are_never_the_same_thing():
    assert Leakage(0.1, 0.0, 0.2, 9) != SelectiveRisk(0.1, 0.0, 0.2, 9)
    assert LeakageLimit(0.1) != SelectiveRiskLimit(0.1)
    found = policy_consequence(
        simple((0.9, "wrong")), Policy(0.0), CostModel(1.0, UnitCosts(0, 1, 0), 0.0)
    )
    assert found.leakage.value == found.selective_risk.value == 1
    assert (type(found.leakage), type(found.selective_risk)) == (Leakage, SelectiveRisk)
    # a figure a day is no share
    assert type(found.escapes_per_day) is type(found.money_per_day) is Interval


@settings(max_examples=60)
@given(cases(), POLICIES)
def test_the_counts_of_any_policy_are_those_of_its_gate(rows, policy):
    segment, predicted, outcome, confidence, epistemic = columns(rows)
    accepted = policy.accepts(segment, predicted, confidence, epistemic)
    outcome = np.array(outcome, dtype=object)
    wrong = int((accepted & np.isin(outcome, ["wrong", "unseen"])).sum())
    known = outcome != "unlabelled"
    found = policy_consequence(cumulative(rows), policy, TERMS)
    assert found.coverage == wilson(int(accepted.sum()), len(rows))
    assert vars(found.leakage) == vars(wilson(wrong, int(known.sum())))
    assert vars(found.selective_risk) == vars(wilson(wrong, int((accepted & known).sum())))


def test_the_most_specific_threshold_wins():
    policy = Policy(0.1, {"x": 0.2}, {"B": 0.3}, {("B", "y"): REVIEW_ALL})
    assert policy.steps(SEGMENTS, CLASSES).tolist() == [[200, 100], [300, 1001]]


def test_what_is_not_finite_goes_to_review():
    bad = [np.nan, 0.9, np.inf, 0.9, 0.9, 1.1, 0.9]
    spread = [0.1, np.nan, 0.1, np.inf, -0.1, 0.1, 0.1]
    assert Policy(0.0).accepts("AAAAAAA", "xxxxxxx", bad, spread).tolist() == [False] * 6 + [True]


def test_the_ends_of_the_scale():
    found = simple((0.0, "right"), (1.0, "wrong"), (np.nextafter(1, 0), "right"))
    accepted = [
        policy_consequence(found, Policy(t), TERMS).coverage.value * 3 for t in (0, 1, REVIEW_ALL)
    ]
    assert accepted == [3, 1, 0]
    nothing = policy_consequence(found, Policy(REVIEW_ALL), TERMS)
    assert (nothing.leakage.value, nothing.selective_risk) == (
        0,
        SelectiveRisk(None, None, None, 0),
    )


@pytest.mark.parametrize(("outcome", "risk"), [("right", 0), ("wrong", 1), ("unseen", 1)])
def test_all_right_and_all_wrong(outcome, risk):
    found = policy_consequence(simple((0.9, outcome), (0.8, outcome)), Policy(0.5), TERMS)
    assert (found.leakage.value, found.selective_risk.value) == (risk, risk)
    assert (found.leakage.low, found.leakage.high) == (
        wilson(2 * risk, 2).low,
        wilson(2 * risk, 2).high,
    )


def test_missing_figures_say_why():
    assert policy_consequence(simple((0.9, "unlabelled")), Policy(0.5), TERMS).note == NO_LABELS
    assert policy_consequence(simple(), Policy(0.5), TERMS).reviews_per_day == Interval(
        None, None, None, 0
    )
    found = policy_consequence(simple((0.9, "right")), Policy(0.5), CostModel(100.0, TERMS.costs))
    assert (found.note, found.money_per_day) == (NO_SECONDS, Interval(None, None, None, 1))


@settings(max_examples=30)
@given(
    cases(min_size=1, outcomes=OUTCOMES[:3]),
    POLICIES,
    st.floats(0, 1000),
    st.floats(0, 1000),
    st.floats(0, 5),
)
def test_money_is_linear_in_the_costs(rows, policy, review, escape, times):
    def money(r, e):
        terms = CostModel(100.0, UnitCosts(r, e, 0), 0.0)
        return policy_consequence(cumulative(rows), policy, terms).money_per_day.value

    assert money(review, escape) == pytest.approx(money(review, 0) + money(0, escape))
    assert money(times * review, times * escape) == pytest.approx(times * money(review, escape))


@settings(max_examples=40)
@given(cases(min_size=1), POLICIES, LIMITS)
def test_a_stricter_policy_reviews_more_and_leaks_less(rows, policy, limit):
    whole = cumulative(rows)
    loose = policy_consequence(whole, Policy(policy.threshold), TERMS)
    strict = policy_consequence(whole, Policy(policy.threshold, epistemic_limit=limit), TERMS)
    assert strict.review_rate.value >= loose.review_rate.value
    assert loose.coverage.value + loose.review_rate.value == pytest.approx(1)
    if loose.leakage.n:
        assert strict.leakage.value <= loose.leakage.value
        # the same wrong answers over more cases
        assert loose.leakage.value <= (loose.selective_risk.value or 0) + 1e-12


@given(POLICIES)
def test_a_policy_comes_back_from_json(policy):
    assert Policy.from_dict(json.loads(json.dumps(policy.to_dict()))) == policy


def test_a_sum_of_decimals_is_the_threshold_it_means():
    assert Policy(0.1 + 0.2) == Policy(0.3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threshold": 0.12345}, "multiple of 0.001"),
        ({"threshold": float("nan")}, "multiple of 0.001"),
        ({"threshold": None}, "None in a policy is neither"),
        ({"threshold": True}, "True in a policy is neither"),
        ({"by_class": {"x": "0.9"}}, "'0.9' is not allowed"),
        ({"by_class": [0.5]}, "by_class .* is not a mapping"),
        ({"by_cell": [{"segment": "A"}]}, "by_cell .* is not a list"),
        ({"by_cell": 3}, "by_cell 3 is not a list"),
        ({"epistemic_limit": 0.06}, "Epistemic limit 0.06 is not allowed"),
        ({"treshold": 0.9}, "A policy has the names"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        Policy.from_dict({**Policy(0.5).to_dict(), **change})


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_terms_and_limits_that_cannot_be_are_refused(bad):
    with pytest.raises(SettingsError, match=f"cases_per_day {bad}"):
        CostModel(bad, TERMS.costs)
    with pytest.raises(SettingsError, match=f"leakage limit {bad}"):
        LeakageLimit(bad)
    with pytest.raises(SettingsError, match=f"selective_risk limit {bad}"):
        SelectiveRiskLimit(bad)


@settings(max_examples=40)
@given(cases(), POLICIES, POLICIES)
def test_cases_that_change_side_are_counted_as_directly(rows, before, after):
    *names, confidence, epistemic = columns(rows)
    outcome = np.array(names.pop(), dtype=object)
    old, new = (policy.accepts(*names, confidence, epistemic) for policy in (before, after))
    found = decision_changes(cumulative(rows), before, after)
    for side, mask in ((found.to_review, old & ~new), (found.to_acceptance, new & ~old)):
        assert side == {o: int((outcome[mask] == o).sum()) for o in OUTCOMES}


@settings(max_examples=40)
@given(cases(), st.integers(0, 1000), st.integers(0, 1000))
def test_cases_between_two_thresholds_are_counted_as_directly(rows, one, other):
    segment, predicted, outcome, confidence, _ = columns(rows)
    histogram = Histogram.from_predictions(
        segment, predicted, outcome, confidence, SEGMENTS, CLASSES
    )
    found = cases_between_thresholds(histogram, one / 1000, other / 1000)
    inside = (confidence >= found.low) & (confidence < found.high)
    assert (found.low, found.high) == (min(one, other) / 1000, max(one, other) / 1000)
    assert found.by_outcome == {
        o: int((np.array(outcome, dtype=object)[inside] == o).sum()) for o in OUTCOMES
    }
    assert (found.cases, found.end_bin - found.first_bin) == (
        int(inside.sum()),
        3 * abs(one - other),
    )
