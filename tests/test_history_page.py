"""The page 'History': one list of actions and runs, in the reader's time, filtered and exported."""

import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from core.identity import PERMISSIONS
from core.report.history import (
    ACCESS_KIND,
    KINDS,
    TODAY,
    WEEK,
    YESTERDAY,
    action_kind,
    history_frame,
    within_days,
)
from core.store.entries import EXPORTED_TABLES
from core.store.ledger import Ledger
from core.store.trail import AuditTrail
from dashboard.history import tables as history_tables
from dashboard.history import words as history_words
from dashboard.i18n import LANGUAGE_NAMES, Words
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
    assert rows["Details"][0] == "Reason: agreed"
    assert rows["On what"][0] == "line, version 1"
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


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_times_are_those_of_the_reader(store, language):
    entries = AuditTrail(store).entries()
    entries["at"] = pd.Timestamp("2026-03-31 20:30:00")
    frame = history_frame(entries, [])
    assert frame["at"][0] == datetime(2026, 3, 31, 20, 30, tzinfo=UTC)
    table = history_tables.history_table(Words(language), frame, ZoneInfo("Asia/Tokyo"))
    written = {"en": "1 Apr 2026, 05:30", "ja": "2026/04/01 05:30"}[language]
    assert table.rows.iloc[0, 0] == written


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_every_action_has_words_and_a_kind(language):
    for action in history_words.NAMED_ACTIONS:
        assert history_words.action_name(Words(language), action) != action
    kinds = {action_kind(action) for action in history_words.NAMED_ACTIONS}
    assert kinds == set(KINDS)
    assert action_kind("purge") == action_kind("something.new") == ACCESS_KIND
    assert history_words.action_name(Words(language), "something.new") == "something.new"


def test_hashes_stay_out_of_the_list(store):
    entries = AuditTrail(store).entries()
    assert all("sha256" in json.loads(details) for details in entries["details"][1:])
    listed_details = [
        history_words.details_text(Words("en"), row.action, row.details, row.state)
        for row in history_frame(entries, []).itertuples()
    ]
    assert listed_details == ["Reason: agreed", "Reason: first"]
    assert set(entries["action"]) <= set(PERMISSIONS)


DETAILS = [
    ("decisions.apply", {"policy": "line", "version": 2, "accepted": 1_234, "review": 1})
    + ("line, version 2. Accepted: 1,234; sent to people: 1.",),
    ("meeting.decide", {"reason": "cheap", "scenario": "meeting B", "version": 1})
    + ("Scenario B, version 1. Reason: cheap",),
    ("meeting.decide", {"reason": "cheap", "scenario": None, "version": None}, "Reason: cheap"),
    ("review.verdict", {"case": "k 7", "verdict": "wrong", "audit": True})
    + ("Audit of case k 7: wrong.",),
    ("review.draw", {"policy": "line", "n": 1}, "1 case to audit under line."),
    ("decisions.export", {"table": "verdicts", "format": "csv"}, "The verdicts, as csv."),
    ("decisions.export", {"table": "labels", "format": "csv"}, "The labels from verdicts, as csv."),
    ("decisions.export", {"table": "worklist", "rule": {"threshold": 0.9}, "format": "csv"})
    + ("The cases for people under the rule on the page, as csv.",),
    ("decisions.export", {"table": "review_sheet", "format": "xlsx"})
    + ("The cases that wait, as a sheet to fill in, xlsx.",),
    ("decisions.export", {"table": "newer", "format": "csv"}, "table: newer; format: csv"),
    ("report.export", {"format": "pdf"}, "As pdf."),
    ("watch.harm", {"run": "r", "detector": "risk", "audits": 40})
    + ("Detector: audited risk (harm), after 40 audits.",),
    ("model.serve", {"model": "m", "author": "Abe", "back": True}, "Model m is in service again."),
    ("purge", {"texts": 9, "uploads": 1, "jobs": 0, "leftovers": 0})
    + ("Deleted: 9 texts, 1 upload, 0 jobs.",),
    ("job.start", {"verb": "score", "about": "my.csv"}, "Scoring: my.csv."),
    ("something.new", {"name": "a", "pace": 3}, "pace: 3"),
    ("login", {}, "–"),
]


@pytest.mark.parametrize(("action", "details", "text"), DETAILS)
def test_details_are_sentences(action, details, text):
    assert history_words.details_text(Words("en"), action, details, "") == text
    japanese = history_words.details_text(Words("ja"), action, details, "")
    assert "{" not in japanese
    assert ": " not in japanese or action == "something.new" or details.get("table") == "newer"


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
@pytest.mark.parametrize("table", EXPORTED_TABLES)
def test_every_table_that_leaves_has_a_sentence(language, table):
    told = history_words.details_text(
        Words(language), "decisions.export", {"table": table, "format": "csv"}, ""
    )
    assert table + ":" not in told
    assert "csv" in told


def test_a_subject_names_its_version():
    words = Words("ja")
    texts = {
        "line 3": "line 第3版",
        "meeting A 3": "案A（第3版）",
        "line mails 3": "mailsの前提（第3版）",
    }
    for subject, text in texts.items():
        details = {"name": subject.removesuffix(" 3"), "version": 3}
        assert history_words.subject_text(words, subject, details) == text
    assert history_words.subject_text(words, "score-1", {"policy": "a", "version": 1}) == "score-1"


def test_days_are_those_of_the_reader(store, open_view, tmp_path):
    """20:30 UTC of 31 March is 05:30 of 1 April in Tokyo."""
    entries = AuditTrail(store).entries()
    entries["at"] = pd.to_datetime(["2026-03-31 20:30", "2026-03-31 14:59"])
    frame, tokyo = history_frame(entries, []), ZoneInfo("Asia/Tokyo")
    days = {TODAY: 1, YESTERDAY: 1, WEEK: 2}
    for name, n in days.items():
        assert len(within_days(frame, name, date(2026, 4, 1), tokyo)) == n
    assert within_days(frame, TODAY, date(2026, 4, 1), tokyo)["action"].tolist() == [
        "policy.approve"
    ]
    assert within_days(frame, YESTERDAY, date(2026, 3, 31), ZoneInfo("UTC")).empty
    assert len(within_days(frame[:0], WEEK, date(2026, 4, 1), tokyo)) == 0
    assert "Nothing has been recorded" in page_text(
        open_view("history", tmp_path, when="yesterday")
    )
    assert len(listed(open_view("history", tmp_path, when="week"))) == 2
