"""The gate's callers: who is refused, by which status, and that a verdict carries its token's name."""

import hashlib
import json

import pytest
import uvicorn

from core.cli import main
from core.errors import CallerUnknownError, NotFoundError, SettingsError, TooManyRequestsError
from core.gate.app import gate_app
from core.gate.server import serve_gate
from core.gate.tokens import CallerBook, add_token, callers_for, remove_token, token_file
from core.identity import ROLES
from core.settings import Settings
from core.store.reviews import Reviews
from core.store.store import Store
from core.store.trail import AuditTrail
from tests.gates import CARD, DATASET, FixedScorer, local_client, open_gate

CASE = {"cases": [{"case_id": "c0", "text": "3 0.95 0.05", "segment": "B"}]}
VERDICT = {"case_id": "c0", "verdict": "right", "reviewer": "Mori", "at": "2026-07-01T09:00:00Z"}


@pytest.fixture
def home(tmp_path):
    """A workspace without a store, which no refusal needs."""
    return Settings(home=tmp_path)


@pytest.fixture
def tokens(home):
    """{role: a token with that role}; the caller's name is the role in capitals."""
    return {role: add_token(token_file(home), role.upper(), role) for role in ROLES}


@pytest.fixture
def client(home, tokens):
    """A client of a gate that asks for tokens."""
    with local_client(gate_app(open_gate(home, callers=callers_for(home, "0.0.0.0")))) as client:
        yield client


def bearer(token):
    """The headers of a caller."""
    return {"Authorization": f"Bearer {token}"}


