"""The person of this session: the only module that uses Streamlit's login.

Without KAKUSHIN_LOGIN it is this machine's user. With it, every run of the page derives the person
from the login's claims again, so that an expired login ends in an open page too. Draws nothing.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TypeVar

import streamlit as st

from core.access import LoginSettings, login_path, principal_of_claims, read_login
from core.errors import AccessError
from core.identity import ANONYMOUS, Principal, local_principal

T = TypeVar("T")

# The server's own reads: what the first page shows, and what all sessions share.
SERVER = Principal("service:dashboard", "kakushin dashboard", frozenset({"viewer"}))
_held_principal: ContextVar[Callable[[], Principal] | None] = ContextVar("principal", default=None)


def has_login() -> bool:
    """Return whether people must log in."""
    return login_path() is not None


def session_principal() -> Principal:
    """Return the principal of this session; ANONYMOUS, who may do nothing, before a login.

    Raises AccessError for a login that has expired or that no rule lets in.
    """
    return (_held_principal.get() or _principal_maker())()


def for_this_session(make: Callable[[], T]) -> Callable[[], T]:
    """Return `make` for a thread without a session: it acts as this one's person.

    Streamlit makes a file to download in such a thread, minutes after the page was drawn: the
    login's end is checked at the call. Raises what `session_principal` and `make` raise.
    """
    principal = _principal_maker()

    def made() -> T:
        with _acting_as(principal):
            return make()

    return made


def as_server() -> AbstractContextManager[None]:
    """Let the block read the store as the server itself, before anyone has come."""
    return _acting_as(lambda: SERVER)


@contextmanager
def _acting_as(principal: Callable[[], Principal]) -> Iterator[None]:
    token = _held_principal.set(principal)
    try:
        yield
    finally:
        _held_principal.reset(token)


def _principal_maker() -> Callable[[], Principal]:
    """Return a function that derives this session's principal again, wherever it is called."""
    settings = _login_settings(str(login_path() or ""))
    if settings is None:
        return local_principal
    claims = st.user.to_dict()
    if claims.get("is_logged_in") is not True:
        return lambda: ANONYMOUS
    return lambda: principal_of_claims(claims, settings.rules, time.time())


def acting_principal() -> Principal:
    """Return the principal of this session; ANONYMOUS also for a login that is not let in."""
    try:
        return session_principal()
    except AccessError:
        return ANONYMOUS


@lru_cache(maxsize=4)
def _login_settings(path: str) -> LoginSettings | None:
    # Read once a server: the server refuses to start with a file that does not pass.
    named = login_path()
    return None if not path or named is None else read_login(named)
