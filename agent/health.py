"""The worker's health server: is it alive, is it registered, what does it hold."""

import hmac
import os
import socket
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from agent.call import HeldCalls
from agent.config import Settings


class PortError(Exception):
    """The health server cannot listen; the message is one sentence."""


class Health:
    """`/health` (alive), `/ready` (registered with LiveKit, and not draining), `/calls` (JSON figures)."""

    def __init__(self, held: HeldCalls, active: Callable[[], set[str]], settings: Settings) -> None:
        self._held = held
        self._active = active
        self._host = settings.health_host
        self._port = settings.health_port
        self._expected = (
            f"Bearer {key.get_secret_value()}" if (key := settings.health_key) else None
        )
        self._registered = False
        self._draining = False

    def on_registered(self, *_: object) -> None:
        self._registered = True

    def on_draining(self) -> None:
        """The worker takes no more calls; those that it holds go on."""
        self._draining = True

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[int]:
        """Inside, it answers on the port that is yielded.

        Raises PortError when it cannot listen.
        """
        listener = self._listen()
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/calls", self._calls)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            yield listener.getsockname()[1]
        finally:
            await runner.cleanup()

    def _listen(self) -> socket.socket:
        try:
            return socket.create_server((self._host, self._port))
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise PortError(
                f"the health server cannot listen on {self._host}:{self._port} ({why}): "
                "set AGENT_HEALTH_PORT"
            ) from error

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _ready(self, _: web.Request) -> web.Response:
        ready = self._registered and not self._draining
        return web.json_response({"ready": ready}, status=200 if ready else 503)

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
