"""The verdict on a policy by hand, and a choice of groups that is judged on other cases than it was
made on.
"""

import numpy as np
import pandas as pd
import pytest

from core.counts.joint import REVIEW_ALL
from core.counts.tally import LeakageLimit, SelectiveRiskLimit
from core.decision.thresholds import verdict
from core.decision.thresholds.consequence import policy_consequence
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.verdict import (
    cross_fitted_route,
    groups_to_send,
    policy_verdict,
    send_to_people,
)
from core.errors import NoCasesError, SettingsError
from tests.joints import simple

# a review costs 5 and an escape 50; inference is free
COSTS = UnitCosts(review=5, escape=50, machine_hour=0)
MODEL = CostModel(100.0, COSTS, seconds_per_case=0.0)


def consequence(right: int, wrong: int, below: int, model: CostModel = MODEL, t: float = 0.5):
    """Of cases accepted at 0.5 (right, wrong) and of cases below it."""
    rows = [(0.9, "right")] * right + [(0.9, "wrong")] * wrong + [(0.1, "right")] * below
    return policy_consequence(simple(*rows), Policy(t), model)


def test_a_saving_that_is_certain_is_adopted():
    found = policy_verdict(consequence(990, 10, 0))
    # 500 for reviewing everything less 100 * 50 * 1%
    assert (found.decision, found.reasons) == (verdict.ADOPT, ())
    assert found.saving_per_day.value == pytest.approx(450)
    assert found.saving_per_day.low < 450 < found.saving_per_day.high
    leakage = consequence(990, 10, 0).leakage
    assert found.saving_per_day.low == pytest.approx(500 - 5000 * leakage.high)
    assert found.saving_per_day.n == 1000


def test_a_saving_whose_interval_reaches_zero_needs_more_labels():
    # 1 of 20 is wrong: saves 500 - 250 a day, but Wilson's upper bound is .236
    found = policy_verdict(consequence(19, 1, 0))
    assert found.saving_per_day.value == pytest.approx(250)
    assert (found.decision, found.reasons) == (
        verdict.ADOPT_WITH_CONDITIONS,
        (verdict.SAVING_UNCERTAIN,),
    )


def test_a_risk_limit_is_kept_at_the_upper_bound_or_is_a_condition():
    point = consequence(990, 10, 0)
    assert policy_verdict(point, LeakageLimit(0.02)).decision == verdict.ADOPT
    assert policy_verdict(point, LeakageLimit(0.011)).reasons == (verdict.RISK_UNCERTAIN,)
    for limit in (LeakageLimit(0.009), SelectiveRiskLimit(0.009)):
        found = policy_verdict(point, limit)
        assert (found.decision, found.reasons) == (
            verdict.DO_NOT_ADOPT,
            (verdict.RISK_ABOVE_LIMIT,),
        )


@pytest.mark.parametrize(
    ("point", "reasons"),
    [
        (consequence(5, 5, 0), (verdict.MOSTLY_WRONG, verdict.COSTS_MORE)),
        (consequence(0, 0, 10), (verdict.ACCEPTS_NOTHING,)),
        (consequence(8, 2, 0), (verdict.COSTS_MORE,)),
        (consequence(9, 1, 0, CostModel(100.0, COSTS)), (verdict.MONEY_UNKNOWN,)),
    ],
)
def test_a_policy_that_cannot_pay_is_not_adopted(point, reasons):
    found = policy_verdict(point)
    assert (found.decision, found.reasons) == (verdict.DO_NOT_ADOPT, reasons)


def test_groups_go_to_people_where_escapes_cost_more_than_reviews():
    # x: 1 wrong of 10 costs 50 and its reviews 50, which is no more; y: 2 of 10 costs 100
    group = np.array(["x"] * 10 + ["y"] * 10 + ["z"] * 5, dtype=object)
    wrong = np.array([True] + [False] * 9 + [True] * 2 + [False] * 8 + [True] * 5)
    accepted = np.array([True] * 20 + [False] * 5)
    assert groups_to_send(group, accepted, wrong, COSTS) == ("y",)


