"""The page 'History': one list of actions and runs, in the reader's time, filtered and exported."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from core.identity import PERMISSIONS
from core.report.history import ACCESS, KINDS, action_kind, history_frame
from core.store.ledger import Ledger
from core.store.trail import AuditTrail
from dashboard.history import tables as history_tables
from dashboard.i18n import LANGUAGES, Words
from tests.pages import page_text
from tests.stores import make_store


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path / "store", "tiny")
    ledger = Ledger(store)
    ledger.add_policy("line", {"threshold": 0.9}, "Suzuki", "first")
    ledger.add_policy_event("line", 1, "approve", "Tanaka", "agreed")
    return store


def listed(page) -> pd.DataFrame:
    return page.dataframe[0].value


def test_actions_and_runs_are_one_list_newest_first(store, open_view, tmp_path):
    page = open_view("history", tmp_path)
    assert not page.exception
    rows = listed(page)
    assert rows["What"].tolist() == ["approved a policy", "proposed a policy", "scored cases"]
    assert rows["Who"].tolist() == ["Tanaka", "Suzuki", "–"]
    assert rows["Details"][0] == "reason: agreed"
    assert "3 entries" in page_text(page)


def test_the_filters_are_in_the_address(store, open_view, tmp_path):
    assert listed(open_view("history", tmp_path, person="Suzuki"))["Who"].tolist() == ["Suzuki"]
    rows = listed(open_view("history", tmp_path, happened="runs"))
    assert rows["What"].tolist() == ["scored cases"]
    page = open_view("history", tmp_path, happened="decisions")
    assert "Nothing has been recorded" in page_text(page)
    assert len(page.dataframe) == 0


def test_a_workspace_without_anything_says_so(open_view, tmp_path):
    make_store(tmp_path / "store", "empty")
    assert "Nothing has been recorded" in page_text(open_view("history", tmp_path))


@pytest.mark.parametrize("language", LANGUAGES)
def test_times_are_those_of_the_reader(store, language):
    entries = AuditTrail(store).entries()
    entries["at"] = pd.Timestamp("2026-03-31 20:30:00")
    frame = history_frame(entries, [])
    assert frame["at"][0] == datetime(2026, 3, 31, 20, 30, tzinfo=UTC)
    table = history_tables.history_table(Words(language), frame, ZoneInfo("Asia/Tokyo"))
    written = {"en": "1 Apr 2026, 05:30", "ja": "2026/04/01 05:30"}[language]
    assert table.rows.iloc[0, 0] == written


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_action_has_words_and_a_kind(language):
    for action in history_tables.NAMED_ACTIONS:
        assert history_tables._action_name(Words(language), action) != action
    kinds = {action_kind(action) for action in history_tables.NAMED_ACTIONS}
    assert kinds == set(KINDS)
    assert action_kind("purge") == action_kind("something.new") == ACCESS
    assert history_tables._action_name(Words(language), "something.new") == "something.new"


def test_hashes_stay_out_of_the_list(store):
    entries = AuditTrail(store).entries()
    assert all("sha256" in json.loads(details) for details in entries["details"][1:])
    assert "sha256" not in " ".join(history_frame(entries, [])["details"])
    assert set(entries["action"]) <= set(PERMISSIONS)
