"""The gate over HTTP: routes, limits of a body, errors as codes with a sentence.

An answer other than 200 is no decision: the caller sends its cases to a person.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core.errors import CasesError, KakushinError
from core.gate.guard import (
    HEALTH,
    CallerGuard,
    allowed_caller,
    only_header,
    problem_response,
    status_of,
)
from core.gate.metrics import GateMetrics
from core.gate.openapi import openapi_document
from core.gate.schemas import (
    BODY_LIMIT,
    DecideResponse,
    VerdictsRequest,
    VerdictsResponse,
    read_decide_request,
    read_document,
)
from core.gate.tokens import CallerBook
from core.gate.transfer import StoreTransfer
from core.gate.worker import GateWorker
from core.store.entries import ReviewVerdict
from core.store.reviews import Reviews

KEY_LIMIT = 200  # characters of an idempotency key
BODY_S = 60.0  # for a body to arrive: a sender that trickles holds a connection and its memory


class BodyTooLongError(CasesError):
    """The body of a request has more bytes than are read."""


class BodyTooSlowError(CasesError):
    """The body of a request did not arrive in time."""


BODY_STATUS = ((BodyTooLongError, 413), (BodyTooSlowError, 408))


class Gate:
    """The routes over a worker and a transfer.

    check_text raises CasesError for a text that the model may not be asked about. callers: who may
    ask; None asks for no token.
    """

    def __init__(
        self,
        worker: GateWorker,
        transfer: StoreTransfer,
        metrics: GateMetrics,
        check_text: Callable[[str], object],
        callers: CallerBook | None = None,
    ):
        self.worker, self.transfer, self.metrics = worker, transfer, metrics
        self.check_text, self.callers = check_text, callers

    async def decide(self, request: Request) -> Response:
        """Decide the cases of a request; the answer is on disk before it leaves."""
        started = time.perf_counter()
        allowed_caller(request, "decisions.apply")
        key = only_header(request.headers, "idempotency-key")
        if key is not None and not 1 <= len(key) <= KEY_LIMIT:
            raise CasesError("gate.key_length", n=len(key), limit=KEY_LIMIT)
        content = read_decide_request(await _body(request))
        for case in content.cases:
            self.check_text(case.text)
        decisions = await asyncio.wrap_future(self.worker.submit(content, key))
        self.metrics.count_request("/v1/decide", 200, time.perf_counter() - started)
        return _json(DecideResponse(decisions=decisions))

    async def verdicts(self, request: Request) -> Response:
        """Add what people said of cases that this gate decided; a token's name is the reviewer."""
        caller = allowed_caller(request, "review.verdict")
        body = read_document(VerdictsRequest, await _body(request))
        run_id = self.transfer.run.run_id
        verdicts = [
            ReviewVerdict(run_id=run_id, source="import", **verdict.model_dump())
            for verdict in body.verdicts
        ]

        def add() -> int:
            self.transfer.move_all()
            return Reviews(self.transfer.store, caller).add_verdicts(verdicts)

        added = await run_in_threadpool(add)
        self.metrics.count_request("/v1/verdicts", 200)
        return _json(VerdictsResponse(added=added))

    async def healthz(self, request: Request) -> Response:
        """Answer 200 while cases are decided, else 503."""
        alive = self.worker.alive
        return JSONResponse({"alive": alive}, status_code=200 if alive else 503)

    async def count_text(self, request: Request) -> Response:
        """The counts for Prometheus."""
        text = self.metrics.prometheus_text(
            waiting_requests=self.worker.waiting.qsize(), cases_not_in_store=self.transfer.waiting
        )
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


def gate_app(gate: Gate) -> Starlette:
    """Return the application; it starts the gate's threads and ends them after its last answer."""

    @asynccontextmanager
    async def running(app: Starlette):
        gate.worker.start()
        gate.transfer.start()
        yield
        await run_in_threadpool(gate.worker.stop)
        await run_in_threadpool(gate.transfer.stop)
        gate.worker.log.close()

    async def openapi(request: Request) -> Response:
        return JSONResponse(openapi_document(gate.callers is not None))

    def route(path: str, endpoint: Callable, method: str) -> Route:
        return Route(path, partial(_answered, gate.metrics, path, endpoint), methods=[method])

    routes = [
        route("/v1/decide", gate.decide, "POST"),
        route("/v1/verdicts", gate.verdicts, "POST"),
        route(HEALTH, gate.healthz, "GET"),
        route("/metrics", gate.count_text, "GET"),
        route("/openapi.json", openapi, "GET"),
    ]
    guard = Middleware(CallerGuard, book=gate.callers, metrics=gate.metrics)
    return Starlette(routes=routes, lifespan=running, middleware=[guard])


async def _answered(
    metrics: GateMetrics,
    path: str,
    endpoint: Callable[[Request], Awaitable[Response]],
    request: Request,
) -> Response:
    """The endpoint's answer; an error of ours as its code and sentence."""
    try:
        return await endpoint(request)
    except KakushinError as e:
        status = next((code for kind, code in BODY_STATUS if isinstance(e, kind)), status_of(e))
        metrics.count_request(path, status)
        return problem_response(e, request.headers, status)


async def _body(request: Request) -> bytes:
    """The body, read no further than the limit. Raises CasesError."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise BodyTooLongError("gate.body_too_long", limit=BODY_LIMIT)
    except TimeoutError as e:
        raise BodyTooSlowError("gate.body_too_slow", seconds=BODY_S) from e
    except ClientDisconnect as e:
        raise CasesError("gate.body_cut_short") from e
    return bytes(body)


def _json(document) -> Response:
    return Response(document.model_dump_json(), media_type="application/json")
