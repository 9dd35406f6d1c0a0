"""What stands around every page: title and language above, an empty store or a named error as a
sentence, the watch for news.

Knows no page: it is handed the words of the title and what to draw.
"""

from collections.abc import Callable

import streamlit as st

from core.errors import KakushinError
from core.types import RunRecord
from dashboard.components import controls
from dashboard.i18n import Words
from dashboard.session import cache, state

WATCH_SECONDS = 2.0  # how soon a new run or part is seen; looking costs a stat or two


def draw_shell(
    title: str,
    draw: Callable[[Words, list[RunRecord]], None],
    aside: Callable[[Words], None] | None = None,
    needs_runs: bool = True,
) -> None:
    """Draw a page over the scoring runs, newest first; where there is none, `draw` is called unless
    it needs one.

    `title` is the title's key. `aside` draws what belongs beside the title, such as the page's
    tour.
    """
    words = state.words()
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="top"
    ):
        st.title(words(title), anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            if aside is not None:
                aside(words)
            controls.language(words)
    try:
        data_version, runs = cache.data_version(), cache.runs()
        if runs or not needs_runs:
            draw(words, runs)
        else:
            _empty(words)
    except KakushinError as error:
        st.error(
            words.markdown("problem", sentence=words.error_text(error)), icon=":material/error:"
        )
        st.button(words("again"), key="again")
        return
    _watch(data_version)


@st.fragment(run_every=WATCH_SECONDS)
def _watch(seen: tuple) -> None:
    """Run the page again as soon as the store holds something else than `seen`."""
    if cache.data_version() != seen:
        st.rerun()


def _empty(words: Words) -> None:
    state.choices()
    st.info(words("empty"), icon=":material/hourglass_empty:")
    st.code("make demo\npython -m core score my.csv", language="shell")
