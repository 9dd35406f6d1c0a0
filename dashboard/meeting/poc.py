"""The meeting's plan of a proof of concept: where to try a scenario, and how many labelled cases
until it means something.

Part of the page Meeting. Guard, controls, call, show.
"""

import pandas as pd
import streamlit as st

from core.errors import SettingsError
from core.report import meeting
from core.report.document import Line
from core.report.poc import Poc, planned, sentences, width_chart
from dashboard.components import panels
from dashboard.components.tables import Table
from dashboard.i18n import Words, escape_markdown
from dashboard.meeting import charts as meeting_charts
from dashboard.meeting import controls as meeting_controls
from dashboard.session import cache, state

_KEY = "meeting_poc"


def panel(words: Words, columns: list[meeting.Column]) -> Poc | None:
    """Draw the plan, and return it for the minutes; None where there is nothing to plan on."""
    names = [one.name for one in columns]
    name = state.clamp_choice("plan_for", names, names[0])

    def choose() -> None:
        meeting_controls.poc(words, names)

    try:
        poc = _planned(columns, name)
    except SettingsError:
        panels.empty_panel(_KEY, words, "poc.nothing", choose)
        return None
    line = width_chart(words, poc)
    if line is None:
        panels.empty_panel(_KEY, words, "poc.present.none", choose)
        return poc
    axes = {"x": line.x_title, "y": line.y_title, "separators": words.separators}
    figure = meeting_charts.width(line.x, line.y, line.marks, axes)
    panels.chart(_KEY, words, figure, _table(line), above=lambda: (choose(), _said(words, poc)))
    return poc


def _planned(columns: list[meeting.Column], name: str) -> Poc:
    run_id = next(one.used.run_id for one in columns if one.name == name)
    terms = {
        "width": state.chosen("half"),
        "target": state.chosen("target"),
        "delta": 1 - state.chosen("sure"),
    }
    return planned(
        columns, name, cache.cached_query(meeting.counts, run_id), terms, int(state.chosen("days"))
    )


def _said(words: Words, poc: Poc) -> None:
    known, needs = sentences(words, poc)
    st.markdown("  \n".join(map(escape_markdown, known)))
    st.markdown("\n".join(f"- {escape_markdown(one)}" for one in needs))
    st.markdown(escape_markdown(words("poc.measure")))


def _table(line: Line) -> Table:
    return Table(
        pd.DataFrame({line.x_title: line.x, line.y_title: line.y}),
        {line.x_title: "%d", line.y_title: "percent"},
    )
