"""The gate: its decisions are the rule's, an answer is on disk before it leaves, and every fault
sends the case to review.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import Future
from datetime import date

import numpy as np
import pytest

from core.decision.audits.draws import audit_numbers
from core.decision.review.review_queue import review_queue
from core.decision.thresholds.decisions import decide_cases
from core.errors import CasesError, StoreError
from core.gate import app as gate_module
from core.gate.app import gate_app
from core.gate.log import DecisionLog
from core.gate.policies import PolicyInForce
from core.gate.schemas import DecideRequest, GateCase
from core.gate.worker import WaitingRequest
from core.pipeline.audits import AUDIT_SHARE
from core.store.audits import Audits
from core.store.claims import Claims
from core.store.reviews import Reviews
from core.store.secret import audit_secret
from core.store.store import Store
from tests.browser.serving import ROOT, free_port, wait_until_up
from tests.gates import (
    LABELS,
    POLICY,
    FixedScorer,
    activate_policy,
    local_client,
    make_home,
    open_gate,
)

SURE = "3 0.95 0.05"  # label 3 with confidence 0.95, epistemic 0.05 nats: accepted by POLICY
UNIFORM = np.full(len(LABELS), 1 / len(LABELS))


@pytest.fixture
def home(tmp_path):
    """A workspace with an active policy."""
    return make_home(tmp_path)


def body(*texts, first=0, segment="B"):
    """A request of these texts, with ids in order."""
    return {
        "cases": [
            {"case_id": f"c{first + i}", "text": text, "segment": segment}
            for i, text in enumerate(texts)
        ]
    }


def decide(client, *texts, key=None, **more):
    """The response to a request."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/v1/decide", json=body(*texts, **more), headers=headers)


def answer_batch(gate, batch):
    """Decide and answer a batch in this thread."""
    gate.worker.write_batch(gate.worker.decide_requests(batch))


def only_decision(home, text=SURE, scorer=None):
    """What a new gate decides of one case."""
    with local_client(gate_app(open_gate(home, scorer))) as client:
        (decision,) = decide(client, text).json()["decisions"]
    return decision


