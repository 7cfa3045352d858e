"""The ASGI app of an engine: sockets behind a key and a gate, `/health`, `/ready`, `/metrics`."""

import asyncio
import contextlib
import hmac
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http import HTTPStatus

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    ProcessCollector,
    generate_latest,
)
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from parley_serving import errors
from parley_serving.errors import ApiError
from parley_serving.gate import FullError, Gate
from parley_serving.reservations import reservation_of, routes
from parley_serving.telemetry import Tracing, tracing

logger = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/health", "/ready"})
"""Probes carry no key: they say nothing but yes, no and why, and how much room there is."""

BROKEN_SECONDS = 5
"""What a client of a broken engine is told to wait: its supervisor starts another."""


class StartError(Exception):
    """The engine cannot start. The message is one sentence that names the fix."""


@dataclass(frozen=True)
class Service:
    """What an engine brings. `start` loads the model, makes a real warm request, and frees all.

    It raises StartError for what its user can mend.

    An engine without sockets gives no `session`. Its own `routes` come before the common ones.
    `broken` says why the engine will never serve again in this process, so that it is started anew.
    """

    name: str
    model: str
    gate: Gate
    start: Callable[[], AbstractAsyncContextManager[None]]
    socket_path: str = "/v1/session"
    session: Callable[[WebSocket], Awaitable[None]] | None = None
    key: SecretStr | None = None
    routes: Sequence[BaseRoute] = ()
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    broken: Callable[[], str | None] = lambda: None
    tracing: Tracing | None = None
    """Instead of that which the environment asks for."""


def build_app(service: Service) -> Starlette:
    """One app a process. Its `/ready` answers 503 until the warm request has been served."""
    gate = service.gate
    warm = False
    _gauge(service, "sessions", "Calls held.", lambda: gate.held)
    _gauge(service, "room", "More calls that it would take now.", lambda: gate.room)
    _gauge(
        service,
        "ready",
        "1 once it is warm, while it is not broken.",
        lambda: warm and not service.broken(),
    )
    ProcessCollector(registry=service.registry)
    traces = service.tracing or tracing(f"parley-{service.name}", os.environ)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        nonlocal warm
        try:
            async with service.start():
                warm = True
                logger.info("engine ready", extra={"engine": service.name, "model": service.model})
                yield
                warm = False
                if traces:
                    await asyncio.to_thread(traces.close)
        except StartError as error:
            app.state.cannot_start = str(error)
            raise

    async def health(_: Request) -> Response:
        if reason := service.broken():
            return JSONResponse({"status": "broken", "reason": reason}, 503)
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> Response:
        reason = service.broken()
        able = warm and gate.room > 0 and reason is None
        body = {"ready": able, "model": service.model, "held": gate.held, "room": gate.room}
        if able:
            return JSONResponse(body)
        why = {"reason": reason} if reason else {}
        return JSONResponse({**body, **why}, 503, {"Retry-After": "1"})

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(service.registry), media_type=CONTENT_TYPE_LATEST)

    async def models(_: Request) -> Response:
        return JSONResponse(
            {
                "object": "list",
                "data": [{"id": service.model, "object": "model", "owned_by": "parley"}],
            }
        )

    return Starlette(
        lifespan=lifespan,
        exception_handlers={HTTPException: _of_routing, Exception: _unforeseen},
        middleware=[
            Middleware(_KeyCheck, key=service.key),
            Middleware(_BrokenCheck, broken=service.broken),
        ],
        routes=[
            *service.routes,
            Route("/health", health),
            Route("/ready", ready),
            Route("/metrics", metrics),
            Route("/v1/models", models),
            *routes(gate),
            *_sockets(service, traces),
        ],
    )


def _gauge(service: Service, name: str, about: str, read: Callable[[], float]) -> None:
    gauge = Gauge(f"parley_{service.name}_{name}", about, registry=service.registry)
    gauge.set_function(read)


def _sockets(service: Service, traces: Tracing | None) -> list[BaseRoute]:
    """The engine's socket, if it has one, behind its gate."""
    serve = service.session
    if serve is None:
        return []

    async def session(websocket: WebSocket) -> None:
        try:
            with service.gate.session(reservation_of(websocket)):
                await websocket.accept()
                with traces.joined(websocket.headers) if traces else contextlib.nullcontext():
                    await serve(websocket)
        except FullError as error:
            await websocket.send_denial_response(errors.full(error))

    return [WebSocketRoute(service.socket_path, session)]


class _KeyCheck:
    """Refuses what does not carry the bearer key, before a socket is accepted."""

    def __init__(self, app: ASGIApp, key: SecretStr | None) -> None:
        self._app = app
        self._expected = f"Bearer {key.get_secret_value()}".encode() if key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or self._may_pass(scope):
            await self._app(scope, receive, send)
            return
        error = ApiError(401, "unauthorized", "send the engine's key as a bearer token")
        refusal = errors.refusal(error)
        refusal.headers["WWW-Authenticate"] = "Bearer"
        await _answer(refusal, scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        if self._expected is None or scope["path"] in OPEN_PATHS:
            return True
        sent = HTTPConnection(scope).headers.get("authorization", "").encode()
        return hmac.compare_digest(sent, self._expected)


class _BrokenCheck:
    """Refuses all work of an engine that will do none; what asks after its health gets through."""

    def __init__(self, app: ASGIApp, broken: Callable[[], str | None]) -> None:
        self._app = app
        self._broken = broken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asks_for_work = scope["type"] in {"http", "websocket"} and scope["path"] not in {
            *OPEN_PATHS,
            "/metrics",
        }
        if not asks_for_work or (reason := self._broken()) is None:
            await self._app(scope, receive, send)
            return
        error = ApiError(503, "broken", f"the engine must be started again: {reason}")
        await _answer(errors.refusal(error, retry_after=BROKEN_SECONDS), scope, receive, send)


async def _of_routing(request: Request, error: Exception) -> Response:
    """No such path, or not by this method."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    message = f"{request.method} {request.url.path}: {error.detail}"
    refusal = errors.refusal(ApiError(status, status.name.lower(), message))
    refusal.headers.update(error.headers or {})
    return refusal


async def _unforeseen(_: Request, error: Exception) -> Response:
    """The server logs it; a client learns no more than that."""
    return errors.refusal(ApiError(500, "internal_error", "the engine failed: its log says how"))


async def _answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Instead of the app, also to one that asks for a socket."""
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)
