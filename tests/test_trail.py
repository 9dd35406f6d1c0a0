"""The audit trail: every action has its entry, and every way of bending the chain is found."""

import json
import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from core.cli import main
from core.errors import AccessError, StoreError
from core.identity import ANONYMOUS, ROLES, Principal, local_principal
from core.store import trail
from core.store.anchor import ChainEnd, TrailAnchor
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.meetings import Meetings
from core.store.reviews import Reviews
from core.store.store import Store
from core.store.trail import AuditTrail, TrailEvent
from tests.stores import make_store
from tests.trail_attacks import ATTACKS, run_sql

LOCAL = local_principal("Suzuki")


def login(*roles: str, subject: str = "a") -> Principal:
    return Principal(f"https://login.example {subject}", f"Person {subject}", frozenset(roles))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("tiny") / "store", "tiny").folder


@pytest.fixture
def store(tiny, tmp_path) -> Store:
    return Store(shutil.copytree(tiny, tmp_path / "store"))


@pytest.fixture(scope="module")
def twelve(tiny, tmp_path_factory):
    """The folder of a store whose trail has twelve entries in six transactions."""
    store = Store(shutil.copytree(tiny, tmp_path_factory.mktemp("twelve") / "store"))
    for i in range(6):
        events = [TrailEvent("policy.propose", f"P{i}", f"s{i}", {"i": i})] * 2
        with store.atomic():
            AuditTrail(store).append(LOCAL, [replace(e, action="login") for e in events])
    assert AuditTrail(store).check_chain().fault is None
    return store.folder


@pytest.fixture
def recorded(twelve, tmp_path) -> Store:
    return Store(shutil.copytree(twelve, tmp_path / "store"))


def fault_of(store: Store) -> str | None:
    fault = AuditTrail(store).check_chain().fault
    return None if fault is None else fault.code


# --- every writer


def test_every_action_has_its_entry_in_the_same_transaction(store):
    run_id = store.runs()[0].run.run_id
    cases = store.predictions(run_id, ["case_id"])["case_id"].tolist()
    ledger, reviews = Ledger(store), Reviews(store)
    ledger.add_policy("line", {"threshold": 0.9}, "Suzuki", "why", [run_id])
    ledger.add_policy_event("line", 1, "approve", "Tanaka", "fine")
    ledger.add_policy_event("line", 1, "activate", "Tanaka", "go")
    ledger.add_policy_event("line", 1, "undo", "Tanaka", "back")
    ledger.add_scenario("plan", {"cost": 1}, "Suzuki")
    Meetings(store).add("token", "go on", "why", "Suzuki")
    reviews.add_decisions(run_id, cases, np.array([True, False, True]), "line", 1)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    verdict = ReviewVerdict(run_id, cases[0], "right", "Sato", at)
    assert reviews.add_verdicts([verdict, verdict]) == 1
    entries = AuditTrail(store).entries()[::-1].reset_index(drop=True)
    assert entries["action"].tolist() == [
        *("policy.propose", "policy.approve", "policy.activate", "policy.undo"),
        *("scenario.save", "meeting.decide", "decisions.apply", "review.verdict"),
    ]
    assert entries["position"].tolist() == list(range(1, 9))
    assert entries["actor"].tolist()[:3] == ["Suzuki", "Tanaka", "Tanaka"]
    assert set(entries["account"]) == {"local"}
    decided = json.loads(entries["details"][6])
    assert (decided["accepted"], decided["review"], decided["policy"]) == (2, 1, "line")
    assert AuditTrail(store).check_chain() == trail.TrailCheck(
        ChainEnd(8, entries["hash"][7]), None
    )


def fail_after(store):
    with store.atomic():
        Ledger(store).add_scenario("plan", {"cost": 2}, "Suzuki")
        raise ZeroDivisionError


def test_an_action_that_is_rolled_back_leaves_no_entry_and_no_anchor(store):
    Ledger(store).add_scenario("plan", {"cost": 1}, "Suzuki")
    before = TrailAnchor(store.folder).read()
    with pytest.raises(ZeroDivisionError):
        fail_after(store)
    assert len(Ledger(store).scenarios()) == len(AuditTrail(store).entries()) == 1
    assert TrailAnchor(store.folder).read() == before
    assert fault_of(store) is None


def test_without_the_key_nothing_is_recorded_and_nothing_is_done(recorded):
    TrailAnchor(recorded.folder).key_path.unlink()
    with pytest.raises(StoreError, match=r"audit trail's key .* cannot be read"):
        Ledger(recorded).add_scenario("plan", {"cost": 1}, "Suzuki")
    assert Ledger(recorded).scenarios() == []
    assert fault_of(recorded) == "store.trail_key"


# --- every way of bending it


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_the_chain_shows_every_way_of_bending_it(recorded, attack):
    attack(recorded, random.Random(0))
    assert fault_of(recorded) is not None


def test_a_policy_that_was_changed_in_the_store_is_found(store):
    Ledger(store).add_policy("line", {"threshold": 0.9}, "Suzuki", "why")
    assert fault_of(store) is None
    run_sql(store, """UPDATE policies SET content = '{"threshold": 0.1}'""")
    assert fault_of(store) == "store.trail_policy"


