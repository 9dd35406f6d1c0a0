"""Who may call what: every service that reads or writes, for every role, and for no role at all."""

import inspect
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from core.errors import AccessError
from core.identity import ANONYMOUS, PERMISSIONS, ROLES, Principal
from core.jobs import queue
from core.pipeline import service, uploads
from core.settings import Settings
from core.store import lines, unscored
from core.store.audits import Audits
from core.store.backup import write_backup
from core.store.claims import Claims
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.meetings import Meetings
from core.store.purge import purge_before
from core.store.reviews import Reviews
from core.store.samples import Samples
from core.store.store import Store
from core.store.trail import AuditTrail, TrailEvent, record_action
from core.store.watch_events import WatchEvent, WatchEvents
from tests.stores import make_run, make_store

# By hand from docs/access.md: v(iewer), r(eviewer), o(perator), a(pprover), A(dmin).
LETTERS = dict(zip("vroaA", ROLES, strict=True))
MAY = {
    "policy.propose": "oaA",
    "policy.approve": "aA",
    "policy.activate": "aA",
    "policy.undo": "aA",
    "scenario.save": "oaA",
    "meeting.decide": "oaA",
    "review.verdict": "rA",
    "review.draw": "roA",
    "review.gold": "oA",
    "decisions.apply": "oA",
    "decisions.export": "roaA",
    "report.export": "vroaA",
    "watch.harm": "oaA",
    "watch.clear": "aA",
    "job.start": "oA",
    "job.cancel": "oA",
    "login": "vroaA",
    "model.serve": "oaA",
    "model.export": "oaA",
    "store.read": "vroaA",
    "run.record": "oA",
    "upload.keep": "oA",
    "token.add": "A",
    "token.remove": "A",
    "purge": "A",
    "backup": "A",
    "restore": "A",
}
AT, NO = datetime(2026, 1, 1, tzinfo=UTC), "no-such-run"
NOTHING = pd.DataFrame({"case_id": [], "segment": [], "text": [], "fault": [], "occurred_at": []})


def _event(store, name: str) -> None:
    Ledger(store).add_policy_event("line", 1, name, "S", "why")


def _watch(store, name: str) -> None:
    WatchEvents(store).add(WatchEvent(NO, "line", 1, name, "d", 1, None, 1, 0.1, 0.1, "S"))


