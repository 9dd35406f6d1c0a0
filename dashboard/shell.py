"""What stands around every page: title and language above, an empty store or a named error as a sentence, the watch for news.

Knows no page: it is handed the words of the title and what to draw.
"""

from collections.abc import Callable

import streamlit as st

from core.errors import KakushinError
from core.types import RunRecord
from dashboard import controls, state
from dashboard.i18n import Words


def page(
    title: str,
    draw: Callable[[Words, list[RunRecord]], None],
    aside: Callable[[Words], None] | None = None,
    needs_runs: bool = True,
) -> None:
    """Draw a page over the scoring runs, newest first; where there is none, `draw` is called unless it needs one.

    `title` is the title's key. `aside` draws what belongs beside the title, such as the page's tour.
    """
    words = state.words()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="top"):
        st.title(words(title), anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            if aside is not None:
                aside(words)
            controls.language(words)
    try:
        seen, runs = state.version(), state.runs()
        if runs or not needs_runs:
            draw(words, runs)
        else:
            _empty(words)
    except KakushinError as error:
        st.error(words.markdown("problem", sentence=str(error)), icon=":material/error:")
        st.button(words("again"), key="again")
        return
    state.watch(seen)


def _empty(words: Words) -> None:
    state.choices()
    st.info(words("empty"), icon=":material/hourglass_empty:")
    st.code("make demo\npython -m core score my.csv", language="shell")
