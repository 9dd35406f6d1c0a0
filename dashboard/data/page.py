"""Data and runs: hand over a file of cases, start work on it, watch it, and see what has been run.

Guard, controls, call, show. The three parts stand in files of their own: data_upload, data_jobs and
data_runs.
"""

import streamlit as st

from core.types import RunRecord
from dashboard.components import controls, shell
from dashboard.data import jobs, upload
from dashboard.data import runs as data_runs
from dashboard.i18n import Words
from dashboard.session import state
from dashboard.session.address import PARTS


def page() -> None:
    """Draw the page. It needs no run: here is where the first one is begun."""
    shell.page("data.title", _page, needs_runs=False)


def _page(words: Words, runs: list[RunRecord]) -> None:
    names = {name: words(f"data.{name}") for name in PARTS}
    st.segmented_control(
        words("data.part"),
        PARTS,
        format_func=names.get,
        key="part",
        required=True,
        label_visibility="collapsed",
    )
    controls.notices(words)
    {"upload": upload.draw, "jobs": jobs.draw, "runs": data_runs.draw}[state.chosen("part")](words)
    state.choices()
