"""The door: the screen before a login, and the account with its way out. Knows no page."""

import streamlit as st

from core.errors import AccessError
from core.identity import ANONYMOUS
from core.store.trail import AuditTrail, TrailEvent
from dashboard.components import controls
from dashboard.i18n import Words
from dashboard.session import cache, identity, state

_RECORDED = "_login_recorded"  # key of the account whose login this session has recorded


def draw_door(words: Words) -> bool:
    """Draw the login if this session has none that is let in; return whether the page may follow."""
    if not identity.has_login():
        return True
    try:
        principal, refusal = identity.session_principal(), None
    except AccessError as error:
        principal, refusal = ANONYMOUS, error
    if principal is not ANONYMOUS:
        if state.held_value(_RECORDED, "") != principal.account:
            state.set_value(_RECORDED, principal.account)
            event = TrailEvent("login", principal.name, principal.account, {})
            AuditTrail(cache.store()).append(principal, [event])
        return True
    st.title(words("door.title"), anchor=False)
    controls.language(words)
    if refusal is not None:
        st.error(words.markdown("problem", sentence=words.error_text(refusal)))
        st.button(words("door.leave"), on_click=st.logout, key="door_leave")
    else:
        st.markdown(words("door.about"))
        st.button(words("door.enter"), on_click=st.login, key="door_enter", type="primary")
    return False


def draw_account(words: Words) -> None:
    """Draw the account's name, its roles and the way out; nothing without a login."""
    principal = identity.acting_principal()
    if not identity.has_login() or principal is ANONYMOUS:
        return
    with st.popover(words("door.account"), icon=":material/account_circle:"):
        st.text(principal.name)
        st.text(words("door.roles", roles=words.comma.join(sorted(principal.roles))))
        st.button(words("door.leave"), on_click=st.logout, key="account_leave")
