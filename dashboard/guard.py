"""Checks every request to the dashboard's server and marks every response; knows no page.

A page of another site makes its reader's browser send requests here: under a name of its own that
resolves to this machine (DNS rebinding), from its own origin, or as a frame. The guard answers such
requests with 403 and tells the browser to load nothing from elsewhere. A program that is no browser
sends neither Origin nor Sec-Fetch-Site: the guard checks its Host only. It also limits the pages
that are open at a time, and refuses one beyond them with 503.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.hosts import foreign_header, host_and_name

_FULL = (
    "The dashboard has {n} open pages, its limit (KAKUSHIN_SESSIONS). Close one, or try again later."
    " / ダッシュボードの同時接続数が上限（{n}）に達しています。"
    "使っていない画面を閉じるか、しばらくしてから開き直してください。"
)
FRAMES = ("iframe", "frame", "embed", "object")
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",  # for browsers that know no frame-ancestors
    "referrer-policy": "no-referrer",  # an address holds a reader's choices
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
# Streamlit writes scripts and styles into the page and compiles charts; all come from this server.
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "connect-src 'self' data: blob: ws://{host} wss://{host}; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class RequestGuard:
    """An ASGI application in front of `app`.

    public_hosts: host names, besides this machine's, under which a proxy publishes the dashboard.
    most_sessions: open pages at a time; a page beyond them is answered with 503 and a sentence.
    """

    def __init__(self, app: ASGIApp, public_hosts: tuple[str, ...], most_sessions: int):
        self.app, self.public_hosts = app, public_hosts
        self.most_sessions, self._sessions = most_sessions, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with 403 or 503, or pass the request on and mark its response."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = host_and_name(headers.get("host", ""))
        reason, status = self.refusal_reason(headers), 403
        is_session = scope["type"] == "websocket"
        # Only a page that a person opens, and its socket: the files of open pages still arrive.
        opens = is_session or headers.get("sec-fetch-mode") == "navigate"
        if reason is None and opens and self._sessions >= self.most_sessions:
            reason, status = _FULL.format(n=self.most_sessions), 503

        async def marked_send(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                marked = MutableHeaders(scope=message)
                marked.update(HEADERS)
                # Safari does not count a socket of the same host as 'self', hence the host's name.
                policy = _POLICY.format(host=host[0] if host and not reason else "127.0.0.1")
                marked["content-security-policy"] = policy
            await send(message)

        if reason is None:
            self._sessions += is_session
            try:
                await self.app(scope, receive, marked_send)
            finally:
                self._sessions -= is_session
        elif scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
            await PlainTextResponse(reason, status)(scope, receive, marked_send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": reason})

    def refusal_reason(self, headers: Headers) -> str | None:
        """Return why a request with these headers is refused; None if it is not."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        match foreign_header(hosts, origins, self.public_hosts):
            case "host":
                return "This host name is not one of the dashboard's."
            case "origin":
                return "This origin is not the dashboard's."
        # Another port of this machine is another origin, but the same site.
        elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        navigates = headers.get("sec-fetch-mode") == "navigate"
        if elsewhere and not (navigates and headers.get("sec-fetch-dest") not in FRAMES):
            return "Only a link may lead here from another site."
        return None
