"""What a meeting freezes, what follows from it on today's data, and the log of what it decided."""

import json

import pandas as pd
import pytest

from core.counts.histogram import AcceptanceCurve
from core.decision.meeting.scenario import (
    MeetingAssumptions,
    MeetingScenario,
    counts_version,
    meeting_figures,
)
from core.decision.thresholds import consequence
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.policy import Policy
from core.errors import NotFoundError, SettingsError, StoreError
from core.report import meeting
from core.store.ledger import Ledger
from core.store.meetings import Meetings
from core.store.parts import write_part
from tests.stores import make_rows, make_store

RUN = "score-work-orders-student-stream"
COSTS = UnitCosts(4.0, 120.0, 0.5, "AUD")
# On paper: 10 cases; t = 0.5 accepts 2 right and 1 wrong of X, 1 unseen and 1 unlabelled of Y; the
# rest goes to people.
ROWS = pd.DataFrame(
    [
        ("X", "a", "right", 900, 0, 2),
        ("X", "a", "wrong", 500, 0, 1),
        ("X", "b", "right", 499, 0, 3),
        ("Y", "b", "unseen", 700, 3, 1),
        ("Y", "b", "unlabelled", 600, 0, 1),
        ("Y", "a", "wrong", 100, 0, 2),
    ],
    columns=["segment", "predicted", "outcome", "step", "epistemic_bin", "n"],
)


def scenario(**changes) -> MeetingScenario:
    fields = {
        "name": "A",
        "run_id": "r",
        "model_kind": "student",
        "model_hash": "a" * 64,
        "dataset": "d",
        "inputs_hash": "b" * 64,
        "data_version": counts_version(ROWS, 36.0),
        "policy": Policy(0.5).to_dict(),
        "cases_per_day": 100.0,
        "review": 2.0,
        "escape": 10.0,
        "machine_hour": 1.0,
        "currency": "AUD",
    }
    return MeetingScenario(**(fields | changes))


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store", "tiny")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Return the demo's store; only read."""
    return make_store(tmp_path_factory.mktemp("meeting") / "store", "full")


def present(
    store, name: str = "A", t: float = 0.5, segment: str = "", **changes
) -> MeetingScenario:
    found = meeting.scenario_of(
        name, meeting.run_counts(store, RUN), Policy(t), segment, True, 100.0, COSTS
    )
    return MeetingScenario.from_dict(found.to_dict() | changes)


# --- the scenario


def test_a_scenario_comes_back_from_json_as_it_was():
    policy = Policy(
        0.5, by_segment={"検査": 0.9}, by_cell={("X", "a"): "review_all"}, epistemic_limit=0.1
    )
    made = scenario(policy=policy.to_dict(), segment="X", unseen=False)
    assert MeetingScenario.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert made.rule == policy


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": 2}, "Meeting scenario version 2 is not known: this program reads version 1"),
        ({"format": "money"}, "Field format of the meeting scenario"),
        ({"name": "Z"}, "Field name of the meeting scenario"),
        ({"model_hash": "xyz"}, "Field model_hash of the meeting scenario"),
        ({"policy": {}}, "A policy has the names threshold"),
        (
            {"policy": Policy(0.5).to_dict() | {"threshold": 0.12345}},
            "Threshold 0.12345 is not allowed",
        ),
        ({"review": float("nan")}, "Cost per review nan is not allowed"),
        ({"cases_per_day": float("inf")}, "cases_per_day inf is not allowed"),
        ({"more": 1}, "Field more of the meeting scenario"),
    ],
)
def test_a_scenario_that_says_something_else_is_refused(changes, says):
    with pytest.raises(SettingsError, match=says):
        MeetingScenario.from_dict(scenario().to_dict() | changes)


# --- the figures


def test_the_figures_can_be_worked_out_on_paper():
    """5 of 10 accepted; 2 of 4 accepted with a label are wrong; 2 of 9 labelled. 36 s at 1 an hour
    are 0.01 a case.

    A day: 50 reviews at 2, 100 * 2/9 escapes at 10, 100 cases at 0.01; a month is 365.25 / 12 days.
    """
    found = meeting_figures(scenario(), ROWS, 36.0)
    assert (found.consequence.coverage.value, found.consequence.coverage.n) == (0.5, 10)
    assert (found.consequence.selective_risk.value, found.consequence.selective_risk.n) == (0.5, 4)
    assert (found.consequence.leakage.value, found.consequence.leakage.n) == (2 / 9, 9)
    assert found.consequence.reviews_per_day.value == 50
    month = 365.25 / 12
    assert found.escapes_per_month.value == pytest.approx(100 * 2 / 9 * month)
    assert found.money_per_month.value == pytest.approx((100 + 2000 / 9 + 1) * month)
    assert found.cases == 10


