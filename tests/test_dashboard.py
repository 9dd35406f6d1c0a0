"""The page 'Decide' as a reader meets it: each language, each state of the store, links good and
bad.
"""

import duckdb
import pandas as pd
import pytest
from filelock import FileLock

from core.export import csv_bytes
from core.store import file
from core.store.store import Store
from dashboard.decide.verdict import TILES
from dashboard.i18n import LANGUAGE_NAMES, catalogue
from dashboard.session import cache, state
from tests.pages import described, drawn, live, move, page_text, show_tab, tile_values
from tests.stores import add_run


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
@pytest.mark.parametrize("home", ["empty", "tiny", "full"])
def test_the_page_opens_in_each_language_on_each_store(open_page, lang, home):
    page, words = open_page(home, lang=lang), catalogue(lang)
    assert not page.exception
    assert not page.error
    assert words["decide.title"] in page_text(page)
    assert (words["empty"] in page_text(page)) == (home == "empty")
    assert (words["warning.few"].split("{")[0] in "".join(w.value for w in page.warning)) == (
        home == "tiny"
    )
    assert [tile["label"] for tile in live(page).get("tiles", [])] == (
        [] if home == "empty" else [words[f"tile.{tile}"] for tile in TILES]
    )
    if home == "full":
        assert len(page.get("plotly_chart")) == 2
        assert not page.warning


def test_the_figures_are_those_of_the_counts(open_page, tmp_path):
    """10 cases on one day, 0.36 s each, threshold 0.9: 4 accepted, 1 of them wrong; so 6 reviews
    and 1 escape a day.

    Money: 6 * 4 + 1 * 120 + 10 * 0.36 / 3600 * 0.5 = 144.0005 a day, 104.0005 more than reviewing
    all ten; a month has 365.25 / 12 days: 4,383.0 and 3,165.5. Retraining twice a year takes 8
    hours of an engineer at 96, 200 labels at 4 and 2 machine hours at 0.5: 261.5 a month.
    """
    cases = (
        [("A", "right", 0.95)] * 3
        + [("A", "wrong", 0.9)]
        + [("A", "right", 0.899)] * 5
        + [("A", "unseen", 0.1)]
    )
    add_run(tmp_path, cases)
    page = open_page(tmp_path, t="0.9")
    assert tile_values(page) == ["6.0", "30", "A$4,645"]
    verdict, sentence, _ = described(page)
    assert verdict == "do_not_adopt"
    assert "40% is accepted automatically; 6.0 a day need review: 1 person." in sentence
    assert "A$3,427 a month more than reviewing everything" in sentence
    text = page_text(page)
    # Wilson: 1 of 10 is 1.79% to 40.42%, of ten a day in a month 5.4 to 123.
    assert "95% interval 5.4 to 123" in text
    assert "4.0 fewer than reviewing everything" in text
    assert "Figures rest on n = 10 cases with a label." in text

    # Without the case whose label was never trained on there are nine, and nine a day.
    page.toggle(key="unseen").set_value(False).run()
    assert tile_values(page)[:2] == ["5.0", "30"]


def test_the_handles_threshold_is_one_choice_and_the_address_follows(open_page):
    page = open_page(t="0.5")
    before = tile_values(page)
    move(page, 0.75).run()
    assert page.query_params["t"] == "0.75"
    assert tile_values(page) != before
    move(page, 0.5).run()
    assert page.query_params["t"] == "0.5"
    assert tile_values(page) == before


@pytest.mark.parametrize(
    ("move", "t"),
    [
        ({"step": 540}, 0.54),
        ({"step": 1001}, 0.5),
        ({"step": "540"}, 0.5),
        ({"step": True}, 0.5),
        ({}, 0.5),
        (None, 0.5),
    ],
)
def test_a_move_of_the_handle_is_taken_where_it_is_a_threshold(monkeypatch, move, t):
    """Whatever a browser sends comes here."""
    monkeypatch.setattr(state.st, "session_state", {"t": 0.5, state.HANDLE: {"move": move}})
    state.take_move()
    assert state.st.session_state["t"] == t
    assert state.moves_seen() == 0


def test_a_link_shows_the_same_view_to_somebody_else(open_page):
    page = open_page(t="0.42")
    page.selectbox(key="segment").select_index(1)
    page.selectbox(key="currency").select("JPY")
    page.number_input(key="review").set_value(500.0)
    page.number_input(key="volume").set_value(250.0)
    page.toggle(key="unseen").set_value(False)
    page.segmented_control(key="lang").set_value("ja").run()
    page.button(key="currency_known").click().run()
    other = open_page(**page.query_params)
    assert other.query_params == page.query_params
    assert page_text(other) == page_text(page)
    assert not other.warning


