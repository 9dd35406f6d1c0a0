"""The plan of a proof of concept: where to try a scenario, and how many labelled cases it needs.

Part of the page Meeting. Guard, controls, call, show.
"""

import pandas as pd
import streamlit as st

from core.errors import SettingsError
from core.report import meeting
from core.report.document import LineChart
from core.report.poc import TrialReport, trial_report, trial_sentences, trial_width_chart
from dashboard.components import panels
from dashboard.components.tables import ScreenTable
from dashboard.i18n import Words, escape_markdown
from dashboard.meeting import charts as meeting_charts
from dashboard.meeting import controls as meeting_controls
from dashboard.session import cache, state

_KEY = "meeting_poc"


def draw_trial(words: Words, columns: list[meeting.ScenarioColumn]) -> TrialReport | None:
    """Draw the plan and return it for the minutes; None if there is nothing to plan on."""
    names = [column.name for column in columns]
    name = state.clamp_choice("plan_for", names, names[0])

    def choose() -> None:
        meeting_controls.trial_controls(words, names)

    def above() -> None:
        choose()
        _said(words, poc)

    try:
        poc = _planned(columns, name)
    except SettingsError:
        panels.empty_panel(_KEY, words, "poc.nothing", choose)
        return None
    line = trial_width_chart(words, poc)
    if line is None:
        panels.empty_panel(_KEY, words, "poc.present.none", choose)
        return poc
    axes = {"x": line.x_title, "y": line.y_title, "separators": words.separators}
    figure = meeting_charts.trial_width_figure(line.x, line.y, line.marks, axes)
    panels.chart_panel(_KEY, words, figure, _table(line), above=above)
    return poc


def _planned(columns: list[meeting.ScenarioColumn], name: str) -> TrialReport:
    run_id = next(column.used.run_id for column in columns if column.name == name)
    terms = {
        "width": state.present.half,
        "target": state.present.target,
        "delta": 1 - state.present.sure,
    }
    return trial_report(
        columns,
        name,
        cache.cached_query(meeting.run_counts, run_id),
        terms,
        int(state.present.days),
    )


def _said(words: Words, poc: TrialReport) -> None:
    basis, needs = trial_sentences(words, poc)
    st.markdown("  \n".join(map(escape_markdown, basis)))
    st.markdown("\n".join(f"- {escape_markdown(need)}" for need in needs))
    st.markdown(escape_markdown(words("poc.measure")))


def _table(line: LineChart) -> ScreenTable:
    return ScreenTable(
        pd.DataFrame({line.x_title: line.x, line.y_title: line.y}),
        {line.x_title: "%d", line.y_title: "percent"},
    )