def log_lines(home):
    """The documents of the gate's log."""
    (path,) = (home.home / "gate").glob("*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --- the rule


def test_the_decisions_are_those_of_the_rule_case_by_case(home):
    source = random.Random(0)
    rows = [
        (source.randrange(12), round(source.uniform(0.4, 1), 3), round(source.uniform(0, 0.4), 3))
        for _ in range(300)
    ]
    segments = [source.choice("AB") for _ in rows]
    cases = [
        {"case_id": f"c{i}", "text": " ".join(map(str, row)), "segment": segment}
        for i, (row, segment) in enumerate(zip(rows, segments, strict=True))
    ]
    with local_client(gate_app(open_gate(home))) as client:
        answers = client.post("/v1/decide", json={"cases": cases}).json()["decisions"]
    label, confidence, epistemic = map(np.array, zip(*rows, strict=True))
    predicted = [LABELS[k] for k in label]
    expected = decide_cases(POLICY, segments, predicted, confidence, epistemic)
    assert 30 < expected.accepted.sum() < 270
    assert [a["decision"] == "accepted" for a in answers] == expected.accepted.tolist()
    reasons = ["accepted" if a["reason"] == "audit" else a["reason"] for a in answers]
    assert reasons == expected.reasons.tolist()
    assert [a["label"] for a in answers] == predicted
    assert [a["confidence"] for a in answers] == pytest.approx(confidence.tolist())
    assert [a["epistemic"] for a in answers] == pytest.approx(epistemic.tolist())
    assert {(a["aleatoric"], a["policy"], a["policy_version"]) for a in answers} == {
        (0.3, "line", 1)
    }


def test_a_new_policy_decides_the_next_case(home):
    with local_client(gate_app(open_gate(home))) as client:
        before = decide(client, SURE).json()["decisions"][0]
        activate_policy(Store(home.store), POLICY.__class__(0.99))
        after = decide(client, SURE, first=1).json()["decisions"][0]
    assert (before["decision"], before["policy_version"]) == ("accepted", 1)
    assert (after["decision"], after["reason"]) == ("review", "low_confidence")
    assert after["policy_version"] == 2


# --- the same request again


def test_the_same_key_gives_the_same_answer_and_another_body_under_it_is_refused(home):
    scorer = FixedScorer()
    with local_client(gate_app(open_gate(home, scorer))) as client:
        first = decide(client, SURE, "0 0.5 0.1", key="k")
        assert decide(client, SURE, "0 0.5 0.1", key="k").json() == first.json()
        assert decide(client, SURE, "0 0.5 0.1").json() == first.json()
        other = decide(client, SURE, key="k")
        assert (other.status_code, other.json()["code"]) == (409, "gate.other_body")
        taken = decide(client, "0 0.5 0.1")
        assert (taken.status_code, taken.json()["code"]) == (409, "gate.other_case")
    assert len(scorer.batches) == 1
    assert len(log_lines(home)) == 3


def test_requests_of_one_batch_get_their_own_answers_and_one_case_is_decided_once(home):
    scorer = FixedScorer()
    gate = open_gate(home, scorer)
    batch = [
        WaitingRequest(DecideRequest(cases=cases), key)
        for cases, key in (
            ((case("a", "3 0.95 0.05"), case("b", "0 0.5 0.1")), "k"),
            ((case("c", "1 0.95 0.1"),), None),
            ((case("b", "0 0.5 0.1"), case("a", "3 0.95 0.05")), None),
            ((case("a", "0 0.5 0.1"),), None),
            ((case("d", "2 0.9 0.1"),), "k"),
        )
    ]
    answer_batch(gate, batch)
    ids = [[answer.case_id for answer in waiting.answers.result()] for waiting in batch[:3]]
    assert ids == [["a", "b"], ["c"], ["b", "a"]]
    assert batch[0].answers.result() == batch[2].answers.result()[::-1]
    assert batch[1].answers.result()[0].label == LABELS[1]
    assert scorer.batches == [["3 0.95 0.05", "0 0.5 0.1", "1 0.95 0.1"]]
    codes = [waiting.answers.exception().code for waiting in batch[3:]]
    assert codes == ["gate.other_case", "gate.other_body"]
    gate.worker.log.close()


def test_a_case_that_is_decided_but_not_written_is_not_decided_again(home, monkeypatch):
    scorer = FixedScorer()
    gate = open_gate(home, scorer)
    worker = gate.worker
    first, again, other, later = (
        WaitingRequest(DecideRequest(cases=(case("a", text),)), key)
        for text, key in ((SURE, "k"), (SURE, "k"), ("0 0.5 0.1", None), (SURE, None))
    )
    ahead = worker.decide_requests([first])
    following = worker.decide_requests([again, other])
    assert other.answers.exception().code == "gate.other_case"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _no_disk)
        worker.write_batch(ahead)
    worker.write_batch(following)
    codes = [request.answers.exception().code for request in (first, again)]
    assert codes == ["gate.log_not_written", "gate.not_decided"]
    answer_batch(gate, [later])  # what failed is decided anew
    assert later.answers.result()[0].decision == "accepted"
    assert len(scorer.batches) == 2
    worker.log.close()


def _no_disk(_handle):
    raise OSError(5, "Input/output error")


def test_batches_reach_the_log_in_their_order_while_the_next_is_decided(home, monkeypatch):
    gate = open_gate(home)
    append, decided, hold = gate.worker.log.append, threading.Event(), threading.Event()

    def slow(documents):
        if documents[0]["answer"]["case_id"] == "c1":
            assert hold.wait(10)
        append(documents)

    def decide_and_tell(cases, decide=gate.worker.decide):
        if cases[0].case_id == "c2":
            decided.set()
        return decide(cases)

    monkeypatch.setattr(gate.worker.log, "append", slow)
    gate.worker.decide = decide_and_tell
    gate.worker.batch_cases = 1
    futures = [
        gate.worker.submit(DecideRequest(cases=(case(f"c{i}", SURE),)), None) for i in range(4)
    ]
    gate.worker.start()
    assert decided.wait(10)  # c2, while the log still writes c1
    hold.set()
    assert [future.result(10)[0].case_id for future in futures] == ["c0", "c1", "c2", "c3"]
    gate.worker.stop()
    assert [line["answer"]["case_id"] for line in log_lines(home)] == ["c0", "c1", "c2", "c3"]
    gate.worker.log.close()


