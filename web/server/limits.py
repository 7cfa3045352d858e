"""Bounds: how often a key may ask, and how long a body may be."""

import asyncio
import threading
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.server.errors import ApiError

LONGEST_BODY = 1_000_000
"""Bytes."""

DRAINED = 16 * LONGEST_BODY
"""Bytes of a body too long that are read and thrown away: a client that is cut off while it sends
would not hear why."""

DRAIN_SECONDS = 10.0


@dataclass
class Bucket:
    """A token bucket: `burst` at once, `rate` a second from then on. Pure; seconds on any clock."""

    rate: float
    burst: float
    tokens: float
    at: float

    def take(self, now: float) -> float:
        """0 if there was one to take, else the seconds until there is."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1.0:
            return (1.0 - self.tokens) / self.rate
        self.tokens -= 1.0
        return 0.0


class Limiter:
    """A bucket a key. One that has been made whole again is forgotten."""

    def __init__(self, rate: float = 20.0, burst: float = 60.0) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.Lock()

    def take(self, key: str, now: float) -> float:
        """0, or the seconds to wait."""
        with self._lock:
            whole = self._burst / self._rate
            self._buckets = {k: b for k, b in self._buckets.items() if now - b.at < whole}
            new = Bucket(self._rate, self._burst, self._burst, now)
            return self._buckets.setdefault(key, new).take(now)


class BodyLimit:
    """Refuses bodies longer than `LONGEST_BODY` with 413, whether or not they say their length."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _declared(scope) > LONGEST_BODY:
            await _drain(receive)
            await _too_long().response()(scope, receive, send)
            return
        await self._app(scope, _counted(receive), send)


def _too_long() -> ApiError:
    message = f"a body may have {LONGEST_BODY} bytes: send less"
    return ApiError(413, "content_too_large", message)


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _counted(receive: Receive) -> Receive:
    length = 0

    async def counted() -> Message:
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        if length > LONGEST_BODY:
            await _drain(receive)
            raise _too_long()
        return message

    return counted


async def _drain(receive: Receive) -> None:
    left = DRAINED
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                left -= len(message.get("body", b""))
    except TimeoutError:
        return
