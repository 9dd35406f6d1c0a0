"""Fixtures of the tests of pages: stores that are only read, and a page opened over one of them,
without a browser.
"""

import pytest
from streamlit.testing.v1 import AppTest

from tests.stores import SIZES, make_store

PAGE = "from dashboard.session import state\nfrom dashboard.{view} import page\nstate.take_in_address()\npage.page()"


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """Return {size: home} of stores that tests only read."""
    made = {size: tmp_path_factory.mktemp(size) for size in SIZES}
    for size, home in made.items():
        make_store(home / "store", size)
    return made


@pytest.fixture
def open_view(homes, monkeypatch):
    """Return a function that opens the page of dashboard.<view>.page, with an address; English
    unless it says otherwise.

    `home` is one of the sizes of tests.stores, or a folder. It does what dashboard/app.py does:
    AppTest follows no navigation.
    """

    def open_view(view, home="full", **address):
        monkeypatch.setenv("KAKUSHIN_HOME", str(homes.get(home, home)))
        page = AppTest.from_string(PAGE.format(view=view), default_timeout=60)
        page.query_params.update({"lang": "en"} | address)
        return page.run()

    return open_view
