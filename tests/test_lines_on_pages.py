"""A page opens the run that a line pins, under the line's own assumptions; an upload changes
neither, and a link keeps what it holds.
"""

import pytest

from core.store.lines import LineAssumptions, LineSettings, save_line
from core.store.store import Store
from dashboard.session.address import Choices
from tests.stores import add_scored, make_run, make_store

pytestmark = pytest.mark.page("evidence")
PINNED = "score-work-orders-point-stream"  # a student's run would open without a pin
OWN = {
    "en": LineAssumptions(400, 5, 300, 0.5, "AUD"),
    "ja": LineAssumptions(400, 500, 30_000, 50, "JPY"),
}


@pytest.fixture(scope="module")
def page_home(tmp_path_factory):
    """A store with a line that has settings, and a newer upload of another dataset that has none."""
    home = tmp_path_factory.mktemp("lines")
    store = make_store(home / "store", "full")
    save_line(store, LineSettings("work-orders", OWN, PINNED, 0.9), "demo")
    rows = store.predictions("score-work-orders-student-stream").head(50)
    add_scored(store, make_run("score", "student", "stream", 99, name="upload"), rows)
    return home


def state_of(page) -> dict:
    names = ("run", "t", "volume", "review", "escape", "currency")
    return {name: page.session_state[name] for name in names}


def test_the_pinned_run_opens_under_the_lines_assumptions_though_an_upload_is_newer(open_page):
    page = open_page()
    assert not page.exception
    assert state_of(page) == {
        "run": PINNED,
        "t": 0.9,
        "volume": 400.0,
        "review": 5.0,
        "escape": 300.0,
        "currency": "AUD",
    }


def test_a_japanese_reader_gets_yen(open_page):
    page = open_page(lang="ja")
    assert (page.session_state["currency"], page.session_state["escape"]) == ("JPY", 30_000.0)


def test_a_link_keeps_what_it_holds(open_page):
    page = open_page(t="0.25", escape="7")
    assert (page.session_state["t"], page.session_state["escape"]) == (0.25, 7.0)
    assert page.session_state["review"] == 5.0


def test_another_line_brings_its_own_assumptions_and_the_way_back_those_of_the_first(open_page):
    page = open_page()
    page.selectbox(key="run").set_value("score-upload-student-stream").run()
    assert page.session_state["volume"] is None  # measured, since nobody assumed one
    page.selectbox(key="run").set_value(PINNED).run()
    assert (page.session_state["volume"], page.session_state["t"]) == (400.0, 0.9)


def test_a_line_without_a_threshold_opens_at_the_pages_own_not_at_that_of_the_line_before(
    open_page, page_home
):
    store = Store(page_home / "store")
    rows = store.predictions("score-work-orders-student-stream").head(50)
    add_scored(store, make_run("score", "student", "stream", 98, name="refused"), rows)
    save_line(store, LineSettings("refused", OWN, "score-refused-student-stream"), "demo")
    page = open_page()
    assert page.session_state["t"] == 0.9
    page.selectbox(key="run").set_value("score-refused-student-stream").run()
    assert page.session_state["t"] == Choices.t


def test_a_run_is_named_by_its_data_first_since_a_narrow_list_cuts_what_comes_last(open_page):
    names = open_page().selectbox(key="run").options
    assert "upload · Student · stream" in " ".join(names)


@pytest.mark.page("decide")
def test_a_typed_cost_stays_while_the_line_stays(open_page):
    page = open_page()
    page.number_input(key="escape").set_value(50.0).run()
    assert (page.session_state["escape"], page.session_state["review"]) == (50.0, 5.0)