# Each service that acts -> (its action, a call). What a call raises after its check is no matter.
CALLS = {
    "propose": ("policy.propose", lambda s, h: Ledger(s).add_policy("p", {}, "S", "why")),
    "approve": ("policy.approve", lambda s, h: _event(s, "approve")),
    "activate": ("policy.activate", lambda s, h: _event(s, "activate")),
    "undo": ("policy.undo", lambda s, h: _event(s, "undo")),
    "scenario": ("scenario.save", lambda s, h: Ledger(s).add_scenario("a", {}, "S")),
    "line": ("scenario.save", lambda s, h: lines.save_line(s, lines.LineSettings("a"), "S")),
    "meeting": ("meeting.decide", lambda s, h: Meetings(s).add("t", "d", "r", "S")),
    "verdict": (
        "review.verdict",
        lambda s, h: Reviews(s).add_verdicts([ReviewVerdict(NO, "c", "right", "S", AT)]),
    ),
    "claim": ("review.verdict", lambda s, h: Claims(s).claim_next(NO, "S", ["c"], [1])),
    "release": ("review.verdict", lambda s, h: Claims(s).release(NO, "c", "S", "skipped")),
    "draw": (
        "review.draw",
        lambda s, h: Audits(s).add_draws(NO, "line", 1, [], [], np.zeros(0), np.zeros(0)),
    ),
    "gold": ("review.gold", lambda s, h: Audits(s).add_gold_cases(NO, ["c"], ["x"], "S")),
    "apply": (
        "decisions.apply",
        lambda s, h: Reviews(s).add_decisions(NO, ["c"], np.ones(1, bool), "line", 1),
    ),
    "decisions": ("decisions.export", lambda s, h: Reviews(s).record_export(NO, "p", 1, "csv")),
    "verdicts": (
        "decisions.export",
        lambda s, h: Reviews(s).record_table_export(NO, "verdicts", "csv"),
    ),
    "report": ("report.export", lambda s, h: record_action(s, "report.export", "a.pdf")),
    "harm": ("watch.harm", lambda s, h: _watch(s, "harm")),
    "clear": ("watch.clear", lambda s, h: _watch(s, "clear")),
    "start": ("job.start", lambda s, h: queue.start(h, "none", (), "S", principal=s.principal)),
    "resume": ("job.start", lambda s, h: queue.resume(h, "none", s.principal)),
    "cancel": ("job.cancel", lambda s, h: queue.cancel(h, "none", "S", s.principal)),
    "login": ("login", lambda s, h: record_action(s, "login", "S")),
    "serve": ("model.serve", lambda s, h: service.put_in_service(s, h, "m", "m", "S")),
    "roll back": ("model.serve", lambda s, h: service.roll_back(s, h, "m", "S")),
    "model": ("model.export", lambda s, h: record_action(s, "model.export", "m")),
    "read": ("store.read", lambda s, h: s.runs()),
    "entries": ("store.read", lambda s, h: AuditTrail(s).entries()),
    "run": ("run.record", lambda s, h: s.add_run(make_run("score", "student", "stream", 9))),
    "end": ("run.record", lambda s, h: s.end_run(NO, "finished", 1.0, {})),
    "part": ("run.record", lambda s, h: s.ingest_part(NO, 0, h.home / "none")),
    "counts": ("run.record", lambda s, h: s.ingest_counts(NO, h.home / "none")),
    "samples": ("run.record", lambda s, h: Samples(s).add(NO, 0, ["c"], np.ones((1, 1, 1)))),
    "unscored": ("run.record", lambda s, h: unscored.add_unscored_cases(s, NO, NOTHING)),
    "upload": ("upload.keep", lambda s, h: uploads.keep_upload(h, "a.csv", b"a", s.principal)),
    "token": ("token.add", lambda s, h: record_action(s, "token.add", "t")),
    "revoke": ("token.remove", lambda s, h: record_action(s, "token.remove", "t")),
    "purge": ("purge", lambda s, h: purge_before(s, h, date(2000, 1, 1))),
    "backup": ("backup", lambda s, h: write_backup(s, h.home, h.home / "inside")),
    "restore": ("restore", lambda s, h: record_action(s, "restore", "b")),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    (settings.models / "m").mkdir(parents=True)
    (settings.models / "m" / "model.json").write_text("{}")
    store = make_store(settings.store, "tiny")
    Ledger(store).add_policy("line", {"threshold": 0.9}, "Suzuki", "why")
    return store, settings


def person(*roles: str) -> Principal:
    return Principal("https://login.example 7", "Person", frozenset(roles))


def is_let_in(call, store, settings) -> bool:
    try:
        call(store, settings)
    except AccessError:
        return False
    except Exception:  # it passed the check, which comes first
        return True
    return True


@pytest.mark.parametrize("name", CALLS)
def test_a_service_lets_in_exactly_the_roles_of_its_action(workspace, name):
    store, settings = workspace
    action, call = CALLS[name]
    expected = {LETTERS[letter] for letter in MAY[action]}
    people = {role: store.acting_for(person(role)) for role in ROLES}
    assert {role for role in ROLES if is_let_in(call, people[role], settings)} == expected
    assert not is_let_in(call, store.acting_for(ANONYMOUS), settings)


def test_every_action_has_a_service_here_and_a_row_of_the_matrix():
    assert set(MAY) == set(PERMISSIONS) == {action for action, _ in CALLS.values()}


# Methods of the store that a viewer may call: they read. Any other one needs a role and a call above.
READS = {
    Store: "atomic reading schema_version runs run parts histogram joint_counts predictions cases_near",
    Ledger: "policy policies policy_events active_policy scenario scenarios",
    Reviews: "verdicts case_verdicts undecided_cases decisions applied_policies decided_cases "
    "decision_counts",
    Audits: "accepted_cases draws draw_history audited_cases examined_cases audited_case "
    "waiting_cases gold_labels",
    Claims: "case_text",
    Meetings: "decisions",
    Samples: "of cases below",
    WatchEvents: "events open_harm",
    AuditTrail: "entries check_chain",
}
NO_DATA = {"at_rest", "acting_for", "at_commit", "version", "append"}  # append: see below
DUMMIES = {
    "run": make_run("score", "student", "stream", 9),
    "event": WatchEvent(NO, "line", 1, "harm", "d", 1, None, 1, 0.1, 0.1, "S"),
    "verdicts": [ReviewVerdict(NO, "c", "right", "S", AT)],
    "state": "finished",
    "metrics": {},
    "content": {},
    "accepted": np.ones(1, bool),
    "probabilities": np.ones(1),
    "numbers": np.zeros(1),
    "run_id": NO,
    "low": 0.0,
    "high": 1.0,
    "version": 1,
    "part": 0,
    "case_ids": ["c"],
    "strata": ["s"],
    "labels": ["x"],
    "needed": [1],
    "limit": 1,
    "second_share": 0.1,
    "aleatoric": 0.1,
    "epistemic": 0.1,
    "duration_s": 1.0,
}


@pytest.mark.parametrize("room", READS, ids=lambda room: room.__name__)
def test_a_viewer_may_call_the_reading_methods_only_and_nobody_may_call_any(workspace, room):
    store, settings = workspace
    methods = {
        name: member
        for name, member in inspect.getmembers(room, inspect.isfunction)
        if not name.startswith("_") and name not in NO_DATA
    }

    def reached_by(principal: Principal) -> set[str]:
        acting = store.acting_for(principal)
        made = acting if room is Store else room(acting)
        return {name for name in methods if is_let_in(_call_of(made, name), acting, settings)}

    assert reached_by(person("viewer")) == set(READS[room].split())
    assert reached_by(ANONYMOUS) == set()
    assert reached_by(person("admin")) == set(methods)


def _call_of(made, name: str):
    """Return a call of the method with a plausible value for each argument without a default."""
    method = getattr(made, name)
    needed = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
    values = {p.name: DUMMIES.get(p.name, "x") for p in needed if p.kind is not p.VAR_KEYWORD}
    if name == "add_policy_event":
        values["event"] = "activate"
    return lambda store, settings: method(**values)


def test_the_trail_takes_no_entry_of_a_person_without_the_role(workspace):
    store, _ = workspace
    viewer = person("viewer")
    with pytest.raises(AccessError, match="policy.approve"):
        AuditTrail(store).append(viewer, [TrailEvent("policy.approve", "Person", "line 1", {})])
    AuditTrail(store).append(viewer, [TrailEvent("login", "Person", viewer.account, {})])
