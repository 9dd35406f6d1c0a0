"""A policy takes effect: each case is decided once, with its reason, as the page Decide counts
it.
"""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cli import main
from core.counts.joint import REVIEW_ALL, limit_bin
from core.decision.certificate.claims import (
    LEAKAGE,
    Certificate,
    CertificateEvidence,
    CertificateOrigin,
    RiskPromise,
)
from core.decision.thresholds import decisions
from core.decision.thresholds.changes import tally_of_rows
from core.decision.thresholds.decisions import REASONS, decide_cases, review_all_cases
from core.decision.thresholds.policy import Policy
from core.errors import NotFoundError, SettingsError, StoreError
from core.pipeline import apply
from core.pipeline.apply import (
    active_version_for,
    apply_active_policy,
    apply_policy,
    bind_policy,
    read_policy_name,
)
from core.store import migrate
from core.store.ledger import Ledger
from core.store.parts import write_part
from core.store.reviews import Reviews
from core.store.store import Store
from tests.joints import CLASSES, COARSE, LIMITS, SEGMENTS, cases, columns, cumulative
from tests.stores import add_scored, make_rows, make_run, make_store

RUN = "score-work-orders-student-stream"
TODAY = date(2026, 7, 1)
THRESHOLD = st.one_of(COARSE, st.just(REVIEW_ALL))
POLICIES = st.builds(
    Policy,
    THRESHOLD,
    st.dictionaries(st.sampled_from(CLASSES), THRESHOLD),
    st.dictionaries(st.sampled_from(SEGMENTS), THRESHOLD),
    st.dictionaries(st.tuples(st.sampled_from(SEGMENTS), st.sampled_from(CLASSES)), THRESHOLD),
    LIMITS,
)


@pytest.fixture
def store(tmp_path) -> Store:
    """A store of the demo's shape, which a test may write to."""
    return make_store(tmp_path / "store", "full")


def propose(store, policy, runs=(RUN,), name="line", active=True, **more):
    """Add a version and approve it; activate it unless told otherwise."""
    ledger = Ledger(store)
    version = ledger.add_policy(name, policy.to_dict(), "Suzuki", "first", runs, **more)
    for event in ("approve", "activate")[: 2 if active else 1]:
        ledger.add_policy_event(name, version.version, event, "Tanaka", "agreed")
    return version


# --- the rule


@given(cases(), POLICIES)
def test_what_is_accepted_is_exactly_what_the_figures_of_decide_count(rows, policy):
    segments, predicted, _, confidence, epistemic = columns(rows)
    decided = decide_cases(policy, segments, predicted, confidence, epistemic)
    joint = cumulative(rows)
    limit = limit_bin(policy.epistemic_limit)
    tally = joint.tally(policy.steps(joint.segments, joint.classes), limit)
    assert decided.accepted.sum() == tally.accepted.sum()
    assert (decided.accepted == policy.accepts(segments, predicted, confidence, epistemic)).all()
    assert set(decided.reasons) <= set(REASONS)
    assert ((decided.reasons == decisions.ACCEPTED) == decided.accepted).all()


def test_a_reason_names_the_rule_that_sends_a_case_to_people():
    policy = Policy(
        0.8,
        by_class={"boom": REVIEW_ALL, "cab": REVIEW_ALL},
        by_segment={"B": REVIEW_ALL, "C": 0.5},
        by_cell={("B", "tracks"): 0.6, ("A", "slew"): REVIEW_ALL},
        epistemic_limit=0.1,
    )
    table = [
        ("A", "engine", 0.8, 0.1, decisions.ACCEPTED),
        ("A", "engine", 0.799, 0.0, decisions.LOW_CONFIDENCE),
        ("A", "engine", 0.9, 0.11, decisions.HIGH_EPISTEMIC),
        ("A", "engine", 0.7, 0.11, decisions.LOW_CONFIDENCE),
        ("A", "boom", 1.0, 0.0, decisions.CLASS_TO_PEOPLE),
        ("A", "cab", 1.0, 0.0, decisions.UNLABELLED_CLASS),
        ("A", "slew", 1.0, 0.0, decisions.CLASS_TO_PEOPLE),
        ("B", "engine", 1.0, 0.0, decisions.SEGMENT_TO_PEOPLE),
        ("B", "tracks", 0.6, 0.0, decisions.ACCEPTED),
        ("C", "boom", 0.5, 0.0, decisions.ACCEPTED),  # the segment's rule goes before the class's
        ("A", "engine", float("nan"), 0.0, decisions.FAULT),
        ("A", "engine", 1.1, 0.0, decisions.FAULT),
        ("A", "engine", 0.9, -0.1, decisions.FAULT),
        ("A", "engine", 0.9, float("inf"), decisions.FAULT),
    ]
    segments, predicted, confidence, epistemic, expected = zip(*table, strict=True)
    known = {"engine", "boom", "slew", "tracks"}
    decided = decide_cases(policy, segments, predicted, confidence, epistemic, known)
    assert decided.reasons.tolist() == list(expected)
    everything = decide_cases(Policy(REVIEW_ALL), ["A"], ["boom"], [1.0], [0.0])
    assert everything.reasons.tolist() == [decisions.ALL_TO_PEOPLE]
    assert not everything.accepted.any()


