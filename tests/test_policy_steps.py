"""Steps of policies from screens: each once, never over another's head; a last day; what became of
each version.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from core.decision.thresholds.policy import Policy
from core.errors import NotFoundError, OvertakenError, StoreError
from core.report.policy_history import activation_spans, event_frame, policy_lives
from core.store import steps
from core.store.entries import PolicyEvent
from core.store.ledger import Ledger
from core.store.store import Store
from tests.stores import make_store

RUN = "score-work-orders-student-stream"
CONTENT = Policy(0.8, {"boom": "review_all"}, by_cell={("A", "cab"): 0.9}).to_dict()
LAST = date(2026, 12, 31)


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(make_store(tmp_path / "store", "tiny"))


def propose(
    ledger: Ledger, author: str = "Suzuki", reason: str = "first", content: dict = CONTENT, **more
):
    return steps.record_proposal(ledger, "line", content, author, reason, [RUN], **more)


def take(
    ledger: Ledger, event: str, version: int = 1, author: str = "Tanaka", seen: int | None = None
):
    seen = ledger.policy_events()[-1].position if seen is None else seen
    return steps.record_event(ledger, "line", version, event, author, "why", seen)


def test_what_reads_the_active_policy_gets_its_thresholds_with_and_without_a_last_day(ledger):
    for expires_on in (None, LAST):
        made, new = propose(ledger, expires_on=expires_on)
        take(ledger, "approve", made.version)
        take(ledger, "activate", made.version)
        active = ledger.active_policy()
        assert new
        assert (active.version, active.expires_on) == (made.version, expires_on)
        assert Policy.from_dict(active.content) == Policy(
            0.8, {"boom": "review_all"}, by_cell={("A", "cab"): 0.9}
        )


def test_a_policy_expires_when_its_last_day_has_passed_and_stays_active(ledger):
    made, _ = propose(ledger, expires_on=LAST)
    assert [made.expired(LAST + timedelta(days=days)) for days in (-1, 0, 1)] == [
        False,
        False,
        True,
    ]
    endless, _ = propose(ledger)
    assert not endless.expired(date.max)


def test_the_same_proposal_again_is_one_version_and_any_difference_is_another(ledger):
    assert [propose(ledger)[0].version for _ in range(3)] == [1, 1, 1]
    assert propose(ledger)[1] is False
    changed = [
        propose(ledger, author="Sato"),
        propose(ledger, reason="second"),
        propose(ledger, content=Policy(0.7).to_dict()),
        propose(ledger, expires_on=LAST),
        propose(ledger, certificate={"n": 3}),
        propose(ledger),
    ]
    assert [(made.version, new) for made, new in changed] == [
        (version, True) for version in range(2, 8)
    ]
    with pytest.raises(NotFoundError, match="no run 'nope'"):
        steps.record_proposal(ledger, "line", CONTENT, "Suzuki", "why", ["nope"])


def test_a_click_that_arrives_twice_writes_one_event(ledger):
    propose(ledger)
    seen = ledger.policy_events()[-1].position
    first, again = take(ledger, "approve", seen=seen), take(ledger, "approve", seen=seen)
    assert (first[1], again[1]) == (True, False)
    assert again[0] == first[0]
    assert [one.event for one in ledger.policy_events()] == ["propose", "approve"]


def test_who_comes_second_is_refused_and_learns_what_happened(ledger):
    propose(ledger)
    seen = ledger.policy_events()[-1].position
    take(ledger, "approve", author="Tanaka", seen=seen)
    with pytest.raises(
        OvertakenError, match="was not recorded, since Tanaka: approve 'line' version 1"
    ) as caught:
        take(ledger, "approve", author="Sato", seen=seen)
    assert [(one.author, one.event) for one in caught.value.events] == [("Tanaka", "approve")]
    assert len(ledger.policy_events()) == 2


def test_an_approval_is_refused_where_a_newer_version_of_its_name_has_come_since(ledger):
    propose(ledger)
    position = ledger.policy_events()[-1].position
    propose(ledger, reason="another")
    with pytest.raises(OvertakenError, match="propose 'line' version 2") as caught:
        take(ledger, "approve", seen=position)
    assert [(event.event, event.version) for event in caught.value.events] == [("propose", 2)]
    assert [event.event for event in ledger.policy_events()] == ["propose", "propose"]
    assert take(ledger, "approve")[1]  # on a screen that has shown both


def test_a_proposal_of_another_name_stops_no_approval_and_of_the_same_name_no_activation(ledger):
    propose(ledger)
    position = ledger.policy_events()[-1].position
    steps.record_proposal(ledger, "second line", CONTENT, "Suzuki", "first", [RUN])
    assert take(ledger, "approve", seen=position)[1]
    position = ledger.policy_events()[-1].position
    propose(ledger, reason="another")
    assert take(ledger, "activate", seen=position)[1]


def test_the_ledger_s_own_rules_hold(ledger):
    propose(ledger)
    with pytest.raises(StoreError, match="cannot be activated: it was never approved"):
        take(ledger, "activate")
    with pytest.raises(StoreError, match="cannot be undone: it is not active"):
        take(ledger, "undo")


def test_of_two_people_who_click_at_once_one_is_written_down(ledger):
    propose(ledger)
    seen = ledger.policy_events()[-1].position

    def click(author: str) -> str:
        try:
            take(Ledger(Store(ledger.store.folder)), "approve", author=author, seen=seen)
        except OvertakenError as error:
            return error.events[0].author
        return author

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(click, ["Tanaka", "Sato", "Kato", "Mori"]))
    approvals = [one for one in ledger.policy_events() if one.event == "approve"]
    assert found == {approvals[0].author}
    assert len(approvals) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Sato", " SATO ", True),
        ("佐藤 花子", "佐藤花子", True),
        ("ｓａｔｏ", "sato", True),
        ("Sato", "Saito", False),
    ],
)
def test_names_are_compared_without_case_width_and_spaces(one, other, same):
    assert steps.same_person(one, other) is same


def test_the_life_of_each_version_follows_its_events(ledger):
    for reason in ("a", "b", "c"):
        propose(ledger, reason=reason)
    take(ledger, "approve", 1, author="suzuki")
    take(ledger, "activate", 1)
    take(ledger, "approve", 2)
    take(ledger, "activate", 2)
    found = policy_lives(ledger.policies(), ledger.policy_events())
    assert {
        version: (life.state, life.steps, life.four_eyes) for (_, version), life in found.items()
    } == {
        1: ("replaced", ("activate",), False),
        2: ("active", ("undo",), True),
        3: ("proposed", ("approve",), None),
    }
    take(ledger, "undo", 2)
    found = policy_lives(ledger.policies(), ledger.policy_events())
    assert {version: life.state for (_, version), life in found.items()} == {
        1: "active",
        2: "undone",
        3: "proposed",
    }


def test_time_in_force_is_cut_where_another_version_takes_over_and_resumed_after_an_undo():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    told = [
        ("propose", 1),
        ("activate", 1),
        ("activate", 2),
        ("undo", 2),
        ("undo", 1),
        ("activate", 2),
    ]
    events = [
        PolicyEvent(i, "line", version, event, "Sato", "why", start + timedelta(hours=i))
        for i, (event, version) in enumerate(told)
    ]
    found = activation_spans(events, start + timedelta(hours=9))
    hours = [
        (end - start) / timedelta(hours=1) for column in ("begin", "end") for end in found[column]
    ]
    assert list(found["version"]) == [1, 2, 1, 2]
    assert hours == [1, 2, 3, 5, 2, 3, 4, 9]
    assert list(found["open"]) == [False, False, False, True]
    assert list(event_frame(events)["event"]) == [event for event, _ in told]
    assert activation_spans([], start).empty
    assert event_frame([]).empty
