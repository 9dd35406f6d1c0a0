"""The way to a yes: the threshold and the cost of an escape are those at which the verdict turns."""

from dataclasses import replace

import numpy as np
import pytest

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.thresholds.adoption import adoptable_escape, cheapest_adoptable
from core.decision.thresholds.consequence import threshold_consequence
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.daily_money import cost_curve
from core.decision.thresholds.verdict import ADOPT, policy_verdict

STEPS = [step / 1000 for step in range(1001)]


def stream(wrong: float, seed: int = 0) -> AcceptanceCurve:
    """Return 800 cases, of which those without confidence are wrong, and a share of all others."""
    random = np.random.default_rng(seed)
    confidence = random.uniform(0, 1, 800)
    is_right = (random.uniform(0, 1, 800) < confidence) & (random.uniform(0, 1, 800) > wrong)
    outcome = np.where(is_right, "right", "wrong")
    return AcceptanceCurve(
        Histogram.from_predictions(["A"] * 800, ["x"] * 800, outcome, confidence)
    )


def terms_of(escape: float, miss: float = 0.0) -> CostModel:
    return CostModel(400.0, UnitCosts(5.0, escape, 0.5, reviewer_miss=miss), 0.36)


def yes_at(curve: AcceptanceCurve, terms: CostModel) -> dict[float, float]:
    """Return each threshold whose verdict is a yes, with its money a day."""
    found = {t: threshold_consequence(curve, t, terms) for t in STEPS}
    return {
        t: one.money_per_day.estimate[0]
        for t, one in found.items()
        if policy_verdict(one).decision == ADOPT
    }


def test_the_cheapest_yes_is_the_cheapest_of_those_that_the_verdict_adopts():
    curve, terms = stream(0.0), terms_of(10.0)
    money = yes_at(curve, terms)
    found = cheapest_adoptable(cost_curve(curve, terms), terms)
    assert found == (
        max(t for t in money if money[t] == min(money.values())),
        pytest.approx(min(money.values())),
    )
    assert adoptable_escape(cost_curve(curve, terms), terms) is None


@pytest.mark.parametrize("miss", [0.0, 0.02])
def test_below_the_cost_of_an_escape_a_threshold_is_a_yes_and_above_none_is(miss):
    curve, terms = stream(0.2), terms_of(400.0, miss)
    assert yes_at(curve, terms) == {}
    costed = cost_curve(curve, terms)
    assert cheapest_adoptable(costed, terms) is None
    found = adoptable_escape(costed, terms)
    below, above = (
        replace(terms, costs=replace(terms.costs, escape=found.cost * factor))
        for factor in (0.999, 1.001)
    )
    # those of equal counts
    assert max(yes_at(curve, below)) == found.threshold
    assert yes_at(curve, above) == {}
    there = threshold_consequence(curve, found.threshold, terms)
    assert found.coverage == pytest.approx(there.coverage.value)


def test_nothing_makes_a_yes_where_everything_accepted_is_mostly_wrong_or_without_a_label():
    n, terms = 50, terms_of(400.0)
    for outcomes in (["wrong"] * n, ["unlabelled"] * n):
        counts = Histogram.from_predictions(["A"] * n, ["x"] * n, outcomes, [0.9] * n)
        costed = cost_curve(AcceptanceCurve(counts), terms)
        assert cheapest_adoptable(costed, terms) is None
        assert adoptable_escape(costed, terms) is None