def test_a_novelty_limit_sends_strange_and_unknown_cases_to_people_with_its_reason():
    policy = Policy(0.8, epistemic_limit=0.1, novelty_limit=0.99)
    table = [
        (0.8, 0.1, 0.99, decisions.ACCEPTED),
        (0.9, 0.0, 0.991, decisions.NOVELTY),
        (0.9, 0.0, float("nan"), decisions.NOVELTY),
        (0.9, 0.11, 1.0, decisions.HIGH_EPISTEMIC),
        (0.7, 0.0, 1.0, decisions.LOW_CONFIDENCE),
    ]
    confidence, epistemic, novelty, expected = (np.array(x) for x in zip(*table, strict=True))
    names = ["A"] * len(table)
    decided = decide_cases(policy, names, names, confidence, epistemic, novelty=novelty)
    assert decided.reasons.tolist() == list(expected)
    unknown = decide_cases(policy, ["A"], ["A"], [0.9], [0.0])
    assert unknown.reasons.tolist() == [decisions.NOVELTY]
    # Without the limit, novelty does not count.
    free = decide_cases(Policy(0.8), names[:3], names[:3], confidence[:3], epistemic[:3])
    assert free.accepted.all()


def test_a_policy_of_an_earlier_version_has_no_novelty_limit_and_a_share_above_one_is_refused():
    stored = Policy(0.8).to_dict()
    del stored["novelty_limit"]
    assert Policy.from_dict(stored) == Policy(0.8)
    limited = Policy(0.8, novelty_limit=0.9)
    assert Policy.from_dict(limited.to_dict()) == limited
    with pytest.raises(SettingsError, match="Novelty limit 1.5 is not allowed"):
        Policy(0.8, novelty_limit=1.5)


def test_no_case_is_decided_of_none_and_a_void_policy_accepts_nothing():
    assert len(decide_cases(Policy(0.5), [], [], [], []).accepted) == 0
    void = review_all_cases(3, decisions.POLICY_VOID)
    assert not void.accepted.any()
    assert void.reasons.tolist() == [decisions.POLICY_VOID] * 3


# --- in the store


@pytest.mark.parametrize(
    "policy",
    [
        Policy(0.8),
        Policy(0.8, {"boom": REVIEW_ALL}, {"A": 0.95}, {("B", "cab"): 0.3}, epistemic_limit=0.05),
        Policy(REVIEW_ALL),
        Policy(0.0),
    ],
)
def test_the_stored_counts_equal_those_of_decide_and_each_case_is_decided_once(store, policy):
    version = propose(store, policy)
    done = apply_active_policy(store, RUN, TODAY)
    tally = tally_of_rows(store.joint_counts(RUN), policy)
    assert done.bound.version == version
    assert done.accepted == int(tally.accepted.sum())
    assert done.accepted + done.review == done.added == store.run(RUN).cases == 1700
    stored = Reviews(store).decided_cases(RUN, "line", 1)
    accepts = policy.accepts(
        *(stored[c] for c in ("segment", "predicted", "confidence", "epistemic"))
    )
    assert ((stored["decision"] == "accepted").to_numpy() == accepts).all()
    assert stored["case_id"].is_unique
    assert set(stored["model_hash"]) == {store.run(RUN).run.model_hash}
    counts = Reviews(store).decision_counts(RUN, "line", 1)
    assert counts["n"].sum() == 1700
    assert counts.loc[counts["decision"] == "accepted", "n"].sum() == done.accepted


def test_applying_again_adds_nothing_and_what_was_decided_stays_after_the_last_day(store):
    version = propose(store, Policy(0.8), expires_on=TODAY)
    first = apply_policy(store, RUN, version, TODAY)
    again = apply_policy(store, RUN, version, TODAY + timedelta(days=1))
    assert (first.added, again.added) == (1700, 0)
    assert (again.accepted, again.review) == (first.accepted, first.review)
    assert first.accepted > 0
    assert again.bound.void == ("expired",)


