"""Whether LiveKit has the worker. The framework (1.8) tells when it has been registered, and nobody when
that connection is lost; its own health server knows only when it has given up. So LiveKit is asked."""

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import AsyncGenerator

import aiohttp

EVERY = 0.5
"""Seconds between two questions."""
PATIENCE = 5.0
"""Seconds for an answer."""
SETTLED = 15.0
"""Seconds of answers after which the worker was not lost, for it has not registered anew: the framework
tries at least every 10."""
BROKEN = 500
"""The first status of those that a server has who cannot serve, or who stands before one."""


class Registration:
    """Pure. Times are in seconds on one clock."""

    def __init__(self) -> None:
        self.stands = False
        self._registered_at: float | None = None
        self._answers_since: float | None = None

    @property
    def known(self) -> bool:
        """Whether it has ever been registered."""
        return self._registered_at is not None

    def registered(self, now: float) -> None:
        self.stands = True
        self._registered_at = now

    def answered(self, now: float) -> None:
        if self.stands or self._registered_at is None:
            return
        if self._answers_since is None:
            self._answers_since = now
        self.stands = now - self._answers_since >= SETTLED

    def unanswered(self, asked_at: float) -> None:
        """What was asked before the worker was registered says nothing of it now."""
        if self._registered_at is None or asked_at <= self._registered_at:
            return
        self.stands = False
        self._answers_since = None


@contextlib.asynccontextmanager
async def watched(registration: Registration) -> AsyncGenerator[None]:
    """Inside, the LiveKit of LIVEKIT_URL is asked whether it is there."""
    watching = asyncio.create_task(_watch(registration), name="watch LiveKit")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def _watch(registration: Registration) -> None:
    while not registration.known:  # noqa: ASYNC110  it tells nobody else
        await asyncio.sleep(EVERY)
    # The framework has said by now, in SSL_CERT_FILE, where its certificates are.
    tls = aiohttp.TCPConnector(ssl=ssl.create_default_context())
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(connector=tls, timeout=timeout, trust_env=True) as http:
        while True:
            asked_at = time.monotonic()
            if await _answers(http, _address()):
                registration.answered(time.monotonic())
            else:
                registration.unanswered(asked_at)
            await asyncio.sleep(EVERY)


def _address() -> str:
    """The framework writes what its command line was told into the environment."""
    url = os.environ.get("LIVEKIT_URL", "")
    return f"http{url.removeprefix('ws')}" if url.startswith("ws") else url


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as response:
            return response.status < BROKEN
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False
