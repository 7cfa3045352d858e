"""The control API as an ASGI app."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.server import (
    account,
    calls,
    dials,
    errors,
    events,
    export,
    listen,
    live,
    login,
    overview,
    pages,
    peaks,
    personas,
    room,
    status,
    twilio,
)
from web.server.desk import Desk, Metrics
from web.server.feed import LOOK, Feed
from web.server.headers import SafeHeaders
from web.server.limits import BodyLimit
from web.server.pages import Compressed

ABOUT = """Calls, live and past, of a Parley. Every route under `/v1` needs a key with the scope for
it. Telephone numbers are masked without the scope `calls:numbers`."""


def build_app(desk: Desk, look: float = LOOK) -> FastAPI:
    """Serves `/openapi.json`; the routes are in the modules beside this.

    `look`: seconds between two looks into the ledger, for the live events.
    """
    feed = Feed(desk.engine, desk.now, look)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(feed.run())
            yield
            looking.cancel()

    app = FastAPI(
        title="Parley",
        version="1",
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.desk, app.state.feed, app.state.metrics = desk, feed, Metrics(feed)
    errors.install(app)
    for each in (calls, peaks, export, dials, events, live, listen, overview):
        app.include_router(each.router)
    for each in (personas, room, status, twilio):
        app.include_router(each.router)
    app.include_router(login.router)
    app.include_router(account.router)
    app.include_router(pages.router)  # after all others, for it takes any name
    app.add_middleware(BodyLimit)
    app.add_middleware(Compressed)
    app.add_middleware(SafeHeaders, livekit_url=desk.tickets.url if desk.tickets else None)
    app.add_middleware(_Counted, requests=app.state.metrics.requests)
    return app


class _Counted:
    """Counts requests by route, never by path: paths are many, and hold ids."""

    def __init__(self, app: ASGIApp, requests: Counter) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                self._requests.labels(route, message["status"]).inc()
            await send(message)

        await self._app(scope, receive, counted)
