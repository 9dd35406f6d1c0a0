"""The scenario that a run's figures begin with: what is measured, what is assumed, and how a
person's edit makes room.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.counts.histogram import AcceptanceCurve
from core.decision.money.scenario import assumed_quantity
from core.decision.thresholds.costs import UnitCosts
from core.errors import NotFoundError
from core.report.money_start import (
    MeasuredRuns,
    default_scenario,
    edited_measurements,
    measured_quantities,
    quantity_with_end,
    refresh_measured,
)
from core.report.run_selection import default_selection, same_cases, selectable_runs
from tests.stores import make_store

COSTS = UnitCosts(4.0, 120.0, 0.5, "AUD")
amounts = st.floats(0, 1e6)


@pytest.fixture(scope="module", params=["full", "tiny"])
def facts(request, tmp_path_factory):
    store = make_store(tmp_path_factory.mktemp(request.param) / "store", request.param)
    scored = store.runs("score")
    same = same_cases(scored, default_selection(selectable_runs(scored)))
    counts = {
        kind: AcceptanceCurve(store.histogram(record.run.run_id)) for kind, record in same.items()
    }
    return MeasuredRuns(same, counts, store.runs(), 0.2, None)


def test_what_is_measured_names_its_runs_and_the_rest_is_assumed(facts):
    known, scenario = measured_quantities(facts), default_scenario(facts, COSTS)
    for name, quantity in scenario.inputs().items():
        assert (quantity.basis == "measured") == (name in known) == bool(quantity.runs)
    assert {"cases_per_month", "student_coverage", "student_error", "student_seconds"} <= set(known)
    assert ("teacher_coverage" in known) == ("teacher" in facts.same)


def test_an_edit_of_what_a_run_measures_is_named(facts):
    scenario = default_scenario(facts, COSTS)
    assert edited_measurements(scenario, seconds_measured=True) == []
    inputs = scenario.inputs()
    names = ("student_coverage", "student_seconds", "escape")
    edited = scenario.changed(**{n: quantity_with_end(inputs[n], "likely", 0.3) for n in names})
    assert edited_measurements(edited, seconds_measured=True) == [
        "student_coverage",
        "student_seconds",
    ]
    # What no run measures is an assumption everywhere, not an edit.
    assert edited_measurements(edited, seconds_measured=False) == ["student_coverage"]


def test_the_volume_is_the_count_over_its_days_with_a_poisson_interval(facts):
    record, found = facts.same["student"], measured_quantities(facts)["cases_per_month"]
    days = (record.last_at.date() - record.first_at.date()).days + 1
    assert found.likely == pytest.approx(record.cases / days * 365.25 / 12)
    # Garwood's interval of a count of 3, from printed tables: 0.6187 to 8.7673
    if record.cases == 3:
        assert found.low / found.likely == pytest.approx(0.6187 / 3, abs=1e-4)
        assert found.high / found.likely == pytest.approx(8.7673 / 3, abs=1e-4)


def test_a_typed_volume_is_assumed(facts):
    typed = MeasuredRuns(facts.same, facts.counts, facts.records, 0.2, 1000.0)
    assert "cases_per_month" not in measured_quantities(typed)
    assert default_scenario(typed, COSTS).cases_per_month.likely == pytest.approx(
        1000 * 365.25 / 12
    )


def test_the_unit_costs_of_the_other_page_are_the_likely_ones(facts):
    scenario = default_scenario(facts, COSTS)
    assert scenario.reviewer_hour.likely * scenario.review_minutes.likely / 60 == pytest.approx(
        COSTS.review
    )
    assert (scenario.escape.likely, scenario.machine_hour.likely) == (
        COSTS.escape,
        COSTS.machine_hour,
    )


def test_without_a_student_there_is_no_scenario(facts):
    with pytest.raises(NotFoundError, match="No student has scored these cases"):
        default_scenario(MeasuredRuns({}, {}, facts.records, 0.2, None), COSTS)


def test_measuring_anew_keeps_what_somebody_assumed(facts):
    scenario = default_scenario(facts, COSTS).changed(
        student_error=assumed_quantity(0.1, 0.2, 0.3, "share")
    )
    again = refresh_measured(
        scenario,
        measured_quantities(MeasuredRuns(facts.same, facts.counts, facts.records, 0.0, None)),
    )
    assert again.student_error.likely == 0.2
    assert again.student_coverage.likely == 1.0  # threshold 0 accepts everything


@given(
    st.lists(amounts, min_size=3, max_size=3), st.sampled_from(["low", "likely", "high"]), amounts
)
def test_a_moved_end_wins_and_the_others_give_way(points, end, value):
    """Quantity refuses low > likely > high, so it is enough that it is made."""
    before = assumed_quantity(*sorted(points), "hours")
    after = quantity_with_end(before, end, value)
    assert getattr(after, end) == value
    assert all(x in (*before.points, value) for x in after.points)


def test_the_minutes_of_a_review_are_those_of_the_desk_and_give_a_reviewers_hour(facts):
    """A review of 10 minutes at 4.0 is 24.0 an hour."""
    desk = replace(facts, minutes=10.0)
    scenario = default_scenario(desk, replace(COSTS, review=4.0))
    assert scenario.review_minutes.points == pytest.approx((5.0, 10.0, 20.0))
    assert scenario.reviewer_hour.likely == pytest.approx(24.0)
