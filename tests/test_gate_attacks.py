"""The gate against a sender that plays with HTTP and JSON, and against its own lost log."""

import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest
import uvicorn

from core.errors import StoreError
from core.gate import app as gate_module
from core.gate.app import gate_app
from core.gate.patience import TimedProtocol
from core.gate.schemas import DecideRequest, GateCase
from core.gate.tokens import add_token, token_file
from core.gate.transfer import gate_run
from core.gate.worker import WaitingRequest
from core.store.reviews import Reviews
from core.store.store import Store
from tests.browser.serving import ROOT, free_port, wait_until_up
from tests.gates import CARD, DATASET, local_client, make_home, open_gate

SURE = "3 0.95 0.05"
CASE = {"case_id": "c0", "text": SURE, "segment": "B"}
VERDICT = {"case_id": "c0", "verdict": "right", "reviewer": "Mori", "at": "2026-07-01T09:00:00Z"}


@pytest.fixture
def home(tmp_path):
    """A workspace with an active policy."""
    return make_home(tmp_path)


# --- the body


@pytest.mark.parametrize(
    "body",
    [
        '{"cases": [], "cases": [{"case_id": "a", "text": "3 0.95 0.05"}]}',
        '{"cases": [{"case_id": "a", "text": "0 0.5 0.1", "text": "3 0.95 0.05"}]}',
        r'{"cases": [{"case_id": "a", "text": "0 0.5 0.1", "t\u0065xt": "3 0.95 0.05"}]}',
    ],
)
def test_a_name_that_stands_twice_is_refused(home, body):
    with local_client(gate_app(open_gate(home))) as client:
        refused = client.post("/v1/decide", content=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "gate.name_twice")


@pytest.mark.parametrize(
    "body",
    [
        '{"cases": ' + "[" * 100_000,
        '{"cases": [{"case_id": "a", "text": %s}]}' % ("9" * 100_000),
        r'{"cases": [{"case_id": "a", "text": "\ud800"}]}',
        b'{"cases": [{"case_id": "a", "text": "\xed\xa0\x80"}]}',
        b'\xef\xbb\xbf{"cases": []}',
        json.dumps({"cases": [CASE]}).encode("utf-16"),
        json.dumps({"cases": [CASE]}) + json.dumps({"cases": []}),
        json.dumps({"cases": [CASE], "x" * 100_000: 1}),
    ],
)
def test_a_body_that_is_no_plain_document_is_refused_in_a_short_sentence(home, body):
    with local_client(gate_app(open_gate(home))) as client:
        refused = client.post("/v1/decide", content=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "gate.body_refused")
    assert len(refused.content) < 1000


ODD = (
    "a\0b",
    " ",
    "\u202eevil",
    "=1+1",
    "'; DROP TABLE runs; --",
    "../../x",
    "\x1b[31m",
    "é" * 200,
)


def test_odd_ids_and_segments_are_decided_stored_and_judged_as_they_are(home):
    cases = [
        {"case_id": odd, "text": f"{SURE} {odd}", "segment": odd.ljust(201)[:200]} for odd in ODD
    ]
    gate = open_gate(home)
    with local_client(gate_app(gate)) as client:
        client.post("/v1/decide", json={"cases": cases}).raise_for_status()
        verdicts = [VERDICT | {"case_id": odd, "verdict": "wrong", "label": odd} for odd in ODD]
        answer = client.post("/v1/verdicts", json={"verdicts": verdicts})
        assert answer.json() == {"added": len(ODD)}
    store, run_id = Store(home.store), gate.transfer.run.run_id
    assert set(store.predictions(run_id)["case_id"]) == set(ODD)
    assert set(Reviews(store).decisions(run_id)["case_id"]) == set(ODD)
    assert set(Reviews(store).verdicts(run_id)["label"]) == set(ODD)


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "9999-12-31T23:59:59-14:00"},
        {"at": "2026-01-01"},
        {"at": True},
        {"verdict": "x" * 1_000_000},
        {"reviewer": "\x1b[31m"},
        {"audit": True, "inclusion_probability": 1e-320},
    ],
)
def test_a_verdict_out_of_all_bounds_is_refused_and_not_an_error_of_the_server(home, changes):
    with local_client(gate_app(open_gate(home))) as client:
        client.post("/v1/decide", json={"cases": [CASE]}).raise_for_status()
        refused = client.post("/v1/verdicts", json={"verdicts": [VERDICT | changes]})
        assert 400 <= refused.status_code < 500 or refused.json()["code"] == "store.no_draw"
        assert client.post("/v1/verdicts", json={"verdicts": [VERDICT]}).json() == {"added": 1}


