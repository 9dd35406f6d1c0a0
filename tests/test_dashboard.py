"""The page 'Decide' as a reader meets it: each language, each state of the store, links good and
bad.
"""

import base64
import json
import re
import zlib
from datetime import UTC, datetime

import duckdb
import pandas as pd
import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from core.store.parts import write_part
from core.store.store import FILE, Store
from core.types import Run
from dashboard.components.panels import csv
from dashboard.decide.verdict import TILES
from dashboard.i18n import LANGUAGES, catalogue
from dashboard.session import cache, state

APP = "../dashboard/app.py"


@pytest.fixture
def open_page(homes, monkeypatch):
    """Return a function that opens the app over a store, with an address; English unless it says
    otherwise.
    """

    def open_page(home="full", **address):
        monkeypatch.setenv("KAKUSHIN_HOME", str(homes.get(home, home)))
        page = AppTest.from_file(APP, default_timeout=60)
        page.query_params.update({"lang": "en"} | address)
        return page.run()

    return open_page


def add_run(home, found: list[tuple], state: str = "finished", **settings) -> Store:
    """Write one student's run of (segment, outcome, confidence) into a new store in `home`."""
    store = Store(home / "store")
    run = Run(
        run_id="one",
        kind="score",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        model="m",
        model_kind="student",
        model_hash="a" * 64,
        dataset="d",
        role="stream",
        inputs_hash="b" * 64,
        labels=("x", "y"),
        settings=settings,
    )
    store.add_run(run)
    rows = [
        {
            "case_id": f"c{i}",
            "row": i,
            "segment": segment,
            "text": "t",
            "predicted": "x",
            "outcome": outcome,
            "confidence": confidence,
        }
        for i, (segment, outcome, confidence) in enumerate(found)
    ]
    table = pd.DataFrame(rows).assign(
        label="x",
        total=0.5,
        aleatoric=0.4,
        epistemic=0.1,
        occurred_at=pd.Timestamp("2026-01-01"),
        value=1.0,
    )
    table["probabilities"] = [[c, 1 - c] for c in table["confidence"]]
    store.take_in("one", 0, write_part(store.folder, "one", 0, table))
    if state != "running":
        store.end_run("one", state, 1.0, {"seconds_per_case": 0.36, "device": "cpu"})
    return store


def said(page) -> str:
    """Return all text of the page, without what keeps markdown from reading it."""
    kinds = (
        page.title,
        page.markdown,
        page.caption,
        page.info,
        page.warning,
        page.error,
        page.metric,
    )
    written = [str(element.value) for kind in kinds for element in kind]
    handle = live(page)
    if handle:
        verdict, sentence, tiles = described(page)
        written += [handle["verdicts"][verdict], sentence, *(lines for _, lines, _ in tiles)]
    return plain_again("\n".join(written))


def live(page) -> dict:
    """Return what the live handle was given, {} where there is none."""
    found = (json.loads(element.proto.json) for element in page.get("bidi_component"))
    return next((data for data in found if "texts" in data), {})


def described(page) -> tuple[str, str, list[tuple[str, str, str]]]:
    """Return what the handle says at its threshold: verdict, sentence, and each tile's value, lines
    and difference to the active policy.
    """
    handle = live(page)
    packed = zlib.decompress(base64.b64decode(handle["texts"]))
    return json.loads(packed)[handle["step"]]


def drawn(page) -> list[dict]:
    """Return what the charts that follow the handle were given, of the open tab."""
    found = [json.loads(element.proto.json) for element in page.get("bidi_component")]
    return [data for data in found if "kind" in data]


def move(page, t: float):
    """Move the handle: the browser's part is tests/browser's; what the callback leaves is the
    choice.
    """
    page.session_state["t"] = t
    return page


def show_tab(page, name: str):
    """Open a tab of the page, by the name of its words."""
    page.session_state["tab"] = catalogue(page.session_state["lang"])[f"tab.{name}"]
    return page.run()


def plain_again(text: str) -> str:
    """Undo dashboard.i18n.plain, and take out the word joiners of Japanese."""
    return re.sub(r"\\(?=[!-/:-@\[-`{-~])", "", text).replace("\u2060", "")


def figures(page) -> list[str]:
    """Return the values of the tiles: reviews a day, escapes a month, cost a month."""
    return [value for value, _, _ in described(page)[2]] if live(page) else []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("home", ["empty", "tiny", "full"])
