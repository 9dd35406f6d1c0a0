"""What the page 'Policies' answers to a click: kept in the session until the next one, so that the
page can be drawn anew.

Also takes what people type: names and reasons, without the spaces around them.
"""

from collections.abc import Mapping

import streamlit as st

from core.errors import KakushinError, SettingsError
from core.store.entries import PolicyEvent, checked_text
from dashboard.i18n import Words
from dashboard.policies import words as policie_words
from dashboard.session import state

_BOXES = {
    "error": (st.error, "error"),
    "warning": (st.warning, "warning"),
    "success": (st.success, "check_circle"),
}


def say(
    place: str,
    box: str,
    key: str,
    events: tuple[PolicyEvent, ...] = (),
    **values: str | KakushinError,
) -> None:
    """Answer a click at `place`: the words under `key` with `values`, then what happened in
    between, in a box.
    """
    state.set_value(f"said_{place}", (box, key, events, values))


def show(words: Words, place: str) -> None:
    """Draw the last answer at `place`, in the language of now."""
    answer = state.held_value(f"said_{place}")
    if answer is None:
        return
    box, key, events, values = answer
    said = (
        policie_words.overtaken(words, events)
        if events
        else words.markdown(key, **_named(words, values))
    )
    draw, icon = _BOXES[box]
    draw(said, icon=f":material/{icon}:")


def typed(key: str) -> str:
    """Return what stands in a text field."""
    return (state.held_value(key) or "").strip()


def missing(texts: Mapping[str, str]) -> str | None:
    """Return the key of the sentence for the first text that cannot be kept; texts: the field's
    label key -> what was typed.
    """
    for key, text in texts.items():
        try:
            checked_text(text, key)
        except SettingsError:
            return f"{key}.missing"
    return None


def _named(words: Words, values: Mapping[str, str | KakushinError]) -> dict[str, str]:
    """Values with an error, and what is a word of the catalogue, such as a step, in the language of
    now.
    """
    named = {name: words(value) if name == "step" else value for name, value in values.items()}
    return {
        name: words.error_text(one) if isinstance(one, KakushinError) else one
        for name, one in named.items()
    }
