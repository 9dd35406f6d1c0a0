"""One walk through the real page in a real browser: move the threshold, change language, open the
shared link.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.stores import make_store

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

COVERAGE, HEADLINE = ".st-key-handle .card-coverage .figure", ".st-key-handle .headline"
DRAWN = ".st-key-chart_calibration .main-svg"  # the last chart of the page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on the PATH: `apt-get install chromium` brings one"
    ),
]


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """Serve the dashboard over the store in `home` on a free port; give its address."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "dashboard/app.py",
        "--server.port",
        str(port),
    ]
    environment = {**os.environ, "KAKUSHIN_HOME": str(home)}
    # its log goes to stderr
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_until_up(server, f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:  # it waits for browsers that are still connected
            server.kill()
            server.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_up(server: subprocess.Popen, health: str) -> None:
    """Return once the server answers; fail when it ends or takes a minute."""
    for _ in range(240):
        assert server.poll() is None, f"the server ended with {server.returncode}"
        try:
            with urllib.request.urlopen(health, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    pytest.fail("the server did not answer within a minute")


@pytest.fixture
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def _open(browser, address: str, problems: list[str], ready: str, prepare=lambda page: None):
    """Open the address in a context of its own, in English unless the link says otherwise; gather
    the console's errors.

    prepare: what is done with the page before it goes there.
    """
    page = browser.new_context(locale="en-AU", viewport={"width": 1440, "height": 1000}).new_page()
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    prepare(page)
    page.goto(address)
    page.locator(ready).first.wait_for(timeout=60_000)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)
    return page


def test_a_manager_moves_the_threshold_changes_language_and_shares_the_link(tmp_path, browser):
    make_store(tmp_path / "store", "full")
    with serving(tmp_path) as address:
        _walk(address, browser)


def _walk(address: str, browser) -> None:
    problems: list[str] = []
    page = _open(browser, address + "?t=0.5", problems, DRAWN)
    coverage, headline = page.locator(COVERAGE), page.locator(HEADLINE)
    before, said = coverage.inner_text(), headline.inner_text()
    assert re.fullmatch(r"\d+\.\d%", before)

    # The keyboard moves the handle by its step of 0.001; the number, the figures, the sentence and
    # the address follow.
    slider = page.locator(".st-key-handle").get_by_role("slider")
    slider.focus()
    for _ in range(40):
        slider.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"[?&]t=0\.54(&|$)"), timeout=30_000)
    expect(page.locator(".st-key-t_number input")).to_have_value("0.540")
    expect(coverage).not_to_have_text(before)
    expect(headline).not_to_have_text(said)

    # Japanese, with the same threshold.
    page.locator(".st-key-lang").get_by_text("日本語").click()
    expect(page.locator("h1, h2, h3").filter(has_text="しきい値").first).to_be_visible(
        timeout=30_000
    )
    expect(page).to_have_url(re.compile(r"[?&]lang=ja(&|$)"))
    expect(headline).to_contain_text("自動承認")
    shown = coverage.inner_text()

    # The link, opened by somebody else, shows the same view.
    other = _open(browser, page.url, problems, DRAWN)
    expect(other.locator(".st-key-t_number input")).to_have_value("0.540")
    expect(other.locator(COVERAGE)).to_have_text(shown)
    expect(other.locator(HEADLINE)).to_contain_text("自動承認")
    assert other.url == page.url

    # Back goes to the view before.
    page.go_back()
    expect(page).to_have_url(re.compile(r"[?&]lang=en(&|$)"), timeout=30_000)
    expect(page.locator(HEADLINE)).to_contain_text("Accept", timeout=30_000)
    assert problems == []


def test_a_run_that_is_scored_while_the_page_is_open_appears(tmp_path, browser):
    """No restart and no click: the page looks at the store every two seconds."""
    make_store(tmp_path / "store", "empty")
    problems: list[str] = []
    with serving(tmp_path) as address:
        page = _open(browser, address, problems, "[data-testid=stAlert]")
        expect(page.get_by_text("make demo").first).to_be_visible()
        make_store(tmp_path / "store", "tiny")
        expect(page.locator(COVERAGE)).to_be_visible(timeout=30_000)
        expect(page).to_have_url(re.compile(r"[?&]run="))
    # The server's end is the only thing that the console may complain of.
    assert [
        problem
        for problem in problems
        if "ERR_CONNECTION_REFUSED" not in problem and "WebSocket" not in problem
    ] == []
