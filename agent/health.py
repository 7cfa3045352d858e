"""The worker's health server: is it alive, is it registered, what does it hold."""

import asyncio
import hmac
import socket
import time
from collections.abc import Callable

from aiohttp import web
from livekit.agents import AgentServer

from agent.call import HeldCalls
from agent.config import Settings


class Health:
    """`/health` (alive), `/ready` (registered with LiveKit), `/calls` (JSON figures).

    Starts with the worker and lives as long as its process.
    """

    def __init__(
        self,
        server: AgentServer,
        held: HeldCalls,
        active: Callable[[], set[str]],
        settings: Settings,
    ) -> None:
        self._held = held
        self._active = active
        self._host = settings.health_host
        self._port = settings.health_port
        self._expected = (
            f"Bearer {key.get_secret_value()}" if (key := settings.health_key) else None
        )
        self.port = settings.health_port
        self._registered = False
        self._serving: asyncio.Task[None] | None = None
        server.on("worker_started", self._on_started)
        server.on("worker_registered", self._on_registered)

    async def aclose(self) -> None:
        if self._serving:
            self._serving.cancel()
            await asyncio.wait({self._serving})

    def _on_started(self) -> None:
        try:
            listener = socket.create_server((self._host, self._port))
        except OSError as error:
            message = f"the health server cannot listen on {self._host}:{self._port}"
            raise SystemExit(f"{message} ({error.strerror}): set AGENT_HEALTH_PORT") from None
        self.port = listener.getsockname()[1]
        self._serving = asyncio.get_running_loop().create_task(self._serve(listener))

    def _on_registered(self, *_: object) -> None:
        self._registered = True

    async def _serve(self, listener: socket.socket) -> None:
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/calls", self._calls)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            await asyncio.Event().wait()  # until the worker's loop ends, and this task with it
        finally:
            await runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _ready(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"ready": self._registered}, status=200 if self._registered else 503
        )

    async def _calls(self, request: web.Request) -> web.Response:
        sent = request.headers.get("Authorization", "")
        if self._expected and not hmac.compare_digest(sent.encode(), self._expected.encode()):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
        active, now = self._active(), time.monotonic()
        return web.json_response(
            {
                "active": self._held.count(active, now),
                "limit": self._held.limit,
                "oldest_seconds": round(self._held.oldest_age(active, now), 1),
            }
        )