def test_a_segment_and_unseen_labels_take_their_share_of_the_volume_with_them():
    without = meeting_figures(scenario(unseen=False), ROWS, 36.0).consequence
    assert (without.cases_per_day, without.leakage.value, without.coverage.value) == (
        90,
        1 / 8,
        4 / 9,
    )
    alone = meeting_figures(scenario(segment="X"), ROWS, 36.0).consequence
    assert (alone.cases_per_day, alone.coverage.value) == (60, 0.5)
    assert (
        meeting_figures(scenario(segment="nowhere"), ROWS, 36.0).consequence.coverage.value is None
    )


def test_a_policy_of_several_thresholds_decides_each_cell_by_its_own():
    # bins 0 to 2 pass, 3 does not
    policy = Policy(0.5, by_segment={"X": "review_all"}, epistemic_limit=0.02)
    found = meeting_figures(scenario(policy=policy.to_dict()), ROWS, None)
    assert found.consequence.coverage.value == 0.1
    assert found.money_per_month.value is None
    assert found.consequence.note == "no_seconds"


@pytest.mark.parametrize("t", [0.0, 0.3, 0.777, 1.0])
@pytest.mark.parametrize("segment", ["", "C"])
@pytest.mark.parametrize("unseen", [True, False])
def test_the_figures_are_those_of_the_page_that_was_frozen(full, t, segment, unseen):
    now = meeting.run_counts(full, RUN)
    made = meeting.scenario_of("A", now, Policy(t), segment, unseen, 100.0, COSTS)
    found = meeting_figures(made, now.rows, now.seconds_per_case).consequence
    histogram = full.histogram(RUN)
    counts = AcceptanceCurve(histogram if not segment else histogram.select(segments=(segment,)))
    means = consequence.threshold_consequence(counts, t, CostModel(found.cases_per_day), unseen)
    for name in (
        "coverage",
        "review_rate",
        "selective_risk",
        "leakage",
        "reviews_per_day",
        "escapes_per_day",
    ):
        one, other = getattr(found, name), getattr(means, name)
        assert (one.value, one.low, one.high, one.n) == pytest.approx(
            (other.value, other.low, other.high, other.n)
        )


def test_money_is_linear_in_the_assumptions_and_counts_do_not_move():
    def money(**changes):
        return meeting_figures(
            MeetingAssumptions(**changes).applied(scenario()), ROWS, 36.0
        ).money_per_month.value

    assert (
        money(review=3.0) - money()
        == pytest.approx(money(review=4.0) - money(review=3.0))
        == pytest.approx(50 * 30.4375)
    )
    assert money(cases_per_day=200.0) == pytest.approx(2 * money())
    edited = MeetingAssumptions(escape=0.0, cases_per_day=7.0)
    assert edited.edited == ("escape", "cases_per_day")
    assert (
        meeting_figures(edited.applied(scenario()), ROWS, 36.0).consequence.leakage
        == meeting_figures(scenario(), ROWS, 36.0).consequence.leakage
    )
    assert MeetingAssumptions().applied(scenario()) == scenario()
    with pytest.raises(SettingsError, match="Cost per escape -1.0 is not allowed"):
        MeetingAssumptions(escape=-1.0).applied(scenario())


# --- the data version


def test_the_data_version_knows_every_count_and_no_order():
    mixed = pd.concat([ROWS.iloc[3:], ROWS.iloc[:3]]).astype({"segment": "category"})
    parts = pd.concat([ROWS.assign(n=1), ROWS.assign(n=ROWS["n"] - 1)])
    first = counts_version(ROWS, 36.0)
    assert counts_version(mixed, 36.0) == first == counts_version(parts[parts["n"] > 0], 36.0)
    assert counts_version(ROWS, 35.0) != first
    assert counts_version(ROWS.assign(n=ROWS["n"] + (ROWS.index == 2)), 36.0) != first
    assert counts_version(ROWS.assign(step=ROWS["step"] - (ROWS.index == 1)), 36.0) != first


def test_a_part_that_comes_in_later_is_seen_and_the_figures_are_those_of_today(store):
    frozen = meeting.freeze_scenario(store, present(store, t=0.0), "Ito")
    before = meeting.scenario_column(frozen, MeetingAssumptions(), meeting.run_counts(store, RUN))
    assert before.unchanged
    assert before.measure("coverage").n == 3
    store.ingest_part(RUN, 1, write_part(store.folder, RUN, 1, make_rows(50, seed=5, first=1000)))
    after = meeting.scenario_column(frozen, MeetingAssumptions(), meeting.run_counts(store, RUN))
    assert not after.unchanged
    assert after.measure("coverage").n == 53


# --- the ledger