def test_what_waits_is_taken_up_to_the_batch_limit(home):
    gate = open_gate(home)
    gate.worker.batch_cases = 3
    for i in range(5):
        gate.worker.submit(DecideRequest(cases=(case(f"c{i}", SURE),)), None)
    assert [len(gate.worker._next_batch()[0]) for _ in range(2)] == [3, 2]
    gate.worker.log.close()


def case(case_id, text):
    """A case of segment B."""
    return GateCase(case_id=case_id, text=text, segment="B")


# --- on disk before it is answered


def test_an_answer_is_on_disk_before_it_leaves(home, monkeypatch):
    events, sync, answer = [], os.fsync, Future.set_result
    gate = open_gate(home)
    monkeypatch.setattr(os, "fsync", lambda handle: (sync(handle), events.append("disk")))
    monkeypatch.setattr(Future, "set_result", lambda f, v: (events.append("out"), answer(f, v)))
    answer_batch(gate, [WaitingRequest(DecideRequest(cases=(case("a", SURE),)), None)])
    assert events == ["disk", "out"]
    gate.worker.log.close()


def test_a_new_process_knows_what_was_answered(home):
    with local_client(gate_app(open_gate(home))) as client:
        first = decide(client, SURE, "0 0.5 0.1", key="k").json()
    scorer = FixedScorer()
    with local_client(gate_app(open_gate(home, scorer))) as client:
        assert decide(client, SURE, "0 0.5 0.1", key="k").json() == first
        assert decide(client, SURE, key="k").status_code == 409
    assert scorer.batches == []


def test_a_line_cut_short_is_cut_off_and_a_broken_one_is_refused(tmp_path):
    path = tmp_path / "log.jsonl"
    log = DecisionLog(path)
    log.append([{"content_key": "x", "request": "k"}])
    with pytest.raises(StoreError, match="another process holds the log"):
        DecisionLog(path)
    log.close()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:10])
    log = DecisionLog(path)
    assert list(log.requests) == ["k"]
    log.append([{"content_key": "y", "request": "l"}])
    assert log.read_line(log.requests["l"])["content_key"] == "y"
    log.close()
    path.write_bytes(b"{}\n" + whole)
    with pytest.raises(StoreError, match="line 1 of the log"):
        DecisionLog(path)


def test_a_full_disk_answers_503_and_leaves_no_half_line(home, monkeypatch):
    write = os.write
    gate = open_gate(home)

    def half(handle, content):
        monkeypatch.setattr(os, "write", full)
        return write(handle, bytes(content)[:20])

    def full(handle, content):
        raise OSError(28, "No space left on device")

    with local_client(gate_app(gate)) as client:
        with monkeypatch.context():
            append = gate.worker.log.append

            def short_of_space(documents):
                monkeypatch.setattr(os, "write", half)
                try:
                    append(documents)
                finally:
                    monkeypatch.setattr(os, "write", write)

            gate.worker.log.append = short_of_space
            refused = decide(client, SURE)
        assert (refused.status_code, refused.json()["code"]) == (503, "gate.log_not_written")
        assert log_lines(home) == []
        gate.worker.log.append = append
        assert decide(client, SURE).json()["decisions"][0]["decision"] == "accepted"
    assert len(log_lines(home)) == 1


# --- every fault goes to review


@pytest.mark.parametrize(
    "fault",
    [
        RuntimeError("the device is gone"),
        CasesError("gate.body_cut_short"),
        np.nan,
        np.inf,
        2 * UNIFORM,
        2 * np.eye(len(LABELS))[0] - UNIFORM,  # sums to 1
    ],
)
def test_a_fault_of_the_model_sends_its_case_alone_to_review(home, fault):
    bad = "3 0.99 0.01"
    with local_client(gate_app(open_gate(home, FixedScorer({bad: fault})))) as client:
        answers = decide(client, SURE, bad, SURE).json()["decisions"]
        counts = client.get("/metrics").text
    assert [a["decision"] for a in answers] == ["accepted", "review", "accepted"]
    fault_name = "model_error" if isinstance(fault, Exception) else "not_finite"
    assert (answers[1]["reason"], answers[1]["fault"]) == ("fault", fault_name)
    assert answers[1]["label"] is answers[1]["confidence"] is None
    assert f'kakushin_gate_faults_total{{fault="{fault_name}"}} 1' in counts