# --- no token, or another


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer kakushin_guess"},
        {"Authorization": "Bearer é".encode("latin-1")},
    ],
    ids=["none", "empty", "scheme alone", "a guess", "not ASCII"],
)
def test_every_path_but_the_health_check_needs_a_token(client, home, headers):
    requests = [
        ("POST", "/v1/decide"),
        ("POST", "/v1/verdicts"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/nowhere"),
        ("GET", "/healthz/"),
        ("DELETE", "/v1/decide"),
    ]
    for method, path in requests:
        refused = client.request(method, path, headers=headers, content=json.dumps(CASE))
        assert (refused.status_code, refused.json()["code"]) == (401, "gate.token_needed"), path
        assert refused.headers["www-authenticate"] == "Bearer"
    assert client.get("/healthz").json() == {"alive": True}
    assert not any(line for path in (home.home / "gate").glob("*.jsonl") for line in path.open())


def test_a_token_counts_as_a_whole_and_only_as_a_bearer(client, tokens, home):
    token = tokens["operator"]
    digest = hashlib.sha256(token.encode()).hexdigest()
    assert digest in token_file(home).read_text()  # who reads the file has no token
    for wrong in (token[:-1], token + "x", token.upper(), digest, ""):
        assert client.get("/metrics", headers=bearer(wrong)).status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Basic {token}"}).status_code == 401
    assert client.get("/metrics", headers=bearer(token)).status_code == 200


# --- roles


def test_deciding_needs_the_operator_and_verdicts_the_reviewer(client, tokens):
    client.post("/v1/decide", json=CASE, headers=bearer(tokens["admin"])).raise_for_status()
    statuses = {}
    for role, token in tokens.items():
        decides = client.post("/v1/decide", json=CASE, headers=bearer(token))
        judges = client.post("/v1/verdicts", json={"verdicts": [VERDICT]}, headers=bearer(token))
        statuses[role] = decides.status_code, judges.status_code
        for path in ("/metrics", "/openapi.json"):
            assert client.get(path, headers=bearer(token)).status_code == 200
    assert statuses == {
        "viewer": (403, 403),
        "reviewer": (403, 200),
        "operator": (200, 403),
        "approver": (403, 403),
        "admin": (200, 200),
    }


def test_a_missing_role_is_said_before_the_body_is_read(client, tokens):
    refused = client.post("/v1/decide", content=b"{", headers=bearer(tokens["viewer"]))
    assert (refused.status_code, refused.json()["code"]) == (403, "identity.role_missing")


def test_the_reviewer_of_a_verdict_is_the_tokens_name(client, tokens, home):
    client.post("/v1/decide", json=CASE, headers=bearer(tokens["operator"]))
    sent = client.post(
        "/v1/verdicts", json={"verdicts": [VERDICT]}, headers=bearer(tokens["reviewer"])
    )
    assert sent.json() == {"added": 1}
    store = Store(home.store)
    (run_id,) = (r.run.run_id for r in store.runs("score") if r.run.run_id.startswith("gate-"))
    assert Reviews(store).verdicts(run_id)["reviewer"].tolist() == ["REVIEWER"]
    with store.atomic() as connection:
        query = "SELECT actor, account FROM trail_entries WHERE action = 'review.verdict'"
        assert connection.execute(query).fetchall() == [("REVIEWER", "token:REVIEWER")]


# --- the limit of requests


def test_a_token_beyond_its_limit_is_told_when_to_come_back(home):
    path = token_file(home)
    busy, calm = add_token(path, "busy", "viewer", 3), add_token(path, "calm", "viewer", 3)
    moment = [0.0]
    book = CallerBook(path, lambda: moment[0])
    with local_client(gate_app(open_gate(home, callers=book))) as client:

        def status(token):
            return client.get("/metrics", headers=bearer(token)).status_code

        assert [status(busy) for _ in range(4)] == [200, 200, 200, 429]
        refused = client.get("/metrics", headers=bearer(busy))
        assert (refused.json()["code"], refused.headers["retry-after"]) == ("gate.rate", "20")
        assert status(calm) == 200  # a limit for each token
        moment[0] = 19.9
        assert client.get("/metrics", headers=bearer(busy)).headers["retry-after"] == "1"
        moment[0] = 20.1  # 3 a minute: one every 20 s
        assert [status(busy), status(busy)] == [200, 429]
        moment[0] = 1e6  # an idle hour saves up no more than a minute's requests
        assert [status(busy) for _ in range(4)] == [200, 200, 200, 429]


def test_a_caller_is_not_slowed_down_by_guesses_of_others(home):
    path = token_file(home)
    token = add_token(path, "busy", "viewer", 1)
    book = CallerBook(path, lambda: 0.0)
    for _ in range(10):
        with pytest.raises(CallerUnknownError, match="no token that the gate accepts"):
            book.admit_caller("Bearer guess")
    assert book.admit_caller(f"Bearer {token}").name == "busy"
    with pytest.raises(TooManyRequestsError, match="allows 1 request a minute"):
        book.admit_caller(f"Bearer {token}")


# --- the token file


def test_the_token_is_printed_once_and_kept_as_a_hash(home, monkeypatch, capsys):
    monkeypatch.setenv("KAKUSHIN_HOME", str(home.home))
    assert main(["token", "add", "田中", "--role", "reviewer", "--per-minute", "30"]) == 0
    printed = capsys.readouterr()
    token = printed.out.strip()
    assert token not in printed.err
    path = token_file(home)
    assert path.stat().st_mode & 0o777 == 0o600
    assert token not in path.read_text(encoding="utf-8")
    caller = CallerBook(path).admit_caller(f"bearer {token}")
    assert (caller.name, caller.roles) == ("田中", frozenset({"reviewer"}))
    assert main(["token", "add", "田中", "--role", "admin"]) == 2
    assert main(["token", "remove", "田中"]) == 0
    assert main(["token", "remove", "田中"]) == 5
    assert token not in capsys.readouterr().err
    entries = AuditTrail(Store(home.store)).entries()
    assert entries[["action", "subject"]].to_numpy().tolist()[:2] == [
        ["token.remove", "田中"],
        ["token.add", "田中"],
    ]
    assert token not in entries.to_csv()


@pytest.mark.parametrize(
    ("name", "role", "per_minute", "message"),
    [
        ("a", "owner", 1, "owner"),
        (" ", "viewer", 1, "name"),
        ("a\nb", "viewer", 1, "name"),
        ("a", "viewer", 0, "per-minute is 0"),
    ],
)
def test_a_caller_without_name_role_or_limit_is_refused(home, name, role, per_minute, message):
    with pytest.raises(SettingsError, match=message):
        add_token(token_file(home), name, role, per_minute)
    assert not token_file(home).exists()


def test_a_removed_token_is_refused_at_its_next_request_and_the_last_one_opens_nothing(
    client, tokens, home
):
    for role in ROLES:
        remove_token(token_file(home), role.upper())
        assert client.get("/metrics", headers=bearer(tokens[role])).status_code == 401
    assert client.get("/metrics").status_code == 401
    with pytest.raises(NotFoundError, match="no token of the name 'VIEWER'"):
        remove_token(token_file(home), "VIEWER")


def test_a_token_file_that_goes_missing_or_that_others_read_lets_no_one_in(client, tokens, home):
    headers, path = bearer(tokens["admin"]), token_file(home)
    assert client.get("/metrics", headers=headers).status_code == 200
    path.chmod(0o644)
    refused = client.get("/metrics", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (503, "gate.token_file_mode")
    path.unlink()
    refused = client.get("/metrics", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (503, "gate.token_file_unreadable")


@pytest.mark.parametrize(
    "content",
    ["", "[", "{}", '[{"name": "a", "role": "owner", "sha256": "0"}]', '[{"name": "a"}]'],
)
def test_a_broken_token_file_keeps_the_gate_from_starting(home, content):
    path = token_file(home)
    path.parent.mkdir()
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=r"tokens\.json cannot be read"):
        callers_for(home, "127.0.0.1")
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="other users can read the token file"):
        callers_for(home, "127.0.0.1")


# --- where it answers


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.1.4", "gate.example", "127.0.0.1."])
def test_a_host_beyond_this_machine_is_refused_without_tokens(home, monkeypatch, host):
    served = []
    monkeypatch.setattr(uvicorn, "run", lambda *_, **options: served.append(options["host"]))
    with pytest.raises(SettingsError, match="the gate has no tokens"):
        serve_gate(home, CARD, FixedScorer(), DATASET, host, 1)
    assert served == []
    add_token(token_file(home), "a", "operator")
    serve_gate(home, CARD, FixedScorer(), DATASET, host, 1)
    assert served == [host]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example:8600"}, "gate.other_host"),
        ({"Host": ""}, "gate.other_host"),
        ({"Host": "127.0.0.1.evil.example"}, "gate.other_host"),
        ({"Origin": "https://evil.example"}, "gate.other_origin"),
        ({"Origin": "null"}, "gate.other_origin"),
        ({"Host": "localhost:8600"}, None),
        ({"Host": "[::1]:8600", "Origin": "http://127.0.0.1:9000"}, None),
    ],
)
def test_without_tokens_a_page_of_another_site_gets_no_answer(home, headers, code):
    with local_client(gate_app(open_gate(home))) as client:
        response = client.post("/v1/decide", json=CASE, headers=headers)
        assert client.get("/healthz", headers=headers).status_code == 200
    assert response.status_code == (403 if code else 200)
    assert response.json().get("code") == code


