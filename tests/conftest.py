"""Fixtures of the tests of pages: stores that are only read, and a page opened over one of them,
without a browser; and hypothesis's one profile.

A module whose tests open one page says which: `pytestmark = pytest.mark.page("money", t="0.2")`.
Without the mark `open_page` opens the whole app at its first page.
"""

import pytest
from hypothesis import settings
from streamlit.testing.v1 import AppTest

from tests.stores import SIZES, make_store

# A deadline measures the machine's load; what is slow is found by the benchmarks.
settings.register_profile("kakushin", deadline=None)
settings.load_profile("kakushin")

# Tests in which `make coverage` counts no lines, since they are slow enough without: names that
# their module imports, and fixtures.
SLOW_IMPORTS = frozenset({"torch", "tiny", "AppTest"})
SLOW_FIXTURES = frozenset({"open_page", "open_view", "browser"})

APP = "../dashboard/app.py"  # AppTest reads it relative to the file that calls it
PAGE = (
    "from dashboard.session import state\n"
    "from dashboard.{view} import page\n"
    "state.take_in_address()\n"
    "page.draw_{view}_page()"
)


def pytest_collection_modifyitems(items):
    """Pause pytest-cov in the slow tests."""
    for item in items:
        if SLOW_IMPORTS & vars(item.module).keys() or SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """Return {size: home} of stores that tests only read."""
    folders = {size: tmp_path_factory.mktemp(size) for size in SIZES}
    for size, home in folders.items():
        make_store(home / "store", size)
    return folders


@pytest.fixture
def open_view(homes, monkeypatch):
    """Return a function that opens the page of dashboard.<view>.page, with an address; English
    unless it says otherwise.

    `home` is one of the sizes of tests.stores, or a folder. It does what dashboard/app.py does:
    AppTest follows no navigation. `view` None opens dashboard/app.py itself.
    """

    def open_view(view, home="full", **address):
        monkeypatch.setenv("KAKUSHIN_HOME", str(homes.get(home, home)))
        page = (
            AppTest.from_file(APP, default_timeout=600)
            if view is None
            else AppTest.from_string(PAGE.format(view=view), default_timeout=600)
        )
        page.query_params.update({"lang": "en"} | address)
        return page.run()

    return open_view


@pytest.fixture
def page_home():
    """Return the home that `open_page` opens unless told otherwise; a module with a home of its own
    overrides it.
    """
    return "full"


@pytest.fixture
def open_page(request, open_view, page_home):
    """Return a function that opens the page of the module's mark over a store, with an address.

    The mark's keywords are the address where the caller gives none.
    """
    mark = request.node.get_closest_marker("page")
    view, defaults = (mark.args[0], mark.kwargs) if mark else (None, {})

    def open_page(home=page_home, **address):
        return open_view(view, home, **(defaults | address))

    return open_page