def test_a_kill_between_batches_leaves_whole_batches_and_the_same_call_decides_the_rest(
    store, monkeypatch
):
    version = propose(store, Policy(0.8))
    monkeypatch.setattr(apply, "BATCH", 400)
    taken = []

    def killed(reviews, *arguments):
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(1)
        return add(reviews, *arguments)

    add = Reviews.add_decisions
    with monkeypatch.context() as patch:
        patch.setattr(Reviews, "add_decisions", killed)
        with pytest.raises(KeyboardInterrupt):
            apply_policy(store, RUN, version, TODAY)
    assert len(Reviews(store).decisions(RUN)) == 800
    done = apply_policy(store, RUN, version, TODAY)
    assert (done.added, done.accepted + done.review) == (900, 1700)
    assert Reviews(store).decisions(RUN)["case_id"].is_unique


def test_cases_that_come_later_are_decided_by_the_same_call(store):
    version = propose(store, Policy(0.8))
    run = replace(make_run("score", "student", "stream", 50), run_id="growing")
    add_scored(store, run, make_rows(30))
    assert apply_policy(store, "growing", version, TODAY).added == 30
    rows = make_rows(20, first=30)
    store.ingest_part("growing", 1, write_part(store.folder, "growing", 1, rows))
    done = apply_policy(store, "growing", version, TODAY)
    assert (done.added, done.accepted + done.review) == (20, 50)


# --- which policy counts


def void_of(store, version, **changed):
    run = replace(store.run(RUN).run, **changed)
    return bind_policy(store, version, run, TODAY).void


def test_a_policy_of_another_model_label_set_or_day_sends_all_to_review(store):
    version = propose(store, Policy(0.0))
    assert void_of(store, version) == ()
    assert void_of(store, version, model_hash="f" * 64) == ("other_model",)
    assert void_of(store, version, labels=("boom", "cab")) == ("other_labels",)
    late = propose(store, Policy(0.0), expires_on=TODAY - timedelta(days=1))
    assert void_of(store, late) == ("expired",)
    assert void_of(store, propose(store, Policy(0.0), runs=())) == ("unbound",)
    broken = Ledger(store).add_policy("line", {"global": 0.1}, "Suzuki", "old", [RUN])
    assert void_of(store, broken) == ("unreadable",)
    other = "score-work-orders-point-stream"
    done = apply_policy(store, other, version, TODAY)
    assert (done.accepted, done.review) == (0, 1700)
    assert set(Reviews(store).decisions(other)["reason"]) == {decisions.POLICY_VOID}


def test_a_void_certificate_sends_all_to_review_and_a_valid_one_is_kept_with_each_decision(store):
    run = store.run(RUN).run
    evidence = CertificateEvidence(None, 1, 0.05, 600, 0, 0, 0, "x", "binomial")
    certificate = Certificate(
        RiskPromise(LEAKAGE, 0.05),
        CertificateOrigin(run.model_hash, run.dataset, TODAY, TODAY),
        evidence,
        0.7,
        1.0,
        600,
        300,
        3,
        0.01,
    )
    proof = json.loads(certificate.to_json())
    valid = propose(store, Policy(0.8), certificate=proof)
    assert bind_policy(store, valid, run, TODAY).certificate == "valid"
    tomorrow = bind_policy(store, valid, run, TODAY + timedelta(days=1))
    assert (tomorrow.certificate, tomorrow.void) == ("expired", ("certificate_void",))
    apply_policy(store, RUN, valid, TODAY)
    assert set(Reviews(store).decisions(RUN)["certificate"]) == {"valid"}
    looser = propose(store, Policy(0.6), certificate=proof)
    assert bind_policy(store, looser, run, TODAY).certificate == "another policy"
    broken = propose(store, Policy(0.8), certificate={"format": 99})
    assert bind_policy(store, broken, run, TODAY).void == ("certificate_void",)


def test_the_active_policy_is_the_last_one_of_the_same_model_and_dataset(store):
    student, teacher = store.run(RUN).run, store.run("score-work-orders-teacher-stream").run
    assert active_version_for(store, student) is None
    assert apply_active_policy(store, RUN) is None
    first = propose(store, Policy(0.8))
    propose(store, Policy(0.5), [teacher.run_id], "other line")
    assert active_version_for(store, student) == first
    second = propose(store, Policy(0.9))
    assert active_version_for(store, student) == second
    Ledger(store).add_policy_event("line", second.version, "undo", "Tanaka", "back")
    assert active_version_for(store, student) == first
    retrained = replace(student, model_hash="e" * 64)
    assert active_version_for(store, retrained) == first  # and it is void for it
    assert active_version_for(store, replace(student, dataset="elsewhere")) is None


def test_a_version_that_nobody_approved_decides_nothing(store):
    version = Ledger(store).add_policy("line", Policy(0.1).to_dict(), "Suzuki", "draft", [RUN])
    with pytest.raises(StoreError, match="'line' version 1 was never approved"):
        apply_policy(store, RUN, version, TODAY)
    assert Reviews(store).decisions(RUN).empty
    approved = propose(store, Policy(0.1), name="line", active=False)
    assert apply_policy(store, RUN, approved, TODAY).added == 1700
    with pytest.raises(NotFoundError, match="no run 'nope'"):
        apply_policy(store, "nope", approved, TODAY)


