"""The choices of one session: the only user of st.session_state and st.query_params.

The address holds every choice, so a link shows the same view. A widget's key is its name in the
address. A value of the address that is not allowed is dropped with a notice.
dashboard.session.address defines the choices. Knows no meaning of a choice and draws nothing.

Streamlit 1.67's bind="query-params" does not fit these choices. It removes the parameter of a
widget that a run does not draw (remove_stale_bindings), but the other pages need it for their
links; it drops a value that is not allowed without a notice; it cannot bind a component such as the
live handle; and st.query_params may not write a bound name (tests/test_bound_widgets.py shows
each). persist_state keeps a widget's value over pages, but not the value of a choice that no widget
of the page shows.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeVar, cast
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

# not public API, but the only way to tell a Back from a rerun
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.decision.money.scenario import ASSUMED, MoneyScenario
from core.decision.thresholds.costs import DAYS_PER_MONTH
from dashboard.i18n import LANGUAGE_NAMES, Words
from dashboard.session.address import (
    AMOUNTS,
    NAMES,
    Choices,
    default_of,
    preferred_currency,
    read_choice,
    shared_choices,
    write_address,
)

T = TypeVar("T")

HANDLE = "handle"  # key of dashboard.decide.live's component; its state is the last move

# Keys in st.session_state that belong to no widget; the underscore keeps them apart from choices.
_LAST, _NOTICES, _BEFORE, _NEXT, _PAGE = "_last", "_notices", "_before", "_next", "_page"
# the line that the assumed choices belong to, and the names that the address set on opening
_LINE, _ADDRESSED = "_line", "_addressed"
# amounts typed in each currency, and the last change of the currency
_TYPED, _CONVERTED = "_typed", "_converted"


def take_in_address() -> None:
    """Set the widgets from the address on opening and on Back or Forward.

    Call it once, first in every run of the page. On any other run the widgets decide: after quick
    moves the browser's address is a step behind. On another page Streamlit treats the same key as a
    new widget, which starts at its own default (a cost at 0) unless its value is set again.
    """
    state, address = st.session_state, st.query_params.to_dict()
    # before any widget exists in this run, since Streamlit refuses to set a widget's key after that
    state.update(state.pop(_NEXT, {}))
    values = {name: state.get(name) for name in NAMES}
    moved = _LAST in state and any(
        values[name] != getattr(state[_LAST], name) for name in values if name in state
    )
    context = get_script_run_ctx()
    fresh = _NOTICES not in state or (context is not None and context.is_history_navigation)
    turned = context is not None and state.get(_PAGE) != context.page_script_hash
    state[_PAGE] = None if context is None else context.page_script_hash
    # a notice stays on the screen until the reader acts
    if moved or fresh:
        state[_NOTICES] = []
    if fresh:
        state[_ADDRESSED] = frozenset(address)
        state.pop(_LINE, None)
    for name in NAMES:
        if fresh or (name not in state and _LAST not in state):
            state[name] = _read(name, address)
        elif name not in state or _emptied(name):  # its widget is on another page
            state[name] = getattr(state[_LAST], name)
        elif turned:
            # looks idle, but assigning marks the value as set, so the new page's widget starts from
            # it
            state[name] = values[name]


def words() -> Words:
    """Return the words of the chosen language, with times in the browser's time zone."""
    return Words(st.session_state["lang"], _zone_name(st.context.timezone))


@lru_cache(maxsize=64)
def _zone_name(name: str | None) -> str:
    """Return the name of a time zone, UTC if this machine does not know it.

    A browser may hide its zone, or send any text.
    """
    try:
        return ZoneInfo(name or "UTC").key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"


def choices() -> Choices:
    """Return the present choices and write them into the address.

    Call it once, after all widgets are drawn.
    """
    state = st.session_state
    emptied = {
        name: getattr(state[_LAST], name) for name in NAMES if _LAST in state and _emptied(name)
    }
    current = Choices(**({name: state[name] for name in NAMES} | emptied))
    address = write_address(current)
    # every write sends a message to the browser, even if nothing changed
    if address != st.query_params.to_dict():
        st.query_params.from_dict(address)
    if _LAST in state and state[_LAST].t != current.t:
        state[_BEFORE] = state[_LAST].t
    # what a widget of another page will need: Streamlit forgets widgets that a run does not draw
    state[_LAST] = current
    return current