def test_the_page_opens_in_each_language_on_each_store(open_page, lang, home):
    page, words = open_page(home, lang=lang), catalogue(lang)
    assert not page.exception
    assert not page.error
    assert words["decide.title"] in said(page)
    assert (words["empty"] in said(page)) == (home == "empty")
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
    all ten; a month has 365.25 / 12 days: 4,383.0 and 3,165.5.
    """
    cases = (
        [("A", "right", 0.95)] * 3
        + [("A", "wrong", 0.9)]
        + [("A", "right", 0.899)] * 5
        + [("A", "unseen", 0.1)]
    )
    add_run(tmp_path, cases)
    page = open_page(tmp_path, t="0.9")
    assert figures(page) == ["6.0", "30", "A$4,383"]
    verdict, sentence, _ = described(page)
    assert verdict == "reject"
    assert "40% is accepted automatically; 6.0 a day need review: 1 person." in sentence
    assert "A$3,166 a month more than reviewing everything" in sentence
    text = said(page)
    # Wilson: 1 of 10 is 1.79% to 40.42%, of ten a day in a month 5.4 to 123.
    assert "95% interval 5.4 to 123" in text
    assert "4.0 fewer than reviewing everything" in text
    assert "Figures rest on n = 10 cases with a label." in text

    # Without the case whose label was never trained on there are nine, and nine a day.
    page.toggle(key="unseen").set_value(False).run()
    assert figures(page)[:2] == ["5.0", "30"]


def test_the_handles_threshold_is_one_choice_and_the_address_follows(open_page):
    page = open_page(t="0.5")
    before = figures(page)
    move(page, 0.75).run()
    assert page.query_params["t"] == "0.75"
    assert figures(page) != before
    move(page, 0.5).run()
    assert page.query_params["t"] == "0.5"
    assert figures(page) == before


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
    other = open_page(**page.query_params)
    assert other.query_params == page.query_params
    assert said(other) == said(page)
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
    assert len(figures(page)) == len(TILES)
    assert f"The link's value “{value}” for “{name}” cannot be used here" in said(page)
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
    assert "Run one is still being scored: 40 of 1,712 so far." in said(page)
    assert "no time was measured in run one" in said(page)
    assert figures(page)[-1] == "–"


def test_a_run_that_failed_says_so(open_page, tmp_path):
    add_run(tmp_path, [("A", "right", 0.9)] * 40, state="failed")
    assert "Run one stopped before its end; the figures rest on the 40 cases" in said(
        open_page(tmp_path)
    )


def test_cases_without_labels_have_workload_and_no_risk(open_page, tmp_path):
    add_run(tmp_path, [("A", "unlabelled", 0.9)] * 30 + [("A", "unlabelled", 0.5)] * 10)
    page = open_page(tmp_path, t="0.8")
    assert not page.exception
    assert figures(page) == ["10", "–", "–"]
    assert catalogue("en")["verdict.unlabelled"] in said(page)


def test_too_few_cases_are_too_few_to_decide(open_page, tmp_path):
    add_run(tmp_path, [("A", "right", 0.9)] * 29 + [("A", "unlabelled", 0.9)] * 100)
    assert "Only 29 cases have a label. Under 30 the intervals are too wide to decide on." in said(
        open_page(tmp_path)
    )


def test_a_new_run_is_seen_without_a_restart(open_page, tmp_path):
    Store(tmp_path / "store").runs()
    page = open_page(tmp_path)
    assert catalogue("en")["empty"] in said(page)
    before = cache.version()
    add_run(tmp_path, [("A", "right", 0.9)] * 40)
    assert cache.version() != before
    assert len(figures(page.run())) == len(TILES)


def test_reading_does_not_change_the_version(open_page, homes):
    """Or every page would run again and again."""
    open_page()
    before = cache.version()
    open_page(t="0.3")
    assert cache.version() == before


def test_a_store_of_a_newer_version_is_a_sentence(open_page, tmp_path):
    Store(tmp_path / "store").runs()
    with duckdb.connect(str(tmp_path / "store" / FILE)) as connection:
        connection.execute("INSERT INTO schema_migrations (version, name) VALUES (99, 'future')")
    page = open_page(tmp_path)
    assert not page.exception
    assert "The store cannot be read: the store has schema version 99" in said(page)
    assert "Traceback" not in said(page)


def test_a_store_that_stays_locked_is_a_sentence_and_can_be_tried_again(
    open_page, tmp_path, monkeypatch
):
    monkeypatch.setattr(cache, "LOCK_SECONDS", 0.2)
    store = add_run(tmp_path, [("A", "right", 0.9)] * 40)
    with FileLock(store.folder / "kakushin.lock"):
        page = open_page(tmp_path)
        assert not page.exception
        assert "was in use for 0.2 s" in said(page)
    page.button(key="again").click().run()
    assert not page.error
    assert len(figures(page)) == len(TILES)


def test_text_in_csv_cannot_run_as_a_formula():
    rows = pd.DataFrame({"区分": ["=1+1", "@x", "A"], "n": [1, 2, 3]})
    assert csv(rows).decode("utf-8-sig").splitlines() == ["区分,n", "'=1+1,1", "'@x,2", "A,3"]
