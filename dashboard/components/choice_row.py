"""The row of controls above a page's content: data, assumptions, then what the page adds.

Data and assumptions are popovers whose labels name the values in use. Draws widgets whose keys are
the names in dashboard.session.address.Choices; computes nothing.
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.report import run_selection
from core.types import RunRecord
from dashboard.components import controls
from dashboard.i18n import Words
from dashboard.session import state


def choice_row() -> DeltaGenerator:
    """Return the row to draw into.

    dashboard/page.css reserves its height. Give every control in it a width: a control without one
    is narrow until its label arrives, and then moves its neighbours.
    """
    # At the top: a control whose label arrives late grows downwards, and nothing moves. The style of
    # the page sets the chips, which have no label, on the line of the controls.
    return st.container(horizontal=True, vertical_alignment="top", key="choices")


def data_chip(words: Words, runs: list[RunRecord], segments: bool = True) -> RunRecord:
    """Draw the choice of run, segment and untrained labels in a popover; return the run.

    segments: False draws no segments, for a page about all of them.
    """
    record = controls.clamp_run(runs)
    chip = f"{record.run.dataset} · {words(f'kind.{record.run.model_kind}')}"
    with st.popover(chip, icon=":material/database:", key="data_chip"):
        controls.choose_run(words, runs, record, segments)
    return record


def assumptions_chip(
    words: Words, runs: list[RunRecord], record: RunRecord, segments: bool = True
) -> None:
    """Draw the assumed costs and the measured volume and speeds in a popover.

    record: the chosen run. segments: False counts all segments, for a page about all of them.
    """
    label = _assumptions(words, record, segments)
    with st.popover(label, icon=":material/edit:", key="assumptions"):
        controls.volume_control(words, record)
        controls.costs(words)
        controls.measured_speeds(words, run_selection.same_cases(runs, record).values())


def _assumptions(words: Words, record: RunRecord, segments: bool) -> str:
    """Return all assumptions in one line, and how many of the cases a day count."""
    volume, currency = controls.volume_in_use(record), state.present.currency
    counted = controls.counted_share(record, segments) * volume
    texts = {
        "volume": words.number(volume),
        "counted": words.number(counted),
        "review": words.money(state.present.review, currency),
        "escape": words.money(state.present.escape, currency),
    }
    # a volume that shrinks with the choices must not look like another volume
    partly = texts["counted"] != texts["volume"]
    return words.text("assumptions.part" if partly else "assumptions", **texts)