@pytest.mark.parametrize("text", [":1", "line:", "line:0", "line:one", "line:-1", "line:１"])
def test_a_policy_is_named_by_name_and_version(text):
    assert read_policy_name("line 1:3") == ("line 1", 3)
    assert read_policy_name("a:b:12") == ("a:b", 12)
    assert read_policy_name("line") == ("line", None)
    with pytest.raises(SettingsError, match="is not NAME or NAME:VERSION"):
        read_policy_name(text)


# --- the verbs


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_verbs_apply_and_write_the_decisions(store, tmp_path, monkeypatch, capsys, language):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    monkeypatch.setenv("KAKUSHIN_LANGUAGE", language)
    assert main(["apply", "--run", RUN]) == 0
    assert (
        "適用中の承認ルールがない" if language == "ja" else "no policy is active"
    ) in capsys.readouterr().out
    assert main(["decisions", "--run", RUN, "--out", str(tmp_path / "out.csv")]) == 5
    propose(store, Policy(0.8))
    assert main(["apply", "--run", RUN]) == 0
    report = capsys.readouterr().out
    n = int((store.predictions(RUN, ["confidence"])["confidence"] >= 0.8).sum())
    expected = f"自動承認{n}件" if language == "ja" else f"{n} accepted and {1700 - n:,} to review"
    assert expected in report
    assert main(["apply", "--run", RUN, "--policy", "line:1"]) == 0
    out = tmp_path / "out.csv"
    assert main(["decisions", "--run", RUN, "--out", str(out)]) == 0
    table = pd.read_csv(out)
    assert len(table) == 1700
    assert (table["decision"] == "accepted").sum() == n
    assert out.stat().st_mode & 0o077 == 0
    assert main(["decisions", "--run", RUN, "--out", str(tmp_path / "out.txt")]) == 2


def test_times_are_utc_and_the_version_that_decided_last_comes_first(store):
    first, second = propose(store, Policy(0.8)), propose(store, Policy(0.9))
    apply_policy(store, RUN, first, TODAY)
    apply_policy(store, RUN, second, TODAY)
    applied = Reviews(store).applied_policies(RUN)
    assert [found.version for found in applied] == [2, 1]
    assert applied[0].accepted < applied[1].accepted
    assert abs((datetime.now(UTC) - applied[0].last_at).total_seconds()) < 600
    rows = Reviews(store).decided_cases(RUN, "line", 2, decision="review", segment="A", limit=7)
    assert len(rows) == 7
    assert set(rows["segment"]) == {"A"}
    assert np.all(rows["confidence"] < 0.9)
    with pytest.raises(SettingsError, match="cannot be filtered by 'text'"):
        Reviews(store).decided_cases(RUN, "line", 2, text="x")


# --- stores of before


def test_an_older_store_keeps_its_policies_last_days_and_decisions():
    content = {"threshold": 0.8, "by_class": {"a": 0.1}, "epistemic_limit": None}
    old = {**content, "expires_on": "2026-12-31"}
    with duckdb.connect() as connection:
        connection.execute(migrate._TABLE)
        for number, path in migrate.migrations()[:5]:
            migrate._apply(connection, number, path)
        for version, written in ((1, old), (2, content)):
            connection.execute(
                "INSERT INTO policies VALUES ('line', ?, ?, 'Suzuki', 'why', ['r'], NULL,"
                " now()::TIMESTAMP)",
                [version, json.dumps(written)],
            )
        connection.execute(
            "INSERT INTO decisions (run_id, case_id, decision, policy, policy_version, model_hash,"
            " \"at\") VALUES ('r', 'c', 'review', 'line', 1, 'h', now()::TIMESTAMP)"
        )
        migrate.migrate(connection)
        rows = connection.execute(
            "SELECT content, expires_on FROM policies ORDER BY version"
        ).fetchall()
        assert [(json.loads(written), day) for written, day in rows] == [
            (content, date(2026, 12, 31)),
            (content, None),
        ]
        decided = "SELECT position, case_id, decision, reason, certificate FROM decisions"
        assert connection.execute(decided).fetchall() == [(1, "c", "review", None, None)]
        connection.execute(
            "INSERT INTO decisions (run_id, case_id, decision, policy, policy_version, model_hash,"
            " \"at\") VALUES ('r', 'd', 'review', 'line', 1, 'h', now()::TIMESTAMP)"
        )
        assert connection.execute("SELECT max(position) FROM decisions").fetchone() == (2,)