def threshold_before() -> float | None:
    """Return the threshold before the present one, None if the reader has not moved it yet."""
    return st.session_state.get(_BEFORE)


def _emptied(name: str) -> bool:
    """Return whether a choice that is never None is None.

    A widget reports None if the reader changes page in the middle of a run.
    """
    return st.session_state[name] is None and default_of(name) is not None


def clamp_choice(name: str, allowed: Sequence[T], default: T) -> T:
    """Set the choice `name` to one of `allowed`, before its widget is drawn, and return it.

    A value that is not allowed becomes `default`, with a notice; None becomes `default` without
    one.
    """
    value = st.session_state[name]
    if value not in allowed:
        if value is not None:
            st.session_state[_NOTICES].append((name, str(value)))
        st.session_state[name] = default
    return cast(T, st.session_state[name])


def follow_line(line: str, assumed: Mapping[str, object]) -> None:
    """Set the choices that belong to a line when the reader comes to it from another one.

    On opening, a choice of the address stays. Call it before the widgets of the choices are drawn.
    line: the dataset of the chosen run. assumed: choice -> its value for this line.
    """
    state = st.session_state
    if state.get(_LINE) == line:
        return
    typed = state[_ADDRESSED] if _LINE not in state else frozenset()
    # a money scenario of the address fixes the amounts and the volume of every page
    if "money" in typed:
        typed |= assumed.keys()
    state.update({name: value for name, value in assumed.items() if name not in typed})
    state[_LINE] = line


class _Present:
    """Reads a field of Choices from the session when it is asked for."""

    def __getattr__(self, name: str) -> object:
        return st.session_state[name]


# The choices while the page still draws widgets; only `choices` returns those of the whole run.
present = cast(Choices, _Present())


def held_value(name: str, default: T) -> T:
    """Return a session value that is not a choice, such as data that a page keeps between runs.

    default: of a name that the session does not hold; names of widgets hold what a reader typed.
    """
    return cast(T, st.session_state.get(name, default))


def held_or_none(name: str, kind: type[T]) -> T | None:
    """Return a session value of type `kind` that is not a choice; None without one."""
    return cast(T | None, st.session_state.get(name))


def set_value(name: str, value: object) -> None:
    """Set a choice, or a widget before it is drawn."""
    st.session_state[name] = value


def notices() -> list[tuple[str, str]]:
    """Return (name, value) of the address's values that are not allowed or no longer exist."""
    return list(st.session_state[_NOTICES])


def take_move() -> None:
    """Set the threshold to the last move of the live handle; a callback.

    Ignores a move that is not a step from 0 to 1000.
    """
    move = st.session_state[HANDLE].get("move") or {}
    # not isinstance, since True is an int: the browser can send any JSON
    if type(step := move.get("step")) is int and 0 <= step <= 1000:
        st.session_state["t"] = step / 1000


def sync_label(name: str, shows: Mapping[T, str]) -> None:
    """Update the displayed text of the list `name`; call it before the list is drawn.

    The browser keeps the text of a choice and replaces it only if the choice is set: without this a
    list shows the words of the previous language. shows: choice -> text.
    """
    state, key = st.session_state, f"_label_{name}"
    choice = state.get(name)
    text = shows.get(cast(T, choice))
    if name in state and state.get(key) not in (None, (choice, text)):
        state[name] = choice
    state[key] = (choice, text)


def moves_seen() -> int:
    """Return the number of the last move that came from the live handle, 0 before the first."""
    sequence = (st.session_state.get(HANDLE, {}).get("move") or {}).get("seq")
    return sequence if isinstance(sequence, int) else 0


