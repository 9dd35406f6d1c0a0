"""The guard in front of the dashboard: hosts, origins and frames of other sites are refused, every
response is marked. Against the bare guard, and against a real server over raw sockets.
"""

import socket

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse

from core.errors import SettingsError
from dashboard.guard import HEADERS, RequestGuard
from dashboard.server import require_local_address
from tests.browser.serving import serving

GUARD = RequestGuard(None, ("kakushin.example.com",), 1)
SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def refused(**headers) -> bool:
    """Return whether the guard refuses a request with these headers."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return GUARD.refusal_reason(Headers(names)) is not None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8501",
        "localhost:8501",
        "LOCALHOST",
        "[::1]:8501",
        "kakushin.example.com",
        "Kakushin.Example.com:443",
    ],
)
def test_names_of_this_machine_and_of_the_proxy_pass(host):
    assert not refused(host=host)
    assert not refused(host=host, origin=f"http://{host}")


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example",
        "127.0.0.1.rebound.example",
        "localhost.rebound.example",
        "kakushin.example.com.rebound.example",
        "xkakushin.example.com",
        "localhost@rebound.example",
        "rebound.example@localhost",
        "localhost/rebound.example",
        "localhost:99999",
        "localhost:x",
        "localhost.",
        "0.0.0.0",
        "2130706433",
        "[::1",
        "",
    ],
)
def test_any_other_host_is_refused(host):
    assert refused(host=host)


def test_a_request_without_host_or_with_two_is_refused():
    assert GUARD.refusal_reason(Headers({})) is not None
    twice = Headers(raw=[(b"host", b"localhost"), (b"host", b"localhost")])
    assert GUARD.refusal_reason(twice) is not None


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:8502",
        "http://127.0.0.1",
        "http://localhost:8501",
        "https://app.streamlit.app",
        "http://rebound.example:8501",
        "http://127.0.0.1:8501.rebound.example",
        "http://user@127.0.0.1:8501",
        "null",
        "file://",
        "http://[",
        "",
    ],
)
def test_an_origin_of_another_port_or_site_is_refused(origin):
    assert refused(host="127.0.0.1:8501", origin=origin)


def test_the_origin_of_the_proxy_passes_whatever_host_it_asks_for():
    assert not refused(host="127.0.0.1:8501", origin="https://kakushin.example.com")


@pytest.mark.parametrize(
    ("site", "mode", "dest", "passes"),
    [
        ("same-origin", "cors", "empty", True),
        ("none", "navigate", "document", True),
        ("cross-site", "navigate", "document", True),
        ("same-site", "navigate", "document", True),
        ("cross-site", "navigate", "iframe", False),
        ("same-site", "navigate", "iframe", False),
        ("cross-site", "navigate", "object", False),
        ("same-site", "no-cors", "script", False),
        ("cross-site", "no-cors", "image", False),
        ("cross-site", "websocket", "empty", False),
    ],
)
def test_another_site_may_link_here_and_do_nothing_else(site, mode, dest, passes):
    headers = {"sec_fetch_site": site, "sec_fetch_mode": mode, "sec_fetch_dest": dest}
    assert refused(host="localhost:8501", **headers) is not passes


def test_the_answer_to_an_exception_is_marked_too():
    def fail(request):
        raise ZeroDivisionError

    routes = [Route("/", lambda request: PlainTextResponse("")), Route("/fail", fail)]
    app = RequestGuard(Starlette(routes=routes), (), 1)
    client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
    for path, status in (("/", 200), ("/fail", 500), ("/none", 404)):
        response = client.get(path)
        assert response.status_code == status
        assert HEADERS.items() <= dict(response.headers).items()
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_an_address_of_this_machine_is_served(address):
    require_local_address(address)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.2", "example.com"])
def test_an_address_that_others_reach_is_refused(address):
    with pytest.raises(SettingsError, match=r"has no login, so it does not listen on"):
        require_local_address(address)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("home")) as address:
        yield int(address.rstrip("/").rpartition(":")[2])


def answer(port: int, path: str, headers: dict[str, str], method: str = "GET"):
    """Return status and headers of the answer to raw bytes."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode())
        received = b""
        while b"\r\n\r\n" not in received and (piece := connection.recv(65536)):
            received += piece
    first, *fields = received.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    pairs = [field.partition(": ")[::2] for field in fields]
    return int(first.split()[1]), {name.lower(): value for name, value in pairs}


