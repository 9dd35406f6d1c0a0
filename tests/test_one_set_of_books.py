"""The same scenario costs the same and lets as many wrong answers escape a month on the pages
Decide, Policies, Money and Meeting, in exports, and in the verbs decide and poc.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.money.appraisal import appraise_options
from core.decision.money.cashflow import OPTION_NAMES, STUDENT_REVIEW
from core.decision.thresholds.consequence import threshold_consequence
from core.decision.thresholds.costs import DAYS_PER_MONTH, CostModel, UnitCosts
from core.decision.thresholds.daily_money import cost_curve
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.verdict import policy_verdict
from core.decision.thresholds.volume import VOLUME_UNKNOWN, measured_cases_per_day
from core.report.decision_page import review_all_cost
from core.report.decision_text import decision_record
from core.report.meeting import (
    FrozenScenario,
    MeetingAssumptions,
    run_counts,
    scenario_column,
    scenario_of,
)
from core.report.money_start import (
    MeasuredRuns,
    costs_with_retraining,
    default_scenario,
    unit_costs_of,
    with_unit_costs,
)
from core.report.poc_result import poc_result
from core.report.run_selection import default_selection, same_cases, selectable_runs
from core.store.lines import LineAssumptions, LineSettings
from dashboard.components.sentences import consequence_cards
from dashboard.decide.words import mix_cards
from dashboard.i18n import Words
from tests.stores import make_store

shares = st.floats(0, 1)


@pytest.mark.parametrize(("language", "label"), [("en", "a month"), ("ja", "月間")])
def test_cards_count_escapes_by_month_with_what_reviewers_miss(language, label):
    counts = Histogram.from_predictions(
        ["A"] * 4, ["x"] * 4, ["right", "wrong", "right", "wrong"], np.array([0.9, 0.9, 0.9, 0.1])
    )
    terms = CostModel(100, UnitCosts(4, 120, 0.5, reviewer_miss=0.2), 1.0)
    shown = threshold_consequence(AcceptanceCurve(counts), 0.5, terms)
    # of 100 a day, 25 are wrong and accepted, and 25 are reviewed, of which a fifth stays wrong
    words = Words(language)
    page = {
        card.key: card for card in consequence_cards(words, shown, shown.money_per_month, "AUD")
    }
    mix = {card.key: card for card in mix_cards(words, shown, shown, "AUD")}
    assert page["escapes"].value == mix["mix_escapes"].value == words.number(30 * DAYS_PER_MONTH)
    assert label in page["escapes"].label == mix["mix_escapes"].label


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("books") / "store", "full")


unit_costs = st.builds(
    UnitCosts,
    st.floats(0.1, 1e4),
    st.floats(0, 1e6),
    st.floats(0, 1e3),
    st.sampled_from(["AUD", "JPY"]),
    shares,
    shares,
    shares,
)


@given(
    unit_costs,
    st.floats(0.5, 60),
    st.none() | st.floats(1, 1e5),
    st.booleans(),
    st.integers(0, 950),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_scenario_costs_the_same_a_month_everywhere(store, costs, minutes, volume, unseen, step):
    scored = store.runs("score")
    same = same_cases(scored, default_selection(selectable_runs(scored)))
    record, threshold = same["student"], step / 1000
    curves = {kind: AcceptanceCurve(store.histogram(r.run.run_id)) for kind, r in same.items()}
    facts = MeasuredRuns(same, curves, store.runs(), threshold, volume, unseen, minutes)
    costs = costs_with_retraining(costs, store.runs(), record.run.dataset, minutes)

    whole = volume if volume is not None else measured_cases_per_day(record) or VOLUME_UNKNOWN
    per_day = whole * facts.at("student", 0.0).cases / record.cases
    terms = CostModel(per_day, costs, record.metrics["seconds_per_case"])
    consequence = threshold_consequence(curves["student"], threshold, terms, unseen)
    decide = consequence.money_per_day
    curve = cost_curve(curves["student"], terms, unseen)["money"][step]

    counts = run_counts(store, record.run.run_id)
    frozen = scenario_of("A", counts, Policy(threshold), "", unseen, volume, costs, minutes)
    column = scenario_column(FrozenScenario(frozen, 1, "Ann", None), MeetingAssumptions(), counts)
    meeting = column.measure("money_per_month").value

    options = appraise_options(default_scenario(facts, costs))
    money = sum(options[OPTION_NAMES.index(STUDENT_REVIEW)].monthly.values())
    human = sum(options[0].monthly.values())

    assert decide.value * DAYS_PER_MONTH == pytest.approx(meeting)
    assert curve * DAYS_PER_MONTH == pytest.approx(meeting)
    assert money == pytest.approx(meeting)
    assert terms.review_all * DAYS_PER_MONTH == pytest.approx(human)
    assert review_all_cost(column) == pytest.approx(human)
    escapes = column.measure("escapes_per_month").value
    assert consequence.slips_per_month.value == pytest.approx(escapes)
    student = options[OPTION_NAMES.index(STUDENT_REVIEW)]
    assert student.escapes_per_month == pytest.approx(escapes)


@given(unit_costs, st.floats(0.5, 60), st.none() | st.floats(1, 1e5), st.integers(0, 950))
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_verb_decide_prices_a_threshold_as_the_pages_do(store, costs, minutes, volume, step):
    scored = store.runs("score")
    record = same_cases(scored, default_selection(selectable_runs(scored)))["student"]
    costs = costs_with_retraining(costs, store.runs(), record.run.dataset, minutes)
    decided = decision_record(store, record.run.run_id, step / 1000, volume, costs)
    printed = decided["money"]

    counts = run_counts(store, record.run.run_id)
    scenario = scenario_of(
        "A",
        counts,
        Policy(step / 1000),
        "",
        True,
        volume if volume is not None else measured_cases_per_day(record),
        costs,
        minutes,
    )
    column = scenario_column(FrozenScenario(scenario, 1, "Ann", None), MeetingAssumptions(), counts)
    meeting = column.measure("money_per_month").value
    assert printed["student"]["total_per_day"]["value"] * DAYS_PER_MONTH == pytest.approx(meeting)
    escapes = decided["consequence"]["slips_per_day"]["value"] * DAYS_PER_MONTH
    assert escapes == pytest.approx(column.measure("escapes_per_month").value)
    by_hand = printed["all_human"]["total_per_day"]["value"]
    assert by_hand * DAYS_PER_MONTH == pytest.approx(review_all_cost(column))


@given(st.floats(1, 1e4), st.floats(0.1, 1e4), st.floats(0, 1e6), st.floats(0, 1e3))
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_proof_of_concept_prices_its_student_as_the_pages_do(
    store, volume, review, escape, machine
):
    assumed = LineAssumptions(volume, review, escape, machine, "EUR")
    run_id = "score-work-orders-student-stream"
    result = poc_result(store, LineSettings("work-orders", {"en": assumed}, run_id), "en")
    student = result.student

    record = student.record
    costs = costs_with_retraining(
        UnitCosts(review, escape, machine, "EUR"), store.runs(), record.run.dataset
    )
    assert costs.retraining_per_month > 0
    terms = CostModel(volume, costs, record.metrics["seconds_per_case"])
    curve = AcceptanceCurve(store.histogram(record.run.run_id))
    decide = threshold_consequence(curve, student.consequence.threshold, terms)
    assert student.consequence.money_per_day.value == pytest.approx(decide.money_per_day.value)
    assert result.verdict == policy_verdict(decide)


@given(unit_costs, st.floats(0.5, 60))
@settings(max_examples=30, deadline=None)
def test_unit_costs_go_into_a_scenario_and_come_back(store, costs, minutes):
    scored = store.runs("score")
    same = same_cases(scored, default_selection(selectable_runs(scored)))
    curves = {k: AcceptanceCurve(store.histogram(r.run.run_id)) for k, r in same.items()}
    begun = default_scenario(
        MeasuredRuns(same, curves, store.runs(), 0.2, None), UnitCosts(4.0, 120.0, 0.5)
    )
    found, same_minutes = unit_costs_of(with_unit_costs(begun, costs, minutes))
    assert same_minutes == pytest.approx(minutes)
    assert found.currency == costs.currency
    for name in (
        "review",
        "escape",
        "machine_hour",
        "reviewer_miss",
        "audit_share",
        "cashed_share",
    ):
        assert getattr(found, name) == pytest.approx(getattr(costs, name), rel=1e-6, abs=1e-9)