def test_a_verdict_of_a_case_of_another_run_is_refused(home):
    with local_client(gate_app(open_gate(home))) as client:
        other = Store(home.store).predictions(Store(home.store).runs()[0].run.run_id)["case_id"][0]
        refused = client.post("/v1/verdicts", json={"verdicts": [VERDICT | {"case_id": other}]})
    assert refused.status_code == 404


# --- the headers


@pytest.mark.parametrize("key", ["\xa0", "é" * 100, "a\tb", "'\"--", "\x1b[31m"])
def test_an_idempotency_key_of_odd_bytes_is_a_key(home, key):
    headers = {"Idempotency-Key": key.encode("latin-1")}
    with local_client(gate_app(open_gate(home))) as client:
        first = client.post("/v1/decide", json={"cases": [CASE]}, headers=headers)
        again = client.post("/v1/decide", json={"cases": [CASE]}, headers=headers)
        other = {"cases": [CASE | {"case_id": "c1"}]}
        assert client.post("/v1/decide", json=other, headers=headers).status_code == 409
    assert first.json() == again.json()


# --- raw bytes on a socket


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The port of a gate in a process of its own."""
    with serving_gate(make_home(tmp_path_factory.mktemp("home")).home) as port:
        yield port


@contextmanager
def serving_gate(home):
    """Serve a gate over a workspace; yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.gates", str(home), str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_until_up(process, f"http://127.0.0.1:{port}/healthz")
        yield port
    finally:
        process.terminate()
        process.wait()


