"""One host rule: the gate and the dashboard let in the same requests, but for pages of other ports."""

import pytest
from starlette.datastructures import Headers

from core.errors import AccessError
from core.gate.guard import require_this_machine
from core.hosts import foreign_header
from dashboard.guard import RequestGuard

HOSTS = (
    *("127.0.0.1:8501", "LOCALHOST", "[::1]:8501", "127.1.2.3", "rebound.example", ""),
    *("localhost@rebound.example", "rebound.example@localhost", "localhost/x", "localhost:99999"),
    *("localhost.", "0.0.0.0", "2130706433", "[::1", "127.0.0.1, rebound.example"),
)
ORIGINS = (
    *("http://localhost:8501", "https://rebound.example", "null", "file://", "", "http://["),
    *("http://localhost:8501/x", "http://user@localhost:8501", "localhost:8501"),
)


def by_the_gate(headers: Headers) -> bool:
    try:
        require_this_machine(headers)
    except AccessError:
        return False
    return True


def by_the_dashboard(headers: Headers) -> bool:
    return RequestGuard(None, (), 1).refusal_reason(headers) is None


@pytest.mark.parametrize("host", HOSTS)
def test_both_servers_answer_the_same_hosts(host):
    expected = host in ("127.0.0.1:8501", "LOCALHOST", "[::1]:8501", "127.1.2.3")
    headers = Headers({"host": host})
    assert (by_the_gate(headers), by_the_dashboard(headers)) == (expected, expected)


@pytest.mark.parametrize("origin", ORIGINS)
def test_both_servers_answer_the_same_pages_of_their_own_port(origin):
    expected = origin == "http://localhost:8501"
    headers = Headers({"host": "localhost:8501", "origin": origin})
    assert (by_the_gate(headers), by_the_dashboard(headers)) == (expected, expected)


@pytest.mark.parametrize("name", [b"host", b"origin"])
def test_neither_server_answers_a_header_that_is_sent_twice(name):
    once = {b"host": b"localhost", b"origin": b"http://localhost"}
    raw = [*once.items(), (name, once[name])]
    assert not by_the_gate(Headers(raw=raw))
    assert not by_the_dashboard(Headers(raw=raw))


def test_a_page_of_another_port_of_this_machine_asks_the_gate_only():
    headers = Headers({"host": "127.0.0.1:8600", "origin": "http://localhost:9000"})
    assert by_the_gate(headers)
    assert not by_the_dashboard(headers)


def test_a_proxys_name_passes_as_host_and_as_origin_and_no_name_that_contains_it():
    proxy = ("kakushin.example.com",)
    assert foreign_header(["kakushin.example.com"], [], proxy) is None
    assert foreign_header(["127.0.0.1:1"], ["https://Kakushin.example.com"], proxy) is None
    assert foreign_header(["x.kakushin.example.com"], [], proxy) == "host"
    assert foreign_header(["127.0.0.1:1"], ["https://kakushin.example.com.x"], proxy) == "origin"
    assert foreign_header(["kakushin.example.com"], []) == "host"
