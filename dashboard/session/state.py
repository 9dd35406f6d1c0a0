"""What a session has chosen: the only user of st.session_state and st.query_params.

The address holds every choice, so a link shows the same view. A widget's key is its name in the
address. A value of the address that is not allowed is dropped with a notice. What there is to
choose stands in dashboard.session.address; what it means and how anything is drawn, neither knows.
"""

from collections.abc import Mapping
from uuid import uuid4

import streamlit as st

# the one place that tells a Back from a rerun
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.i18n import LANGUAGES, Words
from dashboard.session.address import NAMES, Choices, default_of, read, written

HANDLE = "handle"  # key of dashboard.decide.live's component, whose state is its last move

# Keys in st.session_state that are no widget's.
_LAST, _NOTICES, _BEFORE, _NEXT, _PAGE = "_last", "_notices", "_before", "_next", "_page"


def take_in_address() -> None:
    """Set the widgets from the address on opening and on Back or Forward. Call it once, first in
    every run of the page.

    On any other run the widgets say what is wanted: after quick moves the browser's address comes a
    step behind. On another page the same key is a new widget for Streamlit, which begins at its own
    default, a cost at 0, unless it is set again.
    """
    state, address = st.session_state, st.query_params.to_dict()
    state.update(state.pop(_NEXT, {}))
    now = {name: state.get(name) for name in NAMES}
    moved = _LAST in state and any(
        now[name] != getattr(state[_LAST], name) for name in now if name in state
    )
    context = get_script_run_ctx()
    fresh = _NOTICES not in state or (context is not None and context.is_history_navigation)
    turned = context is not None and state.get(_PAGE) != context.page_script_hash
    state[_PAGE] = None if context is None else context.page_script_hash
    if moved or fresh:
        state[_NOTICES] = []
    for name in NAMES:
        if fresh or (name not in state and _LAST not in state):
            state[name] = _read(name, address)
        elif name not in state or _emptied(name):  # its widget is on another page
            state[name] = getattr(state[_LAST], name)
        elif turned:
            state[name] = now[name]


def words() -> Words:
    """Return the words of the chosen language."""
    return Words(st.session_state["lang"])


def choices() -> Choices:
    """Return the choices as they stand, and write them into the address. Call it once all widgets
    are drawn.
    """
    state = st.session_state
    kept = {
        name: getattr(state[_LAST], name) for name in NAMES if _LAST in state and _emptied(name)
    }
    made = Choices(**({name: state[name] for name in NAMES} | kept))
    address = written(made)
    if address != st.query_params.to_dict():
        st.query_params.from_dict(address)
    if _LAST in state and state[_LAST].t != made.t:
        state[_BEFORE] = state[_LAST].t
    state[_LAST] = made
    return made


def threshold_before() -> float | None:
    """Return the threshold before the one in use, None where the reader has moved none yet."""
    return st.session_state.get(_BEFORE)


def _emptied(name: str) -> bool:
    """Whether a choice that is never None is None: what a widget may say when the reader goes to
    another page in mid-run.
    """
    return st.session_state[name] is None and default_of(name) is not None


def clamp_choice(name: str, allowed: list, default: object) -> object:
    """Make the choice `name` one of `allowed`, before its widget is drawn, and return it.

    What is not allowed becomes `default`, with a notice; None becomes it without one.
    """
    found = st.session_state[name]
    if found not in allowed:
        if found is not None:
            st.session_state[_NOTICES].append((name, str(found)))
        st.session_state[name] = default
    return st.session_state[name]


def chosen(name: str) -> object:
    """Return one choice as it stands, while the widgets are being drawn."""
    return st.session_state[name]


def held_value(name: str, default: object = None) -> object:
    """Return what the session holds under a name that is no choice, such as what a page keeps
    between two runs of it.
    """
    return st.session_state.get(name, default)


def set_value(name: str, value: object) -> None:
    """Set a choice, or a widget before it is drawn."""
    st.session_state[name] = value


def notices() -> list[tuple[str, str]]:
    """Return (name, value) of what the address holds and is not allowed, or no longer exists."""
    return list(st.session_state[_NOTICES])


def take_move() -> None:
    """Give the threshold the value of the live handle's last move: a callback. What is no threshold
    is not taken.
    """
    move = st.session_state[HANDLE].get("move") or {}
    if type(step := move.get("step")) is int and 0 <= step <= 1000:
        st.session_state["t"] = step / 1000


def sync_label(name: str, shows: Mapping[object, str]) -> None:
    """Have the list `name` show the present text of its choice. Call it before the list is drawn.

    The browser keeps the text of a choice and takes another one only where the choice is set:
    without this a list shows the words of the language before. shows: choice -> text.
    """
    state, key = st.session_state, f"_label_{name}"
    chosen = state.get(name)
    text = shows.get(chosen)
    if name in state and state.get(key) not in (None, (chosen, text)):
        state[name] = chosen
    state[key] = (chosen, text)


def moves_seen() -> int:
    """Return the number of the last move that came from the live handle, 0 before the first."""
    seen = (st.session_state.get(HANDLE, {}).get("move") or {}).get("seq")
    return seen if isinstance(seen, int) else 0


def _read(name: str, address: dict[str, str]) -> object:
    """Return the choice `name` of the address, or its default, with a notice where the text is not
    allowed.
    """
    default = _preferred_language() if name == "lang" else default_of(name)
    if name not in address:
        return default
    try:
        return read(name, address[name])
    except ValueError:
        st.session_state[_NOTICES].append((name, address[name]))
        return default


def _preferred_language() -> str:
    """Return the browser's language where there is a catalogue for it, else English."""
    language = (st.context.locale or "").split("-")[0].lower()
    return language if language in LANGUAGES else "en"


def join(source: str, target: str) -> None:
    """Give the choice `target` the names picked in the widget `source`, separated by commas: a
    callback.
    """
    st.session_state[target] = ",".join(st.session_state[source])


def go(name: str, value: object) -> None:
    """Make a choice whose widget has been drawn already: the page begins again with it."""
    st.session_state[_NEXT] = {name: value}
    st.rerun()


def take(name: str) -> object:
    """Return what a callback left under `name`, once; None where it left nothing."""
    return st.session_state.pop(name, None)


def token(name: str) -> str:
    """Return the token of the form `name`: the same until `renew`, so that a form sent twice is
    known as one.
    """
    return st.session_state.setdefault(f"_token_{name}", uuid4().hex)


def renew(name: str) -> None:
    """Give the form `name` another token, and with it empty fields."""
    st.session_state[f"_token_{name}"] = uuid4().hex
