"""The controls of the page 'Ten inspectors or one': a stored case or a typed text.

Draws widgets whose keys are names in dashboard.session.address.Choices, except for the typed text;
computes nothing.
"""

from typing import Any

import pandas as pd
import streamlit as st

from core.pipeline.ask import LONGEST
from core.report.inspectors import PICKS
from dashboard.components import controls
from dashboard.i18n import Words
from dashboard.inspectors import words as inspector_words
from dashboard.session import state
from dashboard.session.address import STORED, TYPED


def source_control(words: Words) -> None:
    """Draw the choice between a stored case and a typed one."""
    names = {name: words(f"inspectors.source.{name}") for name in (STORED, TYPED)}
    controls.segments(words("inspectors.source"), names, "source", label_visibility="collapsed")


def pick_control(words: Words) -> None:
    """Draw which kind of cases the list offers; another kind starts at its first case."""
    names = {name: words(f"inspectors.pick.{name}") for name in PICKS}
    moved: dict[str, Any] = {"on_change": state.set_value, "args": ("case", None)}
    controls.segments(words("inspectors.pick"), names, "pick", **moved)


def case_control(words: Words, cases: pd.DataFrame, offered: pd.DataFrame) -> None:
    """Draw the offered cases, with the chosen one even if it is of another kind."""
    # a link may name a case of another kind; it lacks this kind's figure and shows its confidence
    if (picked := state.present.case) in cases.index and picked not in offered.index:
        offered = pd.concat(
            [cases.loc[[picked]].assign(figure=cases.loc[picked, "confidence"]), offered]
        )
    state.clamp_choice("case", list(offered.index), offered.index[0])
    names = {
        case_id: inspector_words.case_option(words, row, state.present.pick)
        for case_id, row in offered.iterrows()
    }
    controls.select(words("column.case"), names, "case", help=words("inspectors.case.help"))


def text_form(words: Words, ready: bool) -> str | None:
    """Draw the text field and its button; return the text at a click, else None.

    ready: whether the models are loaded.
    """
    with st.form("ask", border=False):
        typed = st.text_area(
            words("inspectors.text"),
            key="typed",
            max_chars=LONGEST,
            placeholder=words("inspectors.example"),
        )
        label = words("inspectors.ask" if ready else "inspectors.load")
        submitted = st.form_submit_button(label, type="primary", icon=":material/how_to_vote:")
    if not ready:
        st.caption(words("inspectors.load.note"))
    return typed if submitted else None
