"""History: who did what and when, in the reader's time zone; one list for rules, decisions and
runs.

Guard, controls, call, show. The entries come from core.store.trail, whose chain `kakushin verify`
checks; the page changes nothing.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from core.report.history import HISTORY_DAYS, KINDS, history_frame, within_days
from core.store.store import Store
from core.store.trail import AuditTrail
from core.types import RunRecord
from dashboard.components import controls, panels, shell
from dashboard.history import tables as history_tables
from dashboard.i18n import Words
from dashboard.session import cache, state
from dashboard.session.address import ALL

NEWEST = 5000  # entries that the page lists; `kakushin verify` checks all
HISTORY_HEIGHT = 560  # pixels


def draw_history_page() -> None:
    """Draw the page."""
    shell.draw_shell("history.title", _page, needs_runs=False)


def _page(words: Words, runs: list[RunRecord]) -> None:
    # Controls
    frame = history_frame(cache.cached_query(_newest_entries), cache.all_runs())
    people = sorted(set(frame["actor"]) - {""})
    state.clamp_choice("person", [ALL, *people], ALL)
    everything: dict[object, str] = {ALL: words("history.all")}
    when, left, right = st.columns(3)
    days_names = everything | {name: words(f"history.day.{name}") for name in HISTORY_DAYS}
    days = controls.select(words("history.day"), days_names, "when", when)
    kinds = everything | {name: words(f"history.kind.{name}") for name in KINDS}
    kind = controls.select(words("history.kind"), kinds, "happened", left)
    names = everything | {name: name for name in people}
    person = controls.select(words("history.who"), names, "person", right)
    controls.draw_notices(words)

    # Call and show
    # a browser may hide its time zone
    zone_name = st.context.timezone or "UTC"
    zone = ZoneInfo(zone_name)
    if days != ALL:
        frame = within_days(frame, str(days), datetime.now(zone).date(), zone)
    if kind != ALL:
        frame = frame[frame["kind"] == kind]
    if person != ALL:
        frame = frame[frame["actor"] == person]
    if frame.empty:
        st.info(words("history.none"), icon=":material/history:")
    else:
        table = history_tables.history_table(words, frame, zone)
        note = words.many("history.note", len(frame), zone=zone_name)
        panels.listing("history_list", words, table, note, HISTORY_HEIGHT)
    state.choices()


def _newest_entries(store: Store) -> pd.DataFrame:
    return AuditTrail(store).entries(NEWEST)
