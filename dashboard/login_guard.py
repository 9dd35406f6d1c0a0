"""Files and figures of the server over HTTP only for people whom the login lets in.

Streamlit takes a file from every open page, also from the one that asks for the login: anyone who
reaches the server could fill its memory. It tells everybody how many files and caches it holds.
Without a login it serves this machine only. Knows no page.
"""

import json
import time
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from core.access import AccessRules, principal_of_claims
from core.errors import AccessError

GUARDED = ("/_stcore/upload_file", "/_stcore/metrics")  # Streamlit's addresses


class LoginGuard:
    """An ASGI application in front of `app`. rules: of the login; None lets every request through."""

    def __init__(self, app: ASGIApp, rules: AccessRules | None):
        self.app, self.rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 before the body is read, or pass the request on."""
        guarded = scope["type"] == "http" and any(path in scope["path"] for path in GUARDED)
        rules = self.rules if guarded else None
        if rules is not None and not is_let_in(Request(scope).cookies, rules):
            await PlainTextResponse("Log in first.", 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def is_let_in(cookies: Mapping[str, str], rules: AccessRules) -> bool:
    """Return whether the cookies are those of a login that the rules let in now."""
    # Streamlit's own reading of its cookie: signed, and in pieces if it is long.
    content = _get_signed_cookie_with_chunks(dict(cookies), USER_COOKIE_NAME)
    try:
        claims = json.loads(content or b"{}")
        if not isinstance(claims, dict) or claims.get("is_logged_in") is not True:
            return False
        principal_of_claims(claims, rules, time.time())
    except (AccessError, ValueError):
        return False
    return True