def test_no_log_quotes_a_case(home, caplog):
    text = "0 0.9 0.1 canary-4711"
    scorer = FixedScorer({text: RuntimeError(f"cannot read {text}")})
    decision = only_decision(home, text, scorer)
    assert (decision["decision"], decision["fault"]) == ("review", "model_error")
    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text


def test_a_model_of_other_classes_accepts_nothing(home):
    class Narrow(FixedScorer):
        def scores(self, texts):
            found = super().scores(texts)
            found.probabilities = np.tile([0.05, 0.95], (len(texts), 1))
            return found

    assert only_decision(home, scorer=Narrow())["fault"] == "not_finite"


@pytest.mark.parametrize("epistemic", ["nan", "inf", "-0.1"])
def test_an_impossible_uncertainty_accepts_nothing(home, epistemic):
    assert only_decision(home, f"3 0.95 {epistemic}")["fault"] == "not_finite"


def test_no_active_policy_accepts_nothing(tmp_path):
    decision = only_decision(make_home(tmp_path, active=False))
    assert (decision["decision"], decision["reason"]) == ("review", "policy_void")
    assert (decision["fault"], decision["policy"]) == ("no_policy", None)


@pytest.mark.parametrize(
    ("content", "bound", "fault"),
    [
        (POLICY, {"expires_on": date(2020, 1, 1)}, "expired"),
        (POLICY, {"certificate": {"format": 99}}, "certificate_void"),
    ],
)
def test_a_policy_that_does_not_count_accepts_nothing(tmp_path, content, bound, fault):
    home = make_home(tmp_path, active=False)
    activate_policy(Store(home.store), content, **bound)
    decision = only_decision(home)
    assert (decision["decision"], decision["reason"]) == ("review", "policy_void")
    assert (decision["fault"], decision["policy_version"]) == (fault, 1)


def test_a_locked_store_sends_cases_to_review_even_after_it_was_read(home, monkeypatch):
    with local_client(gate_app(open_gate(home))) as client:
        assert decide(client, SURE).json()["decisions"][0]["decision"] == "accepted"
        with monkeypatch.context() as patch:
            patch.setattr(Store, "version", lambda _: ("changed",))
            patch.setattr(Store, "atomic", _locked)
            patch.setattr(Store, "reading", _locked)
            answer = decide(client, SURE, first=1).json()["decisions"][0]
        assert (answer["decision"], answer["reason"]) == ("review", "fault")
        assert answer["fault"] == "store_unavailable"
        again = decide(client, SURE, first=2).json()["decisions"][0]
        assert again["decision"] == "accepted"


def _locked(_):
    raise StoreError("store.in_use", folder="store", seconds=1, lock="lock")


def test_a_rule_that_fails_accepts_nothing(home, monkeypatch):
    monkeypatch.setattr("core.pipeline.apply.BoundPolicy.decide", lambda *_: 1 / 0)
    decision = only_decision(home)
    assert (decision["decision"], decision["fault"]) == ("review", "rule_error")


def test_the_policy_is_read_once_while_nothing_changes(home, monkeypatch):
    reads = []
    monkeypatch.setattr("core.gate.policies.active_version_for", lambda *a: reads.append(a))
    policies = PolicyInForce(Store(home.store), open_gate(home).transfer.run)
    assert [policies.bound_policy() for _ in range(3)] == [None] * 3
    assert len(reads) == 1


