"""Admission to the gate: once tokens exist, every request but /healthz needs a caller's token.

Without tokens only programs of this machine may ask. A page of another site in a browser of this
machine is none: it is told by its Origin header, and by a Host header that names the site if the
site's name was bound to this machine's address (DNS rebinding). With tokens neither helps a page,
which has no token. Errors become answers here: a status, a code and a sentence. Knows no route's content.
"""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import (
    AccessError,
    CallerUnknownError,
    CasesError,
    KakushinError,
    NotFoundError,
    OtherContentError,
    SettingsError,
    TooManyRequestsError,
)
from core.gate.metrics import GateMetrics
from core.gate.tokens import CallerBook
from core.hosts import foreign_header
from core.identity import Principal
from core.messages import error_text

HEALTH = "/healthz"
STATUS = (
    (CallerUnknownError, 401),
    (TooManyRequestsError, 429),
    (AccessError, 403),
    (OtherContentError, 409),
    (NotFoundError, 404),
    (CasesError, 422),
    (SettingsError, 422),
)


class CallerGuard:
    """Middleware that lets through requests of known callers, and names the caller to the route.

    book: the callers; None lets everybody through, on this machine only.
    """

    def __init__(self, app: ASGIApp, book: CallerBook | None, metrics: GateMetrics):
        self.app, self.book, self.metrics = app, book, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, 403 or 429 before the body is read; else pass the request on."""
        if scope["type"] == "http" and scope["path"] != HEALTH:
            headers, caller = Headers(scope=scope), None
            try:
                if self.book is None:
                    require_this_machine(headers)
                else:
                    caller = self.book.admit_caller(only_header(headers, "authorization") or "")
            except KakushinError as e:
                # A token file that cannot be read is the gate's fault, not the caller's.
                status = 503 if isinstance(e, SettingsError) else status_of(e)
                self.metrics.count_request("*", status)  # the path is the caller's: not a label
                await problem_response(e, headers, status)(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
        await self.app(scope, receive, send)


def only_header(headers: Headers, name: str) -> str | None:
    """Return a header's value, None without it.

    Raises CasesError if it is sent twice: a proxy may have checked the other one.
    """
    values = headers.getlist(name)
    if len(values) > 1:
        raise CasesError("gate.header_twice", name=name)
    return values[0] if values else None


def require_this_machine(headers: Headers) -> None:
    """Do nothing if a request names this machine as its host, and a page of it if any.

    Raises AccessError for another or a repeated Host or Origin header: core.hosts has the rule.
    """
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    # A page of another port is one of this machine's programs, as trusted as its sender.
    match foreign_header(hosts, origins, any_port=True):
        case "host":
            raise AccessError("gate.other_host", host=", ".join(hosts))
        case "origin":
            raise AccessError("gate.other_origin", origin=", ".join(origins))


def allowed_caller(request: Request, action: str) -> Principal | None:
    """Return the request's caller; None where the gate has no tokens.

    action: a key of core.identity.PERMISSIONS. Raises AccessError if the caller lacks its role.
    """
    caller: Principal | None = getattr(request.state, "caller", None)
    if caller is not None:
        caller.require(action)
    return caller


def status_of(error: KakushinError) -> int:
    """Return the HTTP status of an error; 503 if the caller may try the same again."""
    return next((code for kind, code in STATUS if isinstance(error, kind)), 503)


def problem_response(error: KakushinError, headers: Headers, status: int) -> JSONResponse:
    """Return the answer for an error: its code, and its sentence in the caller's language."""
    language = "ja" if headers.get("accept-language", "").lower().startswith("ja") else "en"
    problem = {"code": error.code, "message": error_text(error, language)}
    extra = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if isinstance(error, TooManyRequestsError):
        extra["Retry-After"] = str(error.values["wait_s"])
    return JSONResponse(problem, status_code=status, headers=extra)
