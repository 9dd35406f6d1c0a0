"""The frame of every page: title, language, an empty store, errors, the watch for new data.

Knows no page: the title's words and the drawing function are arguments.
"""

from collections.abc import Callable

import streamlit as st

from core.errors import AccessError, KakushinError
from core.settings import machine_error
from core.types import RunRecord
from dashboard.components import controls, door
from dashboard.i18n import Words
from dashboard.session import cache, state

WATCH_SECONDS = 2.0  # how soon a new run or part is seen; looking costs a stat or two


def draw_shell(
    title: str,
    draw: Callable[[Words, list[RunRecord]], None],
    aside: Callable[[Words], None] | None = None,
    needs_runs: bool = True,
) -> None:
    """Draw a page over the scoring runs, newest first.

    title: key of the title's words. draw: draws the page from words and runs. aside: draws next to
    the title, such as the page's tour. needs_runs: without runs, True shows a hint instead of
    calling `draw`.
    """
    words = state.words()
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="top"
    ):
        st.title(words(title), anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            if aside is not None:
                aside(words)
            door.draw_account(words)
            controls.language(words)
    try:
        # The version first: a commit after it makes the watch rerun the page, never miss it.
        data_version, runs = cache.data_version(), cache.runs()
        if runs or not needs_runs:
            draw(words, runs)
        else:
            _empty(words)
    # any other error is a bug and must show its traceback
    except KakushinError as error:
        _draw_problem(words, error)
    except (OSError, MemoryError) as error:
        if (fault := machine_error(error, cache.settings().home)) is None:
            raise
        _draw_problem(words, fault)
    else:
        _watch(data_version)


def _draw_problem(words: Words, error: KakushinError) -> None:
    sentence = words.markdown("problem", sentence=words.error_text(error))
    st.error(sentence, icon=":material/error:")
    st.button(words("again"), key="again")


@st.fragment(run_every=WATCH_SECONDS)
def _watch(versions: tuple) -> None:
    """Rerun the whole page once the store's version differs from `versions`, or the login ends."""
    try:
        is_current = cache.data_version() == versions
    except AccessError:
        is_current = False
    if not is_current:
        st.rerun()


def _empty(words: Words) -> None:
    # a page without runs draws no controls, but its link must still hold the choices
    state.choices()
    st.info(words("empty"), icon=":material/hourglass_empty:")
    st.code("make demo\nkakushin score my.csv", language="shell")
