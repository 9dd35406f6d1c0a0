"""The one download button: an export is in the audit trail before its file is made.

Streamlit makes the file at a click, in a thread without a session: dashboard.session.identity
carries the person there. Knows no table and no document.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import streamlit as st

from core.store.trail import record_action
from dashboard.session import cache, identity

REPORT, CASES = "report.export", "decisions.export"  # keys of core.identity.PERMISSIONS
CSV = "text/csv"


@dataclass(frozen=True)
class Export:
    """A file to download, and its entry in the audit trail."""

    file_name: str
    mime: str
    action: str = REPORT  # CASES for a list of cases
    subject: str = ""  # what it is about, such as a run; "" is the file's name
    details: Mapping[str, object] = field(default_factory=dict)  # JSON-able; `format` is added


def draw_download(
    label: str,
    make: Callable[[], bytes],
    export: Export,
    key: str,
    icon: str = ":material/download:",
    **style: Any,
) -> None:
    """Draw the button that makes a file at a click; disabled for a person without the role.

    label: the button's words. make: makes the file. export: its name and its entry. key: of the
    button. icon, style: as of st.download_button.
    """
    is_allowed = identity.acting_principal().may(export.action)
    st.download_button(
        label,
        identity.for_this_session(partial(_recorded, make, export)),
        export.file_name,
        export.mime,
        key=key,
        on_click="ignore",
        icon=icon,
        disabled=not is_allowed,
        **style,
    )


def _recorded(make: Callable[[], bytes], export: Export) -> bytes:
    """Record the export, then make it. Raises AccessError for a missing role or a login's end."""
    subject = export.subject or export.file_name
    details = {**export.details, "format": export.file_name.rpartition(".")[2]}
    record_action(cache.store(), export.action, subject, **details)
    return make()
