"""The worker's health server: is it alive, is it registered, what does it hold."""

import asyncio
import time
from collections.abc import Callable

from aiohttp import web
from livekit.agents import AgentServer

from agent.call import HeldCalls


class Health:
    """`/health` (alive), `/ready` (registered with LiveKit), `/calls` (JSON figures).

    Starts with the worker and lives as long as its process.
    """

    def __init__(
        self,
        server: AgentServer,
        held: HeldCalls,
        active: Callable[[], set[str]],
        host: str,
        port: int,
    ) -> None:
        self._held = held
        self._active = active
        self._host = host
        self._port = port
        self._registered = False
        self._starting: asyncio.Task[None] | None = None
        server.on("worker_started", self._on_started)
        server.on("worker_registered", self._on_registered)

    def _on_started(self) -> None:
        self._starting = asyncio.get_running_loop().create_task(self._serve())

    def _on_registered(self, *_: object) -> None:
        self._registered = True

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/calls", self._calls)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, self._host, self._port).start()

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _ready(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"ready": self._registered}, status=200 if self._registered else 503
        )

    async def _calls(self, _: web.Request) -> web.Response:
        active, now = self._active(), time.monotonic()
        return web.json_response(
            {
                "active": self._held.count(active, now),
                "limit": self._held.limit,
                "oldest_seconds": round(self._held.oldest_age(active, now), 1),
            }
        )