# --- what is refused


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "gate.body_refused"),
        (b'{"cases": []}', "gate.body_refused"),
        (b'{"cases": [{"case_id": "a"}]}', "gate.body_refused"),
        (b'{"cases": [{"case_id": 1, "text": "x"}]}', "gate.body_refused"),
        (b'{"cases": [{"case_id": "a", "text": "x", "more": 1}]}', "gate.body_refused"),
        (json.dumps({"cases": 2 * body(SURE)["cases"]}).encode(), "gate.case_twice"),
        (json.dumps(body("  ")).encode(), "pipeline.text_empty"),
        (json.dumps(body("x" * 20_001)).encode(), "pipeline.text_too_long"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_as_a_whole(home, content, code):
    with local_client(gate_app(open_gate(home))) as client:
        refused = client.post("/v1/decide", content=content)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
        japanese = client.post("/v1/decide", content=content, headers={"Accept-Language": "ja"})
        assert japanese.json()["message"] != refused.json()["message"]
        assert decide(client, SURE, key="k" * 201).status_code == 422
    assert log_lines(home) == []


def test_a_body_over_the_limit_is_refused(home, monkeypatch):
    monkeypatch.setattr(gate_module, "BODY_LIMIT", 100)
    with local_client(gate_app(open_gate(home))) as client:
        assert decide(client, SURE).status_code == 200
        refused = decide(client, SURE, SURE, SURE)
        assert (refused.status_code, refused.json()["code"]) == (413, "gate.body_too_long")


def test_a_full_queue_refuses_at_once(home):
    gate = open_gate(home)
    gate.worker.waiting.maxsize = 1
    request = DecideRequest(cases=(case("a", SURE),))
    gate.worker.submit(request, None)
    with pytest.raises(StoreError, match="wait already"):
        gate.worker.submit(request, None)
    gate.worker.log.close()


# --- into the store


def verdict(case_id, **more):
    """A person's verdict."""
    return {
        "case_id": case_id,
        "verdict": "right",
        "reviewer": "Mori",
        "at": "2026-07-01T09:00:00Z",
        **more,
    }


def test_decisions_and_verdicts_reach_the_store_once(home):
    store = Store(home.store)
    gate = open_gate(home, FixedScorer({"1 0.9 0.1": np.nan}))
    with local_client(gate_app(gate)) as client:
        decide(client, SURE, "1 0.9 0.1", "0 0.5 0.1")
        added = client.post("/v1/verdicts", json={"verdicts": [verdict("c0")]})
        assert added.json() == {"added": 1}
        again = client.post("/v1/verdicts", json={"verdicts": [verdict("c0")]})
        assert again.json() == {"added": 0}
        assert client.post("/v1/verdicts", json={"verdicts": [verdict("no")]}).status_code == 404
        wrong = verdict("c0", verdict="maybe")
        assert client.post("/v1/verdicts", json={"verdicts": [wrong]}).status_code == 422
        decide(client, SURE, first=3)
    run_id = gate.transfer.run.run_id
    assert (store.run(run_id).state, store.run(run_id).metrics) == ("finished", {"cases": 3})
    decisions = Reviews(store).decisions(run_id).sort_values("case_id")
    assert decisions[["case_id", "decision", "reason"]].values.tolist() == [
        ["c0", "accepted", "accepted"],
        ["c1", "review", "fault"],
        ["c2", "review", "low_confidence"],
        ["c3", "accepted", "accepted"],
    ]
    assert Reviews(store).verdicts(run_id)["case_id"].tolist() == ["c0"]
    gate = open_gate(home)
    assert gate.transfer.move_all() == 0
    gate.worker.log.close()
    assert len(store.predictions(run_id, ["case_id"])) == 3


def test_a_transfer_that_is_cut_short_goes_on_where_the_store_is(home, monkeypatch):
    gate = open_gate(home)
    for i in range(5):
        cases = (case(f"c{i}", SURE),)
        answer_batch(gate, [WaitingRequest(DecideRequest(cases=cases), None)])
    monkeypatch.setattr("core.gate.transfer.PART_CASES", 2)
    with monkeypatch.context() as patch:
        patch.setattr(Reviews, "add_decisions", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError, match="division"):
            gate.transfer.move_all()
    assert gate.transfer.move_all() == 5
    decided = Reviews(Store(home.store)).decisions(gate.transfer.run.run_id)
    assert decided["case_id"].tolist() == [f"c{i}" for i in range(5)]
    assert gate.transfer.waiting == 0
    gate.worker.log.close()


def test_a_case_without_an_answer_waits_for_people_and_can_be_judged(home):
    text = "1 0.9 0.1 smell of burning"
    gate = open_gate(home, FixedScorer({text: np.nan}))
    with local_client(gate_app(gate)) as client:
        decide(client, SURE, text)
        answers = [verdict("c1", label=LABELS[2]), verdict("c1", verdict="wrong", label=LABELS[2])]
        judged = [client.post("/v1/verdicts", json={"verdicts": [v]}) for v in answers]
        assert judged[0].status_code == 422  # right: of no answer
        assert judged[0].json()["code"] == "store.verdict_no_answer"
        assert judged[1].json() == {"added": 1}
    store, run_id = Store(home.store), gate.transfer.run.run_id
    table = Audits(store).audited_cases(run_id, "line", 1, unscored=True)
    queue = review_queue(table, escape=10, review=1, minutes=2, capacity_minutes=60)
    assert table["verdict_label"].tolist()[1] == LABELS[2]
    assert queue.cases.empty  # judged
    waiting = table.assign(verdict=None, reviewers=np.nan)
    queue = review_queue(waiting, escape=10, review=1, minutes=2, capacity_minutes=60)
    assert queue.cases["case_id"].tolist() == ["c1"]
    assert Claims(store).case_text(run_id, "c1") == text
    decided = Reviews(store).decided_cases(run_id, "line", 1, reason="fault")
    assert decided[["case_id", "predicted"]].values.tolist() == [["c1", ""]]
    assert Audits(store).audited_cases(run_id, "line", 1)["case_id"].tolist() == ["c0"]


def test_an_accepted_case_below_the_audit_share_is_marked_and_in_the_list_of_audits(home):
    gate = open_gate(home)
    run_id, n = gate.transfer.run.run_id, 400
    ids = [f"c{i}" for i in range(n)]
    with local_client(gate_app(gate)) as client:
        texts = [SURE if i % 2 else "0 0.5 0.1" for i in range(n)]
        answers = decide(client, *texts).json()["decisions"]
        numbers = audit_numbers(audit_secret(home.store), run_id, ids)
        drawn = [ids[i] for i in range(1, n, 2) if numbers[i] < AUDIT_SHARE]
        assert [a["case_id"] for a in answers if a["reason"] == "audit"] == drawn
        marks = {(a["reason"] == "audit", a["audit_probability"]) for a in answers}
        assert marks == {(True, AUDIT_SHARE), (False, None)}
        assert {a["decision"] for a in answers if a["reason"] == "audit"} == {"accepted"}
        audit = {"audit": True, "inclusion_probability": AUDIT_SHARE}
        moment = next(a["decided_at"] for a in answers if a["case_id"] == drawn[0])
        judged = verdict(drawn[0], at=moment, **audit)  # before the store has the draw
        assert client.post("/v1/verdicts", json={"verdicts": [judged]}).json() == {"added": 1}
    draws = Audits(Store(home.store)).draws(run_id, "line", 1)
    assert draws["case_id"].tolist() == sorted(drawn)
    assert len(drawn) > 5


# --- files of the log


def test_a_large_file_is_closed_and_removed_once_the_store_has_its_cases_and_it_is_old(
    home, monkeypatch
):
    monkeypatch.setattr("core.gate.log.SEGMENT_BYTES", 1)  # a file a batch
    bad = "1 0.9 0.1"

    def files():
        return sorted(path.name.split(".", 1)[1] for path in (home.home / "gate").glob("*.jsonl"))

    gate = open_gate(home, FixedScorer({bad: np.nan}))
    for i, text in enumerate([SURE, bad, SURE]):
        answer_batch(gate, [WaitingRequest(DecideRequest(cases=(case(f"c{i}", text),)), f"k{i}")])
    assert files() == ["000001.jsonl", "000002.jsonl", "jsonl"]
    assert gate.transfer.move_all() == 3
    assert len(files()) == 3  # in the store, but young
    monkeypatch.setattr("core.gate.log.KEEP_S", -1)
    assert gate.transfer.move_all() == 0
    assert files() == ["jsonl"]
    gate.worker.log.close()

    scorer = FixedScorer()
    gate = open_gate(home, scorer)  # a new process
    again, kept, new = (
        WaitingRequest(DecideRequest(cases=(case(name, SURE),)), None)
        for name in ("c0", "c2", "c3")
    )
    answer_batch(gate, [again, kept, new])
    assert again.answers.exception().code == "gate.case_removed"
    assert [r.answers.result()[0].case_id for r in (kept, new)] == ["c2", "c3"]
    assert scorer.batches == [[SURE]]
    assert gate.transfer.move_all() == 1
    assert gate.transfer.waiting == 0
    gate.worker.log.close()
    decided = Reviews(Store(home.store)).decisions(gate.transfer.run.run_id)
    assert sorted(decided["case_id"]) == ["c0", "c1", "c2", "c3"]


def test_a_file_with_a_case_that_the_store_lacks_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("core.gate.log.SEGMENT_BYTES", 1)
    monkeypatch.setattr("core.gate.log.KEEP_S", -1)
    log = DecisionLog(tmp_path / "log.jsonl")
    for name, scores in (("a", {}), ("b", None), ("c", {})):
        log.append([{"content_key": name, "answer": {"case_id": name}, "scores": scores}])
    assert log.remove_old(scored=0, unscored=9) == 0
    assert log.remove_old(scored=1, unscored=0) == 1
    assert log.remove_old(scored=9, unscored=0) == 0
    assert list(log.cases) == ["b", "c"]
    # killed between the list of removed cases and the removal of a file
    (tmp_path / "log.000001.jsonl").write_bytes(b"left over")
    log.close()
    log = DecisionLog(tmp_path / "log.jsonl")
    assert list(log.cases) == ["b", "c"]
    assert not (tmp_path / "log.000001.jsonl").exists()
    assert ("a" in log.retired, "b" in log.retired) == (True, False)
    log.close()


# --- what it says of itself


def test_the_openapi_document_lists_the_routes_and_its_references_exist(home):
    app = gate_app(open_gate(home))
    with local_client(app) as client:
        document = client.get("/openapi.json").json()
        assert client.get("/healthz").json() == {"alive": True}
    assert set(document["paths"]) == {route.path for route in app.routes}
    for route in app.routes:
        assert {m.lower() for m in route.methods} - {"head"} == set(document["paths"][route.path])
    schemas = document["components"]["schemas"]
    names = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert names == set(schemas) - {"x"}


def test_the_metrics_count_cases_requests_and_batches(home):
    with local_client(gate_app(open_gate(home))) as client:
        decide(client, SURE, "0 0.5 0.1")
        decide(client, SURE, "0 0.5 0.1")
        decide(client, "5 0.5 0.1")
        lines = client.get("/metrics").text.splitlines()
    assert 'kakushin_gate_cases_total{decision="accepted",reason="accepted"} 1' in lines
    assert 'kakushin_gate_cases_total{decision="review",reason="low_confidence"} 1' in lines
    assert 'kakushin_gate_requests_total{route="/v1/decide",status="200"} 2' in lines
    assert 'kakushin_gate_requests_total{route="/v1/decide",status="409"} 1' in lines
    assert "kakushin_gate_batches_total 1" in lines
    assert "kakushin_gate_request_seconds_count 2" in lines
    assert "kakushin_gate_cases_not_in_store 2" in lines


# --- a real process, killed


def test_a_killed_server_has_lost_nothing_and_doubles_nothing(home):
    answers = {}
    for first in (0, 3, 6):
        port = free_port()
        command = [sys.executable, "-m", "tests.gates", str(home.home), str(port)]
        process = subprocess.Popen(command, cwd=ROOT)
        try:
            wait_until_up(process, f"http://127.0.0.1:{port}/healthz")
            for i in range(first + 3):
                answer = post(port, body(SURE, "0 0.5 0.1", first=2 * i), f"k{i}")
                assert answers.setdefault(i, answer) == answer
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert len(answers) == 9
    cases = [line["answer"]["case_id"] for line in log_lines(home) if "answer" in line]
    assert cases == [f"c{i}" for i in range(18)]
    gate = open_gate(home)
    assert gate.transfer.move_all() == 18
    gate.worker.log.close()


def post(port, content, key):
    """The answer of a served gate."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/decide",
        json.dumps(content).encode(),
        {"Idempotency-Key": key, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)