def statuses(port, raw):
    """The status of each answer to these bytes, until the gate closes or is silent for a second."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(raw)
        answer = b""
        with suppress(TimeoutError):
            while piece := connection.recv(65536):
                answer += piece
                connection.settimeout(1)
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]


def decide_bytes(content, *headers):
    """A request as bytes."""
    lines = ["POST /v1/decide HTTP/1.1", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + content


def test_a_body_of_two_lengths_is_not_a_second_request(served):
    body = json.dumps({"cases": [CASE]}).encode()
    hidden = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    host = "Host: 127.0.0.1"
    for headers in (
        (f"Content-Length: {len(body)}", "Content-Length: 0"),
        ("Content-Length: 0", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", f"Content-Length: {len(body)}"),
        ("Transfer-Encoding: identity, chunked", f"Content-Length: {len(body)}"),
        ("Content-Length: +5",),
        ("Content-Length: 5, 5",),
    ):
        answers = statuses(served, decide_bytes(body + hidden, host, *headers))
        assert len(answers) <= 1, headers
        assert all(400 <= status < 500 for status in answers), headers


def test_a_header_that_decides_something_is_refused_if_it_is_sent_twice(served):
    body = json.dumps({"cases": [CASE]}).encode()
    rest = ("Host: localhost", f"Content-Length: {len(body)}")
    for pair in (["a", "b"], ["a", "a"], ["", "b"]):
        keys = [f"Idempotency-Key: {key}" for key in pair]
        assert statuses(served, decide_bytes(body, *rest, *keys)) == [422]
    for name in ("Host: localhost", "Origin: http://localhost", "ORIGIN: http://localhost"):
        twice = ("Origin: http://localhost", *rest, name)
        assert statuses(served, decide_bytes(body, *twice))[0] in (400, 403)


def test_a_second_authorization_and_a_token_in_the_address_let_nobody_in(home):
    token = add_token(token_file(home), "line", "operator")
    with serving_gate(home.home) as port:
        body = json.dumps({"cases": [CASE]}).encode()
        rest = ("Host: line.example", f"Content-Length: {len(body)}")
        right, wrong = f"Authorization: Bearer {token}", "authorization: Bearer x"
        assert statuses(port, decide_bytes(body, *rest, right)) == [200]
        for pair in ((right, wrong), (wrong, right), (right, right)):
            assert statuses(port, decide_bytes(body, *rest, *pair)) == [422]
        path = f"/v1/decide?access_token={token}&token={token}&authorization=Bearer%20{token}"
        raw = decide_bytes(body, *rest).replace(b"/v1/decide", path.encode(), 1)
        assert statuses(port, raw) == [401]


@pytest.mark.parametrize(
    "host",
    ["localhost.", "127.1", "0x7f000001", "[::ffff:7f00:1]", "LOCALHOST:80@evil", "[::1%25lo]"],
)
def test_another_form_of_this_machines_name_is_refused(served, host):
    body = json.dumps({"cases": [CASE]}).encode()
    raw = decide_bytes(body, f"Host: {host}", f"Content-Length: {len(body)}")
    (status,) = statuses(served, raw)
    assert status in (400, 403)


def test_slow_senders_hold_up_nobody(served):
    waiting = [socket.create_connection(("127.0.0.1", served), timeout=10) for _ in range(200)]
    try:
        for i, connection in enumerate(waiting):
            start = b"POST /v1/decide HTTP/1.1\r\nHost: localhost\r\n"
            connection.sendall(start + (b"Content-Length: 9\r\n\r\n{" if i % 2 else b"X-A: "))
        body = json.dumps({"cases": [CASE]}).encode()
        raw = decide_bytes(body, "Host: localhost", f"Content-Length: {len(body)}")
        assert statuses(served, raw) == [200]
    finally:
        for connection in waiting:
            connection.close()


async def _slow_answer(scope, receive, send):
    await asyncio.sleep(1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_connection_without_a_whole_head_is_closed_and_a_slow_answer_is_not(monkeypatch):
    monkeypatch.setattr("core.gate.patience.HEAD_S", 0.2)
    port = free_port()
    options = {"http": TimedProtocol, "lifespan": "off", "log_level": "critical"}
    server = uvicorn.Server(uvicorn.Config(_slow_answer, port=port, **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.05)
        whole, half = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nX: "
        for content in (b"", half, whole + half):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(content)
                answer = b"".join(iter(lambda: connection.recv(1000), b""))  # until it is closed
            assert answer.count(b"200 OK") == content.count(whole)
    finally:
        server.should_exit = True
        thread.join()


def test_a_body_that_does_not_arrive_in_time_is_given_up(home, monkeypatch):
    monkeypatch.setattr(gate_module, "BODY_S", 0.2)

    async def read():
        async def receive():
            await asyncio.sleep(5)
            return {"type": "http.request", "body": b"{", "more_body": True}

        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        return await gate_module._body(gate_module.Request(scope, receive))

    with pytest.raises(gate_module.BodyTooSlowError):
        asyncio.run(read())


# --- the log and the store part ways


def decided(home, *names):
    """Let a new gate decide these cases, and move them into the store; return the errors' codes."""
    gate = open_gate(home)
    requests = [
        WaitingRequest(DecideRequest(cases=(GateCase(case_id=name, text=SURE),)), None)
        for name in names
    ]
    gate.worker.write_batch(gate.worker.decide_requests(requests))
    gate.transfer.move_all()
    gate.worker.log.close()
    return [getattr(request.answers.exception(), "code", None) for request in requests]


def test_after_a_lost_log_no_new_case_counts_as_moved_and_no_old_one_is_decided_again(home):
    assert decided(home, "c0", "c1", "c2") == [None] * 3
    run_id = gate_run(CARD, DATASET).run_id
    (home.home / "gate" / f"{run_id}.jsonl").unlink()
    assert decided(home, "c3", "c1") == [None, "gate.case_removed"]
    assert decided(home, "c4") == [None]
    stored = Reviews(Store(home.store)).decisions(run_id)["case_id"]
    assert stored.tolist() == ["c0", "c1", "c2", "c3", "c4"]


def test_a_store_older_than_the_log_is_refused_where_the_log_has_removed_cases(home, monkeypatch):
    older = shutil.copytree(home.store, home.home / "older")
    monkeypatch.setattr("core.gate.log.SEGMENT_BYTES", 1)
    monkeypatch.setattr("core.gate.log.KEEP_S", -1)
    decided(home, "c0")
    decided(home, "c1")
    shutil.rmtree(home.store)
    older.rename(home.store)
    with pytest.raises(StoreError, match="restore store and gate from one backup"):
        open_gate(home)
