"""The worker's health server: is it alive, is it registered, what does it hold."""

import hmac
import os
import socket
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from agent.call import HeldCalls
from agent.config import Settings
from agent.figures import Metrics
from agent.registration import Registration


class PortError(Exception):
    """The health server cannot listen; the message is one sentence."""


class Health:
    """`/health` (alive), `/ready` (LiveKit is there and has registered it, and it is not draining),
    `/calls` (JSON figures), `/metrics` (Prometheus)."""

    def __init__(
        self,
        held: HeldCalls,
        active: Callable[[], set[str]],
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._metrics = metrics
        self._held = held
        self._active = active
        self._host = settings.health_host
        self._port = settings.health_port
        self._expected = (
            f"Bearer {key.get_secret_value()}" if (key := settings.health_key) else None
        )
        self.registration = Registration()
        self._draining = False
        metrics.gauge("ready", "1 while it takes calls.", lambda: self._is_ready)
        metrics.gauge("calls_held", "Calls that go on.", lambda: held.count(active(), _now()))
        metrics.gauge("calls_limit", "Calls that it may hold.", lambda: held.limit)
        metrics.gauge(
            "oldest_call_seconds",
            "Age of the oldest call held.",
            lambda: held.oldest_age(active(), _now()),
        )

    def on_registered(self, *_: object) -> None:
        self.registration.registered(_now())

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
        app.router.add_get("/metrics", self._exported)
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
        ready = self._is_ready
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    @property
    def _is_ready(self) -> bool:
        return self.registration.stands and not self._draining

    def _check_key(self, request: web.Request) -> None:
        sent = request.headers.get("Authorization", "")
        if self._expected and not hmac.compare_digest(sent.encode(), self._expected.encode()):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})

    async def _exported(self, request: web.Request) -> web.Response:
        self._check_key(request)
        body = generate_latest(self._metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _calls(self, request: web.Request) -> web.Response:
        self._check_key(request)
        active, now = self._active(), _now()
        return web.json_response(
            {
                "active": self._held.count(active, now),
                "limit": self._held.limit,
                "oldest_seconds": round(self._held.oldest_age(active, now), 1),
            }
        )


def _now() -> float:
    return time.monotonic()