def test_with_tokens_a_proxy_may_name_any_host(client, tokens):
    headers = bearer(tokens["operator"]) | {"Host": "gate.example"}
    assert client.post("/v1/decide", json=CASE, headers=headers).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.0.9", "::1", "localhost"])
def test_this_machine_needs_no_token_until_there_is_a_file(home, host):
    assert callers_for(home, host) is None
    add_token(token_file(home), "a", "operator")
    assert callers_for(home, host) is not None


def test_the_command_refuses_such_a_host_before_it_loads_a_model(home, monkeypatch, capsys):
    monkeypatch.setenv("KAKUSHIN_HOME", str(home.home))
    command = ["serve", "--model", "no", "--dataset", "no", "--host", "0.0.0.0"]
    assert main(command) == 2
    assert "kakushin token add" in capsys.readouterr().err


# --- what it says of itself


def test_the_openapi_document_asks_for_a_token_where_the_gate_does(client, tokens, home):
    document = client.get("/openapi.json", headers=bearer(tokens["viewer"])).json()
    scheme = {"type": "http", "scheme": "bearer"}
    assert document["components"]["securitySchemes"] == {"token": scheme}
    assert document["security"] == [{"token": []}]
    assert document["paths"]["/healthz"]["get"]["security"] == []
    for path in ("/v1/decide", "/v1/verdicts"):
        assert {"401", "403", "429"} <= set(document["paths"][path]["post"]["responses"])


def test_the_openapi_document_asks_for_none_where_the_gate_does_not(home):
    with local_client(gate_app(open_gate(home))) as client:
        assert "security" not in client.get("/openapi.json").json()
