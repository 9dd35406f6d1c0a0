"""Data and runs: hand over a file of cases, start work on it, watch it, and see what has been run.

Guard, controls, call, show. The three parts stand in files of their own: data_upload, data_jobs and data_runs.
"""

import streamlit as st

from core.types import RunRecord
from dashboard import controls, shell, state
from dashboard.address import PARTS
from dashboard.i18n import Words
from dashboard.views import data_jobs, data_runs, data_upload


def page() -> None:
    """Draw the page. It needs no run: here is where the first one is begun."""
    shell.page("data.title", _page, needs_runs=False)


def _page(words: Words, runs: list[RunRecord]) -> None:
    names = {name: words(f"data.{name}") for name in PARTS}
    st.segmented_control(
        words("data.part"), PARTS, format_func=names.get, key="part", required=True, label_visibility="collapsed"
    )
    controls.notices(words)
    {"upload": data_upload.draw, "jobs": data_jobs.draw, "runs": data_runs.draw}[state.chosen("part")](words)
    state.choices()
