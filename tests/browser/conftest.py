"""Tests in a real browser: each is marked, and skipped where no Chromium is found."""

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.serving import CHROMIUM, FLAGS, ROOT

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


@pytest.fixture
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