def test_a_real_server_opens_its_socket_to_its_own_page_only(port):
    ours = f"127.0.0.1:{port}"
    cases = [
        ({"Host": ours, "Origin": f"http://{ours}"}, 101),
        ({"Host": ours}, 101),
        ({"Host": "rebound.example", "Origin": "http://rebound.example"}, 403),
        ({"Host": f"rebound.example:{port}", "Origin": f"http://rebound.example:{port}"}, 403),
        ({"Host": ours, "Origin": f"http://127.0.0.1:{port + 1}"}, 403),
        ({"Host": ours, "Origin": f"http://localhost:{port}"}, 403),
        ({"Host": ours, "Origin": "https://app.streamlit.app"}, 403),
        ({"Host": ours, "Origin": "null"}, 403),
    ]
    statuses = [answer(port, "/_stcore/stream", headers | SOCKET)[0] for headers, _ in cases]
    assert statuses == [status for _, status in cases]


def test_a_real_server_marks_every_response(port):
    paths = [
        ("GET", "/", 200),
        ("GET", "/decide?t=0.9", 307),
        ("GET", "/no-such-page", 200),
        ("GET", "/_stcore/health", 200),
        ("GET", "/_stcore/host-config", 200),
        ("GET", "/favicon.png", 200),
        ("GET", "/media/none.csv", 404),
        ("GET", "/..%2f..%2fetc/passwd", 400),
        ("GET", "//rebound.example/x", 400),
        ("DELETE", "/_stcore/upload_file/a/b", 403),
        ("OPTIONS", "/_stcore/health", 204),
        ("POST", "/money", 405),
    ]
    for method, path, status in paths:
        received, headers = answer(port, path, {"Host": f"127.0.0.1:{port}"}, method)
        assert received == status, (method, path)
        assert HEADERS.items() <= headers.items(), (method, path)
        assert "frame-ancestors 'none'" in headers["content-security-policy"], (method, path)
    assert answer(port, "/decide?t=0.9", {"Host": "localhost"})[1]["location"] == "/?t=0.9"
    refused_one = answer(port, "/", {"Host": "rebound.example"})
    assert refused_one[0] == 403
    assert HEADERS.items() <= refused_one[1].items()
    socket_refused = answer(port, "/_stcore/stream", {"Host": "rebound.example"} | SOCKET)
    assert HEADERS.items() <= socket_refused[1].items()


def test_the_page_trusts_no_parent_and_knows_its_server(port):
    from urllib.request import urlopen

    address = f"http://127.0.0.1:{port}"
    with urlopen(f"{address}/_stcore/host-config") as response:
        assert b'"allowedOrigins":[]' in response.read()
    for path in ("/", "/money"):
        with urlopen(address + path) as response:
            assert b"BACKEND_BASE_URL: window.location.origin" in response.read()


def test_a_page_beyond_the_limit_of_sessions_is_refused_with_a_sentence():
    async def accept(socket):
        await socket.accept()
        await socket.receive_text()
        await socket.close()

    routes = [Route("/", lambda request: PlainTextResponse("page")), WebSocketRoute("/s", accept)]
    client = TestClient(RequestGuard(Starlette(routes=routes), (), 1), "http://127.0.0.1")
    opening = {"sec-fetch-mode": "navigate"}
    assert client.get("/", headers=opening).status_code == 200
    with client.websocket_connect("ws://127.0.0.1/s") as first:
        answer = client.get("/", headers=opening)
        assert (answer.status_code, answer.headers["x-frame-options"]) == (503, "DENY")
        assert "has 1 open pages, its limit" in answer.text
        assert "上限（1）に達しています" in answer.text
        assert client.get("/").status_code == 200  # a file of the page that is open
        with pytest.raises(WebSocketDenialResponse), client.websocket_connect("ws://127.0.0.1/s"):
            pass
        first.send_text("end")
    with client.websocket_connect("ws://127.0.0.1/s") as second:  # the place is free again
        second.send_text("end")
