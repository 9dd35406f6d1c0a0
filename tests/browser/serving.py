"""A dashboard served to a real browser: start it, open an address, wait until the page is drawn."""

import os
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
from playwright.sync_api import expect

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

COST, HEADLINE = ".st-key-handle .tile-money .figure", ".st-key-handle .sentence"
NUMBER = ".st-key-handle .value"  # the threshold
DRAWN = ".st-key-chart_thresholds .main-svg"  # the last chart of the page


@contextmanager
def serving(home: Path, port: int = 0, **variables: str) -> Iterator[str]:
    """Serve the dashboard over the store in `home` on a free port; give its address.

    variables: of the environment.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "dashboard.server", "--port", str(port)]
    environment = {**os.environ, "KAKUSHIN_HOME": str(home), **variables}
    # its log goes to stderr
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_up(server, f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:  # it waits for browsers that are still connected
            server.kill()
            server.wait()


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(server: subprocess.Popen, health: str) -> None:
    """Return once the server answers; fail when it ends or takes five minutes."""
    for _ in range(1200):
        assert server.poll() is None, f"the server ended with {server.returncode}"
        try:
            with urllib.request.urlopen(health, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    pytest.fail("the server did not answer within five minutes")


def open_address(browser, address: str, problems: list[str], ready: str, prepare=lambda page: None):
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


def show_tab(page, name: str) -> None:
    """Open a tab of the page 'Decide' by its title, and wait until it is drawn."""
    page.get_by_role("tab", name=name).click()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)


def go_to(page, group: str, name: str) -> None:
    """Open a page by the navigation at the top: its group, then its title."""
    page.locator("header").get_by_text(group, exact=True).click()
    page.locator("[data-testid=stTopNavDropdownLink]").filter(has_text=name).click()


def handle_of(page):
    """The component's root, once the server has confirmed what it shows."""
    root = page.locator(".st-key-handle .live")
    expect(root).to_have_attribute("data-confirmed", "true", timeout=30_000)
    return root