@pytest.mark.parametrize("by", ["class", "segment"])
def test_a_group_that_goes_to_people_has_no_rule_that_accepts_it(by):
    policy = Policy(
        0.5, by_class={"y": 0.3}, by_segment={"A": 0.2}, by_cell={("A", "x"): 0.1, ("B", "x"): 0.1}
    )
    name = "x" if by == "class" else "A"
    sent = send_to_people(policy, by, [name])
    cells = [(s, k) for s in ("A", "B", "new") for k in ("x", "y")]
    for segment, predicted in cells:
        inside = name in (segment, predicted)
        expected = REVIEW_ALL if inside else policy.threshold_of(segment, predicted)
        assert sent.threshold_of(segment, predicted) == expected


def labelled_cases(n: int, risks: dict[str, float], seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    predicted = generator.choice(list(risks), n)
    wrong = generator.random(n) < np.array([risks[name] for name in predicted])
    return pd.DataFrame(
        {
            "segment": "A",
            "predicted": predicted,
            "outcome": np.where(wrong, "wrong", "right"),
            "confidence": 0.9,
            "epistemic": 0.0,
        }
    )


def test_a_bad_answer_is_sent_to_people_in_every_fold_and_the_rest_is_not():
    cases = labelled_cases(2000, {"good": 0.01, "bad": 0.5}, seed=0)
    route = cross_fitted_route(cases, Policy(0.5), "class", MODEL)
    assert (route.groups, route.chosen_in) == (("bad",), {"bad": 5})
    bad = (cases["predicted"] == "bad").to_numpy()
    wrong = (cases["outcome"] == "wrong").to_numpy()
    assert route.consequence.review_rate.value == pytest.approx(bad.mean())
    assert route.consequence.leakage.value == pytest.approx((wrong & ~bad).mean())
    assert policy_verdict(route.consequence).decision == verdict.ADOPT


def test_a_choice_by_chance_does_not_look_better_than_it_is():
    # 100 groups alike, each at the break-even risk of 10%: sending any to people saves nothing.
    # On its own cases the choice seems to save; cross-fitted, the mean saving is 0.
    risks = {f"g{i:02d}": 0.1 for i in range(100)}
    own, crossed = [], []
    for seed in range(40):
        cases = labelled_cases(1500, risks, seed)
        route = cross_fitted_route(cases, Policy(0.5), "class", MODEL, seed=seed)
        wrong = (cases["outcome"] == "wrong").to_numpy()
        kept = ~cases["predicted"].isin(route.groups).to_numpy()
        plain = 5000 * wrong.mean()
        own.append(plain - (5000 * (wrong & kept).mean() + 500 * (~kept).mean()))
        crossed.append(plain - route.consequence.money_per_day.value)
    assert np.mean(own) > 60
    assert abs(np.mean(crossed)) < 4 * np.std(crossed) / np.sqrt(len(crossed))


def test_unlabelled_cases_are_reviewed_with_their_group_and_choose_nothing():
    cases = labelled_cases(500, {"good": 0.0, "bad": 1.0}, seed=1)
    extra = cases.assign(outcome="unlabelled")
    route = cross_fitted_route(pd.concat([cases, extra]), Policy(0.5), "class", MODEL)
    assert route.groups == ("bad",)
    assert route.consequence.cases == 1000
    assert route.consequence.leakage.n == 500
    assert route.consequence.review_rate.value == (cases["predicted"] == "bad").mean()


def test_what_cannot_be_crossed_is_refused():
    cases = labelled_cases(3, {"good": 0.0}, seed=0)
    with pytest.raises(SettingsError, match="1 folds? is not allowed"):
        cross_fitted_route(cases, Policy(0.5), "class", MODEL, folds=1)
    with pytest.raises(NoCasesError, match="3 labelled cases are fewer than 5 folds"):
        cross_fitted_route(cases, Policy(0.5), "class", MODEL)
    with pytest.raises(SettingsError, match="'cell' is not one of: class, segment"):
        cross_fitted_route(cases, Policy(0.5), "cell", MODEL, folds=2)
