"""The page 'Decide' as a reader meets it: each language, each state of the store, links good and bad."""

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import StoreError
from core.store.store import Store
from dashboard.i18n import LANGUAGES, catalogue
from tests.stores import make_store

APP = "dashboard/app.py"
CARDS = ("coverage", "review", "risk", "leakage", "escapes", "money")


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """Return {size: home} of stores that tests only read."""
    made = {}
    for size in ("empty", "tiny", "full"):
        made[size] = tmp_path_factory.mktemp(size)
        make_store(made[size] / "store", size)
    return made


@pytest.fixture
def open_page(homes, monkeypatch):
    """Return a function that opens the page over a store, with an address."""

    def open_page(size="full", home=None, **address):
        monkeypatch.setenv("KAKUSHIN_HOME", str(home or homes[size]))
        page = AppTest.from_file(APP, default_timeout=60)
        page.query_params.update(address)
        return page.run()

    return open_page


def said(page) -> str:
    """Return all text of the page, one element a line, without markdown's backslashes."""
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error, page.title, page.metric)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("size", ["empty", "tiny", "full"])
def test_the_page_opens(open_page, lang, size):
    page = open_page(size, lang=lang)
    assert not page.exception
    assert not page.error
    words = catalogue(lang)
    assert words["decide.title"] in said(page)
    if size == "empty":
        assert words["empty"] in said(page)
        assert not page.metric
    else:
        assert [metric.label for metric in page.metric] == [words[f"card.{card}"] for card in CARDS]
    few = words["warning.few"].split("{")[0]
    assert any(few in warning.value for warning in page.warning) == (size == "tiny")