def test_freezing_again_is_the_next_version_and_exactly_the_same_is_none(store):
    first = meeting.freeze_scenario(store, present(store), "伊藤")
    assert meeting.freeze_scenario(store, present(store), "Sato") == first
    second = meeting.freeze_scenario(store, present(store, t=0.6), "Sato")
    b = meeting.freeze_scenario(store, present(store, name="B"), "Sato")
    assert [(one.scenario.name, one.version, one.author) for one in (first, second, b)] == [
        ("A", 1, "伊藤"),
        ("A", 2, "Sato"),
        ("B", 1, "Sato"),
    ]
    assert meeting.frozen_scenarios(store) == [second, b]
    assert Ledger(store).scenario("meeting A", 1).content == first.scenario.to_dict()


def test_scenarios_of_other_pages_are_left_alone_and_a_newer_format_says_so(store):
    Ledger(store).add_scenario("A", {"currency": "AUD"}, "Sato")
    assert meeting.frozen_scenarios(store) == []
    Ledger(store).add_scenario("meeting A", present(store).to_dict() | {"version": 9}, "Sato")
    with pytest.raises(SettingsError, match="Meeting scenario version 9 is not known"):
        meeting.frozen_scenarios(store)


def test_differences_are_against_the_first_and_leave_out_other_money(full):
    now = meeting.run_counts(full, RUN)
    made = [
        present(full),
        present(full, name="B", t=0.8),
        present(full, name="C", currency="JPY", segment="C"),
    ]
    at = pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime()
    columns = [
        meeting.scenario_column(meeting.FrozenScenario(one, 1, "x", at), MeetingAssumptions(), now)
        for one in made
    ]
    b, c = meeting.scenario_differences(columns)
    assert (b.name, b.base, b.same_cases, c.same_cases) == ("B", "A", True, False)
    assert set(b.measures) - set(c.measures) == {"money_per_month"}
    for name, found in b.measures.items():
        assert found.value == pytest.approx(
            columns[1].measure(name).value - columns[0].measure(name).value
        )
    assert b.measures["coverage"].high < 0  # stricter
    frame = meeting.compare_frame(columns)
    assert len(frame) == 3 * len(meeting.SCENARIO_MEASURES)
    assert frame["n"].min() > 0


def test_an_active_policy_that_is_none_of_ours_is_not_offered(store):
    assert meeting.active_thresholds(store) is None
    ledger = Ledger(store)
    for content, expected in (
        ({"global": 0.8}, None),
        (Policy(0.7).to_dict(), ("line v2", Policy(0.7))),
    ):
        version = ledger.add_policy("line", content, "Sato", "try").version
        for event in ("approve", "activate"):
            ledger.add_policy_event("line", version, event, "Sato", "try")
        assert meeting.active_thresholds(store) == expected


def test_the_units_of_a_proof_of_concept_are_the_segments_and_all_of_them(full):
    now, at = meeting.run_counts(full, RUN), pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime()
    whole = meeting.scenario_column(
        meeting.FrozenScenario(present(full), 1, "x", at), MeetingAssumptions(), now
    )
    found = meeting.trial_units(whole, now)
    assert [one.segment for one in found] == ["", "A", "B", "C", "D", "E"]
    assert (
        sum(one.cases_per_day for one in found[1:])
        == pytest.approx(found[0].cases_per_day)
        == pytest.approx(100)
    )
    alone = meeting.scenario_column(
        meeting.FrozenScenario(present(full, segment="C"), 1, "x", at), MeetingAssumptions(), now
    )
    assert [one.segment for one in meeting.trial_units(alone, now)] == ["C"]


# --- the decision log


def test_a_decision_is_kept_as_it_was_written_and_once_for_each_token(store):
    frozen = meeting.freeze_scenario(store, present(store), "Ito")
    log = Meetings(store)
    first = log.add("t1", "=1+1 をA案で", "<b>費用</b>", "佐藤", frozen.key)
    assert log.add("t1", "=1+1 をA案で", "<b>費用</b>", "佐藤", frozen.key) == first
    second = log.add("t2", "wait", "too few labels", "Ito")
    assert log.decisions() == [first, second] == meeting.meeting_decisions(store)
    assert (first.scenario, first.scenario_version, second.scenario) == ("meeting A", 1, None)
    assert first.decided_at <= second.decided_at


def test_a_decision_that_says_too_little_or_speaks_of_nothing_is_refused(store):
    log = Meetings(store)
    with pytest.raises(SettingsError, match="reason '' is not allowed"):
        log.add("t", "x", "", "Ito")
    with pytest.raises(NotFoundError, match="no scenario 'meeting A' of version 1"):
        log.add("t", "x", "y", "Ito", ("meeting A", 1))
    log.add("t", "x", "y", "Ito")
    with pytest.raises(
        StoreError,
        match="this form has written the decision 'x' already: open the page again for another",
    ):
        log.add("t", "other", "y", "Ito")
    assert len(log.decisions()) == 1


def test_later_decisions_leave_the_log_before_them_as_it_was(store):
    log = Meetings(store)
    for token in "abc":
        before = log.decisions()
        log.add(token, f"decision {token}", "why", "Ito")
        assert log.decisions()[:-1] == before