def test_an_end_that_was_noted_elsewhere_is_compared(recorded):
    trail_of = AuditTrail(recorded)
    noted = trail_of.check_chain().end
    Ledger(recorded).add_scenario("plan", {"cost": 1}, "Suzuki")
    assert trail_of.check_chain(noted).fault is None
    assert trail_of.check_chain(replace(noted, head="0" * 64)).fault.code == "store.trail_altered"
    assert trail_of.check_chain(replace(noted, count=99)).fault.code == "store.trail_cut"


def test_key_and_anchor_are_the_owners_alone(recorded):
    anchor = TrailAnchor(recorded.folder)
    assert {path.stat().st_mode & 0o777 for path in (anchor.key_path, anchor.path)} == {0o600}


def test_the_command_line_prints_the_end_and_exits_with_5_for_a_bent_trail(
    recorded, monkeypatch, capsys
):
    monkeypatch.setenv("KAKUSHIN_HOME", str(recorded.folder.parent))
    assert main(["verify"]) == 0
    end = AuditTrail(recorded).check_chain().end
    assert (
        f"12 entries. Note this end elsewhere, and check it later with --noted: 12:{end.head}"
        in (capsys.readouterr().out)
    )
    assert main(["verify", "--noted", f"12:{end.head}"]) == 0
    assert main(["verify", "--noted", "12:x"]) == 2
    assert "'12:x' is no end of an audit trail" in capsys.readouterr().err
    run_sql(recorded, "DELETE FROM trail_entries WHERE position = 4")
    assert main(["verify"]) == 5
    assert "has no entry 4; entry 5 follows" in capsys.readouterr().err


# --- roles


WRITES = {
    "policy.propose": lambda s, p: Ledger(s, p).add_policy("new", {"threshold": 1}, "A", "why"),
    "policy.approve": lambda s, p: Ledger(s, p).add_policy_event("line", 1, "approve", "B", "y"),
    "policy.activate": lambda s, p: Ledger(s, p).add_policy_event("line", 1, "activate", "B", "y"),
    "policy.undo": lambda s, p: Ledger(s, p).add_policy_event("line", 1, "undo", "B", "y"),
    "scenario.save": lambda s, p: Ledger(s, p).add_scenario("plan", {"cost": 1}, "A"),
    "meeting.decide": lambda s, p: Meetings(s, p).add("t", "go", "why", "A"),
    "review.verdict": lambda s, p: Reviews(s, p).add_verdicts([verdict_of(s)]),
    "decisions.apply": lambda s, p: Reviews(s, p).add_decisions(
        run_of(s), [case_of(s)], np.array([True]), "line", 1
    ),
}
ALLOWED = {  # by hand, not from core.identity
    "viewer": set(),
    "reviewer": {"review.verdict"},
    "operator": {"policy.propose", "scenario.save", "meeting.decide", "decisions.apply"},
    "approver": {
        *("policy.propose", "policy.approve", "policy.activate", "policy.undo"),
        *("scenario.save", "meeting.decide"),
    },
    "admin": set(WRITES),
}


def run_of(store):
    return store.runs()[0].run.run_id


def case_of(store):
    return store.predictions(run_of(store), ["case_id"])["case_id"][0]


def verdict_of(store):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return ReviewVerdict(run_of(store), case_of(store), "right", "A", at)


@pytest.mark.parametrize("role", [*ROLES, None])
@pytest.mark.parametrize("action", WRITES)
def test_a_write_needs_its_role(store, role, action):
    ledger = Ledger(store)
    ledger.add_policy("line", {"threshold": 0.9}, "Suzuki", "why")
    if action in ("policy.activate", "policy.undo", "decisions.apply"):
        ledger.add_policy_event("line", 1, "approve", "Tanaka", "fine")
    if action == "policy.undo":
        ledger.add_policy_event("line", 1, "activate", "Tanaka", "fine")
    before = len(AuditTrail(store).entries())
    principal = ANONYMOUS if role is None else login(role)
    if role is not None and action in ALLOWED[role]:
        WRITES[action](store, principal)
        newest = AuditTrail(store).entries(1).iloc[0]
        assert (newest["action"], newest["account"]) == (action, principal.account)
        assert newest["actor"] == principal.name  # whatever name the form had
    else:
        with pytest.raises(AccessError, match=f"may not do this .{action}"):
            WRITES[action](store, principal)
        assert len(AuditTrail(store).entries()) == before


def test_no_login_approves_its_own_proposal_whatever_name_it_types(store):
    Ledger(store, login("admin")).add_policy("line", {"threshold": 0.9}, "Suzuki", "why")
    with pytest.raises(AccessError, match="version 1 of policy 'line' was proposed from this acc"):
        Ledger(store, login("admin")).add_policy_event("line", 1, "approve", "Tanaka", "fine")
    other = login("approver", subject="b")
    assert (
        Ledger(store, other).add_policy_event("line", 1, "approve", "x", "y").author == "Person b"
    )


def test_a_store_that_is_opened_for_nobody_lets_nobody_read_or_write(store):
    closed = Store(store.folder, principal=ANONYMOUS)
    with pytest.raises(AccessError, match="may not do this"):
        closed.runs()
    with pytest.raises(AccessError, match="may not do this"):
        Ledger(closed).add_scenario("plan", {"cost": 1}, "Suzuki")
