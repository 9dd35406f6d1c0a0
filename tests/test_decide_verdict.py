"""The verdict at every place of the handle is core's verdict on the same counts, and says why."""

from dataclasses import replace

import numpy as np
import pytest

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.staffing.headcount import FullTime
from core.decision.thresholds import daily_money
from core.decision.thresholds.consequence import threshold_consequence
from core.decision.thresholds.costs import DAYS_PER_MONTH, CostModel, UnitCosts
from core.decision.thresholds.verdict import MONEY_UNKNOWN, break_even_escape, policy_verdict
from dashboard.decide import live
from dashboard.decide.verdict import AgainstReview, describe_thresholds
from dashboard.i18n import LANGUAGE_NAMES, Words

FULL_TIME = FullTime(5, 7.5, 0.8)
AGAINST = AgainstReview(5 * 400.0, FULL_TIME, "AUD")


def described(
    outcomes, confidence, escape: float, language: str = "en", seconds=0.36, against=AGAINST
):
    """Return the curve's counts, the cost model, and what is said at every threshold."""
    n = len(outcomes)
    counts = AcceptanceCurve(Histogram.from_predictions(["A"] * n, ["x"] * n, outcomes, confidence))
    terms = CostModel(400.0, UnitCosts(5, escape, 0.5), seconds)
    costed = daily_money.cost_curve(counts, terms)
    return counts, terms, describe_thresholds(Words(language), costed, 400.0, against)


@pytest.mark.parametrize("escape", [10.0, 60.0, 400.0])
def test_the_verdict_of_the_curve_is_cores_verdict_at_each_threshold(escape):
    random = np.random.default_rng(3)
    confidence = random.uniform(0, 1, 600)
    outcomes = np.where(random.uniform(0, 1, 600) < confidence, "right", "wrong").tolist()
    counts, terms, said = described(outcomes, confidence, escape)
    for step in range(0, 1001, 50):
        verdict = policy_verdict(threshold_consequence(counts, step / 1000, terms))
        assert said[step].verdict == verdict.decision, step
        assert MONEY_UNKNOWN not in verdict.reasons


def test_all_three_verdicts_and_their_tiles_by_hand():
    """90 right at 0.9, 10 wrong at 0.2, 400 a day; a review costs 5, an escape 400. At 0.5: 40
    reviews a day, one person (51.4 reviews a day each); no escape of 100, up to 3.70% (Wilson).
    """
    _, _, said = described(["right"] * 90 + ["wrong"] * 10, [0.9] * 90 + [0.2] * 10, 400.0)
    assert said[500].sentence.startswith("90% is accepted automatically; 40 a day need review:")
    assert said[500].tiles[0].value == "40"
    assert said[500].tiles[0].lines[0] == "1 person"
    # 40 * 5 + 0 = 200 of 2,000 a day; at the upper bound 200 + 400 * 400 * 0.0370 = 6,119
    assert said[500].verdict == "adopt_with_conditions"
    assert said[0].verdict == "do_not_adopt"  # 40 escapes a day cost 16,000
    assert said[1000].sentence == (
        "Nothing is accepted automatically: all 400 cases a day need review: 8 people."
    )


def test_a_no_names_the_labels_not_learned_and_the_cost_of_an_escape_that_would_make_it_a_yes():
    """80 right and 20 of unknown labels at 0.9, 400 a day: all are accepted at 0.5, with 80 escapes
    a day at 400 each. The reviews saved cost 400 * 5 = 2,000 a day, less 400 * 0.36 s * 0.50 an hour
    = 0.02 for the machine: an escape may cost 1,999.98 / 80 = 25.00.
    """
    outcomes = ["right"] * 80 + ["unseen"] * 20
    against = replace(AGAINST, escape=400.0, untrained=0.2)
    _, terms, verdicts = described(outcomes, [0.9] * 100, 400.0, against=against)
    assert verdicts[500].sentence.startswith(
        "20% of the cases have labels that the model did not learn: every answer to them is wrong."
    )
    assert verdicts[500].sentence.endswith(
        " It would pay if an escape cost less than A$25.00, not A$400.00."
    )
    even = replace(terms, costs=replace(terms.costs, escape=1_999.98 / 80))
    counts = AcceptanceCurve(
        Histogram.from_predictions(["A"] * 100, ["x"] * 100, outcomes, [0.9] * 100)
    )
    money = threshold_consequence(counts, 0.5, even).money_per_day.value
    assert money == pytest.approx(even.review_all)


def test_reviewers_misses_count_for_both_sides_of_the_break_even():
    """Nothing that costs as much as reviewing everything at any price of an escape has one."""
    assert break_even_escape(-10.0, 0.0, 400.0) is None
    assert break_even_escape(100.0, -1.0, 400.0) is None
    assert break_even_escape(900.0, 2.0, 400.0) is None  # 900 of 800 are no escapes' cost
    assert break_even_escape(700.0, 2.0, 400.0) == 50.0


def test_what_is_mostly_wrong_is_not_adopted_however_cheap_an_escape_is():
    _, _, said = described(["right"] * 50 + ["wrong"] * 50, [0.9] * 100, 0.01)
    assert said[500].verdict == "do_not_adopt"
    assert "But 50% of what it accepts is wrong." in said[500].sentence


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_without_labels_there_is_no_verdict_yet(language):
    _, _, said = described(["unlabelled"] * 40, [0.9] * 40, 10.0, language)
    assert said[500].verdict == "unknown"
    assert [tile.value for tile in said[500].tiles][1:] == ["–", "–"]


@pytest.mark.parametrize(("language", "unit"), [("en", 1.0), ("ja", 10_000.0)])
def test_the_handle_brings_the_scale_of_the_chart_whose_point_it_moves(language, unit):
    """The chart's money is a month, in ten thousands of yen for a Japanese reader."""
    counts = AcceptanceCurve(
        Histogram.from_predictions(["A"] * 2, ["x"] * 2, ["wrong"] * 2, [0.9] * 2)
    )
    costed = daily_money.cost_curve(
        counts, CostModel(400.0, UnitCosts(500, 30_000, 50, "JPY"), 0.36)
    )
    against = replace(AGAINST, review_all=500 * 400.0, currency="JPY")
    sent = live.contents(Words(language), costed, 400.0, against, {})
    assert sent["chartScale"] == pytest.approx(DAYS_PER_MONTH / unit)
