"""What people decide is kept by version, in order, and never changed: policies, scenarios,
verdicts, decisions.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from core.errors import NonFiniteError, NotFoundError, SettingsError, StoreError
from core.store.audits import Audits
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.store import Store
from tests.stores import make_store

RUN = "score-work-orders-student-stream"
CASES = [f"stream-{i:07d}" for i in range(3)]
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
SAID = ReviewVerdict(RUN, CASES[0], "wrong", "佐藤", NOON, label="boom")
APPEND_ONLY = ("policies", "policy_events", "scenarios", "verdicts", "decisions")


@pytest.fixture
def store(tmp_path) -> Store:
    """Return a store with one run of three cases."""
    return make_store(tmp_path / "store", "tiny")


@pytest.fixture
def ledger(store) -> Ledger:
    return Ledger(store)


@pytest.fixture
def reviews(store) -> Reviews:
    return Reviews(store)


def add(ledger: Ledger, name: str = "line 1", threshold: float = 0.8):
    return ledger.add_policy(name, {"global": threshold}, "Suzuki", "first try", [RUN])


def activate(ledger: Ledger, name: str, version: int) -> None:
    for event in ("approve", "activate"):
        ledger.add_policy_event(name, version, event, "Tanaka", "meeting of July")


def row_counts(store: Store) -> dict[str, int]:
    with store.atomic() as connection:
        return {
            t: connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in APPEND_ONLY
        }


def rows_by_table(store: Store) -> dict[str, list[tuple]]:
    """Return every row of the append-only tables, in the order in which they were written."""
    with store.atomic() as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()
            for table in APPEND_ONLY
        }


# --- policies


def test_a_policy_comes_back_as_it_was_given_and_later_versions_leave_it_alone(ledger):
    certificate = {"n": np.int64(2000), "delta": 0.05}
    first = ledger.add_policy("検査ライン", {"global": 0.8}, "鈴木", "初回", [RUN], certificate)
    second = ledger.add_policy("検査ライン", {"global": 0.9}, "鈴木", "stricter")
    assert (first.version, first.content, first.runs, first.certificate) == (
        1,
        {"global": 0.8},
        (RUN,),
        {"n": 2000, "delta": 0.05},
    )
    assert (second.version, second.runs, second.certificate) == (2, (), None)
    assert ledger.policy("検査ライン", 1) == first
    assert ledger.policy("検査ライン") == second
    assert first.created_at.tzinfo == UTC


def test_versions_are_counted_for_each_name_and_listed_newest_first(ledger):
    made = [add(ledger, name) for name in ("a", "b", "a")]
    assert [(p.name, p.version) for p in made] == [("a", 1), ("b", 1), ("a", 2)]
    assert ledger.policies() == made[::-1]
    assert [p.version for p in ledger.policies("a")] == [2, 1]


def test_a_policy_of_a_run_that_is_not_there_or_with_a_nan_is_not_kept(ledger, store):
    with pytest.raises(NotFoundError, match="no run 'nope' in the store"):
        ledger.add_policy("a", {}, "Suzuki", "why", [RUN, "nope"])
    with pytest.raises(
        NonFiniteError,
        match="thresholds of 'a' hold a number that is NaN or infinite: 'global' = nan",
    ):
        ledger.add_policy("a", {"global": float("nan")}, "Suzuki", "why")
    with pytest.raises(NonFiniteError, match="certificate of 'a'"):
        ledger.add_policy("a", {}, "Suzuki", "why", certificate={"alpha": float("inf")})
    for fields in (
        ("", "Suzuki", "why"),
        ("a", " ", "why"),
        ("a", "Suzuki", ""),
        ("a\n", "Suzuki", "why"),
        ("a" * 201, "S", "w"),
    ):
        with pytest.raises(
            SettingsError, match="is not allowed: use 1 to 200 printable characters"
        ):
            ledger.add_policy(fields[0], {}, *fields[1:])
    assert row_counts(store) == dict.fromkeys(APPEND_ONLY, 0)


def test_an_activated_policy_is_active_until_it_is_undone_and_then_the_one_before_is(ledger):
    assert ledger.active_policy() is None
    for version in (1, 2, 3):
        add(ledger)
        activate(ledger, "line 1", version)
        assert ledger.active_policy("line 1").version == version
    for version in (3, 2):
        event = ledger.add_policy_event("line 1", version, "undo", "Tanaka", "too many escapes")
        assert (event.version, event.event, event.author) == (version, "undo", "Tanaka")
        assert ledger.active_policy("line 1").version == version - 1
    ledger.add_policy_event("line 1", 1, "undo", "Tanaka", "too many escapes")
    assert ledger.active_policy() is None
    assert [e.event for e in ledger.policy_events()] == ["propose", "approve", "activate"] * 3 + [
        "undo"
    ] * 3


def test_the_active_policy_of_all_is_the_last_one_and_each_name_has_its_own(ledger):
    for name in ("a", "b"):
        add(ledger, name)
        activate(ledger, name, 1)
    assert [ledger.active_policy(name).name for name in ("a", "b", None)] == ["a", "b", "b"]
    ledger.add_policy_event("a", 1, "undo", "Tanaka", "why")
    assert ledger.active_policy("a") is None
    assert ledger.active_policy().name == "b"


def test_a_version_activated_twice_is_undone_once_at_a_time(ledger):
    for version in (1, 2):
        add(ledger)
        activate(ledger, "line 1", version)
    ledger.add_policy_event("line 1", 1, "activate", "Tanaka", "back")
    ledger.add_policy_event("line 1", 1, "undo", "Tanaka", "and back")
    assert ledger.active_policy().version == 2


def test_events_that_cannot_be_are_refused_and_leave_nothing(ledger):
    add(ledger), add(ledger)
    ledger.add_policy_event("line 1", 1, "approve", "Tanaka", "why")
    before = ledger.policy_events()
    with pytest.raises(
        StoreError, match="policy 'line 1' version 2 cannot be activated: it was never approved"
    ):
        ledger.add_policy_event("line 1", 2, "activate", "Tanaka", "why")
    with pytest.raises(
        StoreError, match="policy 'line 1' version 1 cannot be undone: it is not active"
    ):
        ledger.add_policy_event("line 1", 1, "undo", "Tanaka", "why")
    with pytest.raises(NotFoundError, match="no policy 'line 1' of version 3 in the store"):
        ledger.add_policy_event("line 1", 3, "approve", "Tanaka", "why")
    with pytest.raises(
        SettingsError, match="policy event 'delete' is not one of: approve, activate, undo"
    ):
        ledger.add_policy_event("line 1", 1, "delete", "Tanaka", "why")
    with pytest.raises(SettingsError, match="reason '' is not allowed"):
        ledger.add_policy_event("line 1", 1, "activate", "Tanaka", "")
    assert ledger.policy_events() == before


# --- scenarios


def test_scenarios_are_kept_by_version(ledger):
    made = [ledger.add_scenario("base", {"escape": cost}, "Suzuki") for cost in (100.0, 250.0)]
    assert [(s.name, s.version, s.content) for s in made] == [
        ("base", 1, {"escape": 100.0}),
        ("base", 2, {"escape": 250.0}),
    ]
    assert ledger.scenario("base") == made[1]
    assert ledger.scenario("base", 1) == made[0]
    assert ledger.scenarios() == made[::-1]
    with pytest.raises(NotFoundError, match="no scenario 'base' of version 3"):
        ledger.scenario("base", 3)
    with pytest.raises(NonFiniteError, match="numbers of 'base' hold a number that is NaN"):
        ledger.add_scenario("base", {"escape": float("nan")}, "Suzuki")


# --- verdicts


def test_verdicts_come_back_in_their_order_and_the_same_again_adds_nothing(reviews):
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    audit = ReviewVerdict(
        RUN, CASES[1], "right", "Ito", tokyo, audit=True, inclusion_probability=0.25
    )
    changed_mind = replace(
        SAID, verdict="unsure", label=None, judged_at=NOON + timedelta(minutes=1)
    )
    add(Ledger(reviews.store))
    Audits(reviews.store).add_draws(RUN, "line 1", 1, [CASES[1]], ["all"], [0.25], [0.1], NOON)
    assert reviews.add_verdicts([SAID, audit]) == 2
    assert reviews.add_verdicts([SAID, audit, changed_mind]) == 1
    found = reviews.verdicts(RUN)
    assert found["case_id"].to_list() == [CASES[0], CASES[1], CASES[0]]
    assert found["verdict"].to_list() == ["wrong", "right", "unsure"]
    assert found["label"].to_list()[0] == "boom"
    assert found["label"].isna().to_list() == [False, True, True]
    assert found["at"].to_list()[:2] == [NOON.replace(tzinfo=None)] * 2
    assert found["audit"].to_list() == [False, True, False]
    np.testing.assert_array_equal(found["inclusion_probability"], [np.nan, 0.25, np.nan])


def test_another_verdict_under_the_same_identity_is_refused_with_all_that_came_along(reviews):
    reviews.add_verdicts([SAID])
    other = replace(SAID, case_id=CASES[1])
    with pytest.raises(
        StoreError,
        match=f"'佐藤' has answered 'wrong' for case '{CASES[0]}' at .* already, not 'right'",
    ):
        reviews.add_verdicts([other, replace(SAID, verdict="right")])
    assert len(reviews.verdicts(RUN)) == 1


def test_a_verdict_of_a_case_or_run_that_is_not_there_is_refused(reviews):
    with pytest.raises(NotFoundError, match=f"run '{RUN}' has no case 'x': 1 of 2 is missing"):
        reviews.add_verdicts([SAID, replace(SAID, case_id="x")])
    with pytest.raises(NotFoundError, match="no run 'nope'"):
        reviews.add_verdicts([SAID, replace(SAID, run_id="nope")])
    assert len(reviews.verdicts(RUN)) == 0


@pytest.mark.parametrize("p", [float("nan"), float("inf"), 0.0, -0.5, 1.5, None])
def test_an_inclusion_probability_that_weighs_nothing_is_refused_at_the_door_and_by_the_table(
    store, p
):
    with pytest.raises((NonFiniteError, SettingsError), match="inclusion probability"):
        ReviewVerdict(RUN, CASES[0], "right", "Ito", NOON, audit=True, inclusion_probability=p)
    with (
        pytest.raises(StoreError, match='CHECK constraint failed on table "verdicts"'),
        store.atomic() as connection,
    ):
        connection.execute(
            'INSERT INTO verdicts (run_id, case_id, verdict, reviewer, "at", audit,'
            " inclusion_probability, source, blind)"
            " VALUES (?, ?, 'right', 'Ito', now()::TIMESTAMP, true, ?, 'audit', true)",
            [RUN, CASES[0], p],
        )


def test_a_verdict_that_says_too_little_or_too_much_is_refused():
    with pytest.raises(SettingsError, match="give a probability with an audit, and only then"):
        replace(SAID, inclusion_probability=0.5)
    with pytest.raises(SettingsError, match="verdict 'maybe' is not one of: right, wrong, unsure"):
        replace(SAID, verdict="maybe")
    with pytest.raises(SettingsError, match="has no time zone: pass a UTC time"):
        replace(SAID, judged_at=datetime(2026, 7, 1))
    with pytest.raises(SettingsError, match="reviewer '' is not allowed"):
        replace(SAID, reviewer="")


# --- decisions


def test_a_decision_keeps_its_policy_version_and_the_models_hash(store, ledger, reviews):
    add(ledger), add(ledger)
    assert reviews.add_decisions(RUN, CASES, np.array([True, False, True]), "line 1", 2) == 3
    found = reviews.decisions(RUN)
    assert found["case_id"].to_list() == CASES
    assert found["decision"].to_list() == ["accepted", "review", "accepted"]
    assert set(zip(found["policy"], found["policy_version"], strict=True)) == {("line 1", 2)}
    assert set(found["model_hash"]) == {store.run(RUN).run.model_hash}
    assert reviews.decisions(RUN, "line 1", 2).equals(found)
    assert reviews.decisions(RUN, "line 1", 1).empty
    assert reviews.decisions(RUN, "line 2").empty


def test_decisions_again_add_what_is_missing_and_other_ones_are_refused(ledger, reviews):
    add(ledger)
    assert reviews.add_decisions(RUN, CASES[:2], np.array([True, False]), "line 1", 1) == 2
    assert reviews.add_decisions(RUN, CASES, np.array([True, False, True]), "line 1", 1) == 1
    assert reviews.add_decisions(RUN, CASES, np.array([True, False, True]), "line 1", 1) == 0
    with pytest.raises(
        StoreError,
        match=f"version 1 has decided 'review' of case '{CASES[1]}' already, not 'accepted'",
    ):
        reviews.add_decisions(RUN, CASES, np.array([True, True, True]), "line 1", 1)
    assert reviews.decisions(RUN)["case_id"].to_list() == CASES
    add(ledger)
    assert reviews.add_decisions(RUN, CASES, np.array([True, True, True]), "line 1", 2) == 3


@pytest.mark.parametrize(
    ("ids", "accepted"),
    [
        (CASES, np.array([1.0, np.nan, 0.0])),
        (CASES, np.array([True])),
        (CASES[:1] * 2, np.array([True, False])),
    ],
)
def test_decisions_that_are_no_decisions_are_refused(ledger, reviews, ids, accepted):
    add(ledger)
    with pytest.raises(
        SettingsError, match="are not allowed: give each case once, with True or False"
    ):
        reviews.add_decisions(RUN, ids, accepted, "line 1", 1)


def test_decisions_for_what_is_not_there_are_refused(ledger, reviews):
    with pytest.raises(NotFoundError, match="no policy 'line 1' of version 1"):
        reviews.add_decisions(RUN, CASES, np.array([True] * 3), "line 1", 1)
    add(ledger)
    with pytest.raises(NotFoundError, match="has no case 'x'"):
        reviews.add_decisions(RUN, ["x"], np.array([True]), "line 1", 1)
    with pytest.raises(NotFoundError, match="no run 'nope'"):
        reviews.add_decisions("nope", CASES, np.array([True] * 3), "line 1", 1)


# --- together


def test_a_longer_transaction_keeps_all_of_it_or_nothing(store, ledger, reviews):
    def write_all_and_fail():
        with store.atomic():
            add(ledger)
            activate(ledger, "line 1", 1)
            reviews.add_verdicts([SAID])
            reviews.add_decisions(RUN, CASES, np.array([True] * 3), "line 1", 1)
            raise RuntimeError("the power is cut")

    with pytest.raises(RuntimeError, match="the power is cut"):
        write_all_and_fail()
    assert row_counts(store) == dict.fromkeys(APPEND_ONLY, 0)


def test_every_later_write_leaves_the_rows_before_it_as_they_were(store, ledger, reviews):
    """Append-only: whatever is added, each table begins with the rows that it had."""
    before = rows_by_table(store)
    for write in (
        lambda: add(ledger),
        lambda: activate(ledger, "line 1", 1),
        lambda: ledger.add_scenario("A", {"threshold": 0.5}, "Ito"),
        lambda: ledger.add_scenario("A", {"threshold": 0.6}, "Ito"),
        lambda: reviews.add_verdicts([SAID]),
        lambda: reviews.add_verdicts([replace(SAID, reviewer="another")]),
        lambda: reviews.add_decisions(RUN, CASES, np.array([True] * 3), "line 1", 1),
        lambda: ledger.add_policy_event("line 1", 1, "undo", "Tanaka", "too many escapes"),
    ):
        write()
        after = rows_by_table(store)
        assert all(after[table][: len(rows)] == rows for table, rows in before.items())
        assert sum(map(len, after.values())) > sum(map(len, before.values()))
        before = after
    assert all(before.values())
