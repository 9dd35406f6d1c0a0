"""The verdict on a policy by hand, and a choice of groups that is judged on other cases than it was
made on.
"""

import pytest

from core.counts.joint import REVIEW_ALL
from core.decision.thresholds import verdict
from core.decision.thresholds.consequence import policy_consequence
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.verdict import (
    policy_verdict,
    send_to_people,
)
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
