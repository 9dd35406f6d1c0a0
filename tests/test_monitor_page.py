"""The page 'Monitor' as a reader meets it: without audits, in a rehearsal, alarmed; both languages."""

import re
from functools import partial

import pytest

from core.messages import sentence
from core.pipeline.watch import policy_to_watch
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.watch_events import WatchEvent, WatchEvents
from dashboard.i18n import LANGUAGE_NAMES, catalogue
from tests.pages import chart, page_text
from tests.stores import activate, make_store

RUN = "score-work-orders-student-stream"


@pytest.fixture
def open_page(open_view):
    return partial(open_view, "monitor")


@pytest.fixture
def watched_store(tmp_path) -> Store:
    """Return a store with an active policy whose limit no accepted case can keep."""
    store = make_store(tmp_path / "store", "full")
    calibration = "score-work-orders-student-calibration"
    content = {"threshold": 0.6, "by_class": {}, "by_segment": {}, "by_cell": []}
    activate(store, content | {"epistemic_limit": None}, "line")
    version = Ledger(store).add_policy(
        "line", content | {"epistemic_limit": None}, "Sato", "bound", [calibration]
    )
    for event in ("approve", "activate"):
        Ledger(store).add_policy_event("line", version.version, event, "Tanaka", "agreed")
    return store


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
@pytest.mark.parametrize("size", ["tiny", "full"])
def test_without_audits_the_page_says_that_only_inputs_are_seen(open_page, size, language):
    page = open_page(size, lang=language)
    assert not page.exception
    text = page_text(page)
    assert sentence(language, "watch.note.no_audits", n=0) in text
    assert {"en": "Proposal: do nothing", "ja": "提案：何もしない"}[language] in text


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_a_rehearsal_shows_audited_leakage_over_time_and_replays(open_page, language):
    page = open_page("full", lang=language, rehearse="100", t="0.7")
    assert not page.exception
    names = {trace["name"] for trace in chart(page, 0)["data"] if trace.get("name")}
    words = catalogue(language)
    assert {words["monitor.audited"], words["monitor.free"], words["monitor.limit"]} <= names
    assert {"en": "Nothing is recorded", "ja": "何も記録しません"}[language] in page_text(page)
    assert page.metric[0].value != "–"
    replayed = next(frame for frame in page.dataframe if words["monitor.regret"] in frame.value)
    assert len(replayed.value) == 5
    # An estimate and its interval share a cell, and money carries its currency's sign.
    first = replayed.value.iloc[0]
    ranged = {"en": r"[\d.]+% \([\d.]+% to [\d.]+%\)", "ja": r"[\d.]+%（[\d.]+%〜[\d.]+%）"}
    assert re.fullmatch(ranged[language], first[words["monitor.replay_leakage"]])
    assert {"en": "A$", "ja": "円"}[language] in first[words["monitor.regret"]]


def test_the_timeline_names_every_row_of_events_also_on_a_phone(open_page):
    """Plotly leaves out names of a narrow category axis, unless each is asked for."""
    page = open_page("full", lang="en", rehearse="100", t="0.7")
    names = ("harm", "notice", "policy", "distil")
    axis = chart(page, 0)["layout"]["yaxis3"]
    assert axis["tickvals"] == [catalogue("en")[f"monitor.{name}"] for name in names]


def test_a_rehearsal_records_no_alarm(open_page, tmp_path, watched_store):
    page = open_page(tmp_path, rehearse="100")
    assert not page.exception
    assert "monitor_record" not in {button.key for button in page.button}


@pytest.mark.parametrize(
    ("language", "cause", "heading"),
    [
        ("en", "audited since the change", "What the alarms mean together"),
        ("ja", "変化以降に監査した", "警報の読み方"),
    ],
)
def test_alarms_are_diagnosed_in_a_sentence_with_its_next_step(open_page, language, cause, heading):
    page = open_page("full", lang=language, rehearse="100", every="1000", t="0.3")
    assert not page.exception
    assert cause in page_text(page)
    assert heading in [box.label for box in page.expander]


def test_the_page_watches_the_active_policy(open_page, tmp_path, watched_store):
    page = open_page(tmp_path)
    assert "Watched: line, version 2" in page_text(page)
    watched = policy_to_watch(watched_store, RUN)
    assert watched.version.version == 2
    assert WatchEvents(watched_store).open_harm("line", 2) is None


def test_a_recorded_alarm_is_said_and_offered_no_more(open_page, tmp_path, watched_store):
    harm = WatchEvent(RUN, "line", 2, "harm", "risk", 4, None, 30, 0.5, 0.2, "kakushin")
    version = policy_to_watch(watched_store, RUN).version
    assert WatchEvents(watched_store).add(harm)
    page = open_page(tmp_path, rehearse="100", every="1000")
    assert not page.exception
    assert version.version == 2
    void = "its certificate is void" in page_text(page)
    assert void == ("Alarms and what to do" in page_text(page))
