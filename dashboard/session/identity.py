"""The person of this session: the only module that uses Streamlit's login.

Without KAKUSHIN_LOGIN it is this machine's user. With it, every run of the page derives the person
from the login's claims again, so that an expired login ends in an open page too. Draws nothing.
"""

import time
from functools import lru_cache

import streamlit as st

from core.access import LoginSettings, login_path, principal_of_claims, read_login
from core.errors import AccessError
from core.identity import ANONYMOUS, Principal, local_principal


def has_login() -> bool:
    """Return whether people must log in."""
    return login_path() is not None


def session_principal() -> Principal:
    """Return the principal of this session; ANONYMOUS, who may do nothing, before a login.

    Raises AccessError for a login that has expired or that no rule lets in.
    """
    settings = _login_settings(str(login_path() or ""))
    if settings is None:
        return local_principal()
    claims = st.user.to_dict()
    if claims.get("is_logged_in") is not True:
        return ANONYMOUS
    return principal_of_claims(claims, settings.rules, time.time())


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
