"""Pages of other sites in a real browser: they frame nothing, open no socket, and load nothing;
the dashboard itself opens at any page's address without a failed request.
"""

import http.server
import threading
from contextlib import contextmanager

import pytest

from tests.browser.pages import DRAWN
from tests.browser.serving import CHROMIUM, FLAGS, free_port, open_address

ATTACK = """<!doctype html><title>attack</title><iframe id="frame" src="{dashboard}"></iframe>
<script>
const socket = new WebSocket("{dashboard}_stcore/stream".replace("http", "ws"), ["streamlit"])
socket.onopen = () => document.title = "socket open"
socket.onerror = () => document.title = "socket refused"
</script>"""


@contextmanager
def attacking(dashboard: str):
    """Serve a page of another port that frames the dashboard and opens its socket."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = ATTACK.replace("{dashboard}", dashboard).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_another_local_port_frames_nothing_and_opens_no_socket(browser, full_dashboard):
    with attacking(full_dashboard) as port:
        page = browser.new_context().new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_function("document.title != 'attack'")
        assert page.title() == "socket refused"
        frame = page.frame_locator("#frame")
        assert frame.locator("[data-testid=stApp]").count() == 0


def test_a_rebound_name_draws_no_dashboard(browser, full_dashboard):
    rules = "--host-resolver-rules=MAP rebound.example 127.0.0.1"
    rebound = browser.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, rules])
    page = rebound.new_page()
    response = page.goto(full_dashboard.replace("127.0.0.1", "rebound.example"))
    assert response.status == 403
    assert "host name is not one of the dashboard's" in page.content()
    rebound.close()


# The addresses of the other pages: tests.browser.test_accessibility opens them all.
@pytest.mark.parametrize("path", ["decide", "money", ""])
def test_a_page_opens_by_its_address_without_a_failed_request(browser, full_dashboard, path):
    problems, failed = [], []

    def listen(page):
        def note(response):
            if response.status >= 400:
                failed.append(response.url)

        page.on("response", note)
        page.on("requestfailed", lambda request: failed.append(request.url))

    ready = "[data-testid=stMainBlockContainer] h1, [data-testid=stMarkdown]"
    page = open_address(browser, f"{full_dashboard}{path}?lang=en", problems, ready, listen)
    page.wait_for_function(DRAWN)
    assert not [url for url in failed if "_stcore/stream" not in url]
    assert problems == []
    assert page.url.startswith(f"{full_dashboard}{path}".removesuffix("decide"))