def _read(name: str, address: dict[str, str]) -> object:
    """Return the choice `name` of the address, or its default with a notice if it is not allowed."""
    default = _default(name, address)
    if name not in address:
        return default
    try:
        return read_choice(name, address[name])
    except ValueError:
        st.session_state[_NOTICES].append((name, address[name]))
        return default


def _preferred_language() -> str:
    """Return the browser's language if it has a catalogue, else English."""
    # "en-AU" and the like: catalogues know no regions
    language = (st.context.locale or "").split("-")[0].lower()
    return language if language in LANGUAGE_NAMES else "en"


def _default(name: str, address: dict[str, str]) -> object:
    """Return the value of a choice that the address does not name.

    A money scenario of the address fixes the unit costs, as it would on any page.
    """
    if name == "lang":
        return _preferred_language()
    money = _readable("money", address)
    if money is not None:
        scenario = MoneyScenario.from_query(str(money))
        shared = shared_choices(scenario)
        if scenario.cases_per_month.basis == ASSUMED:
            shared["volume"] = scenario.cases_per_month.likely / DAYS_PER_MONTH
        if name in shared:
            return shared[name]
    language = _readable("lang", address) or _preferred_language()
    currency = _readable("currency", address) or preferred_currency(str(language))
    return currency if name == "currency" else default_of(name, str(currency))


def _readable(name: str, address: dict[str, str]) -> object:
    """Return the choice `name` of the address, None if it has none that is allowed."""
    try:
        return read_choice(name, address[name])
    except (KeyError, ValueError):
        return None


def change_currency() -> None:
    """Replace the amounts by those of the new currency; a callback of its list.

    An amount of one currency means nothing in another, and no rate converts it here: the amounts
    that were typed in the new currency come back, else its defaults apply, and a notice says so.
    """
    state, before = st.session_state, st.session_state[_LAST]
    typed = state.setdefault(_TYPED, {})
    typed[before.currency] = {name: getattr(before, name) for name in AMOUNTS}
    restored = typed.get(state["currency"], {})
    for name in AMOUNTS:
        state[name] = restored.get(name, default_of(name, state["currency"]))
    # amounts of the former currency
    state.update(money=None, m_review=None, m_escape=None)
    state[_CONVERTED] = (before.currency, state["currency"])


def changed_currencies() -> tuple[str, str] | None:
    """Return (former, present) of a change of the currency that the reader has not acted on."""
    change = st.session_state.get(_CONVERTED)
    return change if change and change[1] == st.session_state["currency"] else None


def confirm_currency() -> None:
    """Forget the change of the currency; a callback."""
    st.session_state.pop(_CONVERTED, None)


def join(source: str, target: str) -> None:
    """Set the choice `target` to the names picked in the widget `source`; a callback.

    The names are separated by commas.
    """
    st.session_state[target] = ",".join(st.session_state[source])


def go(name: str, value: object) -> None:
    """Set a choice whose widget is already drawn: the page reruns with it."""
    # not set directly: Streamlit refuses to set the key of a widget that this run has drawn
    st.session_state[_NEXT] = {name: value}
    st.rerun()


def open_page(name: str, **values: object) -> None:
    """Open another page of the navigation with these choices; call it outside of callbacks."""
    st.session_state[_NEXT] = values
    # Streamlit finds a page by its address alone, so the function is never called.
    st.switch_page(st.Page(_undrawn, url_path=name))


def _undrawn() -> None:
    """Draw nothing: the navigation has the page's own function."""


def take(name: str, kind: type[T]) -> T | None:
    """Return and remove the value, a `kind`, that a callback left under `name`; None without one."""
    return cast(T | None, st.session_state.pop(name, None))


def token(name: str) -> str:
    """Return the token of the form `name`, the same until `renew`.

    The store uses it to recognise a form that was sent twice.
    """
    return st.session_state.setdefault(f"_token_{name}", uuid4().hex)


def renew(name: str) -> None:
    """Give the form `name` a new token, which also empties its fields."""
    st.session_state[f"_token_{name}"] = uuid4().hex
