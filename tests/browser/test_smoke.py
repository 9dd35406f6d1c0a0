"""One walk through the real page in a real browser: move the threshold, change language, open the shared link."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.stores import make_store

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
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

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH: `apt-get install chromium` brings one"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Serve the dashboard over a full store on a free port; yield its address."""
    home = tmp_path_factory.mktemp("home")
    make_store(home / "store", "full")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "KAKUSHIN_HOME": str(home)})
    try:
        _wait_until_up(server, f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(timeout=20)


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
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def _open(browser, address: str, problems: list[str]):
    """Open the address in a context of its own, in English unless the link says otherwise; gather the console's errors."""
    page = browser.new_context(locale="en-AU", viewport={"width": 1440, "height": 1000}).new_page()
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address)
    page.locator(".st-key-chart_calibration .main-svg").first.wait_for(timeout=60_000)
    return page


def test_a_manager_moves_the_threshold_changes_language_and_shares_the_link(address, browser):
    from playwright.sync_api import expect

    problems: list[str] = []
    page = _open(browser, address + "?t=0.5", problems)
    coverage = page.locator(".st-key-card_coverage [data-testid=stMetricValue]")
    headline = page.locator(".st-key-headline")
    before, said = coverage.inner_text(), headline.inner_text()
    assert re.fullmatch(r"\d+\.\d%", before)

    # The keyboard moves the slider by its step of 0.001; the number, the figures, the sentence and the address follow.
    slider = page.locator(".st-key-t [role=slider]")
    slider.focus()
    for _ in range(40):
        slider.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"[?&]t=0\.54(&|$)"), timeout=30_000)
    expect(page.locator(".st-key-t_number input")).to_have_value("0.540")
    expect(coverage).not_to_have_text(before)
    expect(headline).not_to_have_text(said)

    # Japanese, with the same threshold.
    page.locator(".st-key-lang").get_by_text("日本語").click()
    expect(page.locator("h1, h2, h3").filter(has_text="しきい値").first).to_be_visible(timeout=30_000)
    expect(page).to_have_url(re.compile(r"[?&]lang=ja(&|$)"))
    expect(headline).to_contain_text("自動承認")
    shown = coverage.inner_text()

    # The link, opened by somebody else, shows the same view.
    other = _open(browser, page.url, problems)
    expect(other.locator(".st-key-t_number input")).to_have_value("0.540")
    expect(other.locator(".st-key-card_coverage [data-testid=stMetricValue]")).to_have_text(shown)
    expect(other.locator(".st-key-headline")).to_contain_text("自動承認")
    assert other.url == page.url

    # Back goes to the view before.
    page.go_back()
    expect(page).to_have_url(re.compile(r"[?&]lang=en(&|$)"), timeout=30_000)
    expect(page.locator(".st-key-headline")).to_contain_text("Accept", timeout=30_000)
    assert problems == []
