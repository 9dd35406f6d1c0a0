"""Tests in a real browser: each is marked, and skipped where no Chromium is found."""

import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.serving import CHROMIUM, FLAGS, ROOT, serving

# An event that comes late on a busy machine still comes: five seconds, the default, measure load.
expect.set_options(timeout=60_000)

_NO_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on the PATH: `apt-get install chromium` brings one"
)


def pytest_collection_modifyitems(items):
    """Mark the tests of this folder; pytest hands over those of all folders."""
    for item in items:
        if item.path.is_relative_to(ROOT / "tests" / "browser"):
            item.add_marker(pytest.mark.browser)
            item.add_marker(_NO_CHROMIUM)


# Started once a module, not once a test: a Chromium takes a second of processor time to come up.
# Not once a worker: Playwright keeps an event loop running, in which other modules' tests could
# start none.
@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def browser(chromium):
    """The module's Chromium; each test closes the contexts, with their pages, that it opened."""
    before = list(chromium.contexts)
    yield chromium
    for context in chromium.contexts:
        if context not in before:
            context.close()


@pytest.fixture(scope="session")
def full_dashboard(homes, tmp_path_factory):
    """The address of a dashboard over the store "full", for tests that only read.

    A server's first pages cost seconds of imports, which all these tests share.
    """
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(homes["full"], home)
    with serving(home) as address:
        yield address