def test_a_quick_second_move_is_not_undone_by_an_address_that_is_a_step_behind(open_page):
    page = open_page(t="0.5")
    behind = dict(page.query_params)
    move(page, 0.6).run()
    page.query_params.clear()
    page.query_params.update(behind)
    move(page, 0.7).run()
    assert page.query_params["t"] == "0.7"

    # The same when a run comes with no move at all.
    page.query_params.clear()
    page.query_params.update(behind)
    page.run()
    assert page.session_state["t"] == 0.7
    assert page.query_params["t"] == "0.7"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A home with one run of 40 cases, which tests only read."""
    home = tmp_path_factory.mktemp("small")
    add_run(home, [("A", "right", 0.9)] * 30 + [("B", "wrong", 0.4)] * 10)
    return home


BAD = {
    "lang": ["xx", ""],
    "t": ["1.5", "-0.1", "nan", "0.12345", "high", "", "1e999"],
    "run": ["no-such-run", "../../etc/passwd", "", "<script>alert(1)</script>"],
    "segment": ["no such segment", "$x$"],
    "unseen": ["yes", "2", ""],
    "volume": ["-1", "inf", "many"],
    "review": ["nan", "-5", "1e300"],
    "escape": ["1,5"],
    "machine": ["−1"],
    "currency": ["BTC", "aud"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_bad_value_in_the_address_is_named_and_left_out(open_page, small, name, value):
    page = open_page(small, **{name: value})
    assert not page.exception
    assert not page.error
    assert len(tile_values(page)) == len(TILES)
    assert f"The link's value “{value}” for “{name}” cannot be used here" in page_text(page)
    assert page.query_params.get(name) != value

    # The notice goes with the next choice.
    move(page, 0.314).run()
    assert not page.warning


@pytest.mark.parametrize(
    "segment", ["<script>", "$x$ **b**", "# A | [b](c) :red[d]", "設備A", "%{x} &amp; <b>"]
)
def test_names_from_cases_are_shown_letter_by_letter(open_page, tmp_path, segment):
    add_run(tmp_path, [(segment, "right", 0.9)] * 40 + [("other", "wrong", 0.6)] * 40)
    page = open_page(tmp_path, segment=segment)
    assert not page.exception
    assert not page.warning
    assert page.selectbox(key="segment").value == segment
    assert not [element for element in page.markdown if element.allow_html]
    (parts,) = drawn(show_tab(page, "causes"))
    # live/parts.js writes them by textContent
    assert {row["name"] for row in parts["rows"]} == {segment, "other"}


def test_a_link_with_a_strange_value_cannot_write_markup(open_page):
    page = open_page(segment="[click](http://evil) **b** $x$ <img>")
    (warning,) = page.warning
    assert "\\[click\\]\\(http" in warning.value
    assert "\\$x\\$" in warning.value


def test_a_run_that_is_being_scored_says_how_far_it_is(open_page, tmp_path):
    add_run(tmp_path, [("A", "right", 0.9)] * 40, state="running", cases=1712)
    page = open_page(tmp_path)
    assert "Run one is still being scored: 40 of 1,712 so far." in page_text(page)
    assert "no time was measured in run one" in page_text(page)
    assert tile_values(page)[-1] == "–"


def test_a_run_that_failed_says_so(open_page, tmp_path):
    add_run(tmp_path, [("A", "right", 0.9)] * 40, state="failed")
    assert (
        "Run one stopped before its end; the figures rest on the cases that it scored: 40"
        in page_text(open_page(tmp_path))
    )


def test_cases_without_labels_have_workload_and_no_risk(open_page, tmp_path):
    add_run(tmp_path, [("A", "unlabelled", 0.9)] * 30 + [("A", "unlabelled", 0.5)] * 10)
    page = open_page(tmp_path, t="0.8")
    assert not page.exception
    assert tile_values(page) == ["10", "–", "–"]
    assert catalogue("en")["verdict.unlabelled"] in page_text(page)


def test_too_few_cases_are_too_few_to_decide(open_page, tmp_path):
    add_run(tmp_path, [("A", "right", 0.9)] * 29 + [("A", "unlabelled", 0.9)] * 100)
    assert (
        "Cases with a label: only 29. Under 30, the intervals are too wide to decide on."
        in page_text(open_page(tmp_path))
    )


def test_a_new_run_is_seen_without_a_restart(open_page, tmp_path):
    Store(tmp_path / "store").runs()
    page = open_page(tmp_path)
    assert catalogue("en")["empty"] in page_text(page)
    before = cache.data_version()
    add_run(tmp_path, [("A", "right", 0.9)] * 40)
    assert cache.data_version() != before
    assert len(tile_values(page.run())) == len(TILES)


def test_reading_does_not_change_the_version(open_page, homes):
    """Or every page would run again and again."""
    open_page()
    before = cache.data_version()
    open_page(t="0.3")
    assert cache.data_version() == before


def test_a_store_of_a_newer_version_is_a_sentence(open_page, tmp_path):
    Store(tmp_path / "store").runs()
    with duckdb.connect(str(tmp_path / "store" / file.NAME)) as connection:
        connection.execute("INSERT INTO schema_migrations (version, name) VALUES (99, 'future')")
    page = open_page(tmp_path)
    assert not page.exception
    assert "The store cannot be read: the store has schema version 99" in page_text(page)
    assert "Traceback" not in page_text(page)


def test_a_store_that_stays_locked_is_a_sentence_and_can_be_tried_again(
    open_page, tmp_path, monkeypatch
):
    monkeypatch.setattr(cache, "LOCK_SECONDS", 0.2)
    store = add_run(tmp_path, [("A", "right", 0.9)] * 40)
    with FileLock(store.folder / "kakushin.lock"):
        page = open_page(tmp_path)
        assert not page.exception
        assert "was in use for 0.2 s" in page_text(page)
    page.button(key="again").click().run()
    assert not page.error
    assert len(tile_values(page)) == len(TILES)


def test_text_in_csv_cannot_run_as_a_formula():
    rows = pd.DataFrame({"区分": ["=1+1", "@x", "A"], "n": [1, 2, 3]})
    assert csv_bytes(rows).decode("utf-8-sig").splitlines() == ["区分,n", "'=1+1,1", "'@x,2", "A,3"]
