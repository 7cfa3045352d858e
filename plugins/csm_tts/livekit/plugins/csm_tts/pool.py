"""One or several engines behind one `open`: the next one when one is full, gone or silent."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from livekit.agents import APIError
from livekit.plugins.csm_tts.choice import Seen, by_room
from livekit.plugins.csm_tts.log import logger
from livekit.plugins.csm_tts.socket import Address, EngineSocket
from pydantic import BaseModel

from csm_engine.protocol import SessionConfig

ASK_SECONDS = 0.5
"""What an engine may take to say how much room it has: a call's first words wait for it."""
SHUNNED_SECONDS = 5.0
"""How long an engine that failed a call comes after the others."""


class _Ready(BaseModel):
    room: int


@dataclass
class _Lost:
    """The engine that held the conversation: worth a first try, for what it remembers, but not two."""

    url: str
    at: float


class Pool:
    """The engines at `urls`, all with one key. `http` gives the session to ask them with.

    Belongs to one conversation, which stays with the engine that took it while that can be.
    """

    def __init__(
        self, urls: Sequence[str], key: str | None, http: Callable[[], aiohttp.ClientSession]
    ) -> None:
        self._urls = list(dict.fromkeys(urls))
        self._key = key
        self._http = http
        self._ours: str | None = None
        self._lost: _Lost | None = None
        self._shunned: dict[str, float] = {}

    async def open(self, config: SessionConfig, timeout: float) -> EngineSocket:
        """A socket of the first engine that takes the call, within `timeout` seconds in all.

        Raises APIError when none does.
        """
        http = self._http()
        errors: dict[str, APIError] = {}
        until = _now() + timeout
        if self._ours is not None and not self._has_failed(self._ours):
            share = timeout / min(2, len(self._urls))
            if socket := await self._try(http, self._ours, config, share, errors):
                return socket
        urls = await self._ordered(http, [url for url in self._urls if url not in errors], timeout)
        for number, url in enumerate(urls):
            # One that swallows a connection must leave time for those after it.
            share = (until - _now()) / (len(urls) - number)
            if socket := await self._try(http, url, config, share, errors):
                return socket
        raise _most_hopeful(list(errors.values()))

    def lost(self, url: str) -> None:
        """A socket to this engine broke. Twice within a moment is the engine's fault."""
        now = _now()
        if self._lost and self._lost.url == url and now < self._lost.at + SHUNNED_SECONDS:
            self._shunned[url] = now + SHUNNED_SECONDS
        self._lost = _Lost(url, now)

    async def _try(
        self,
        http: aiohttp.ClientSession,
        url: str,
        config: SessionConfig,
        timeout: float,
        errors: dict[str, APIError],
    ) -> EngineSocket | None:
        try:
            socket = await EngineSocket.open(http, Address(url, self._key), config, timeout)
        except APIError as error:
            self._shunned[url] = _now() + SHUNNED_SECONDS
            errors[url] = error
            if len(self._urls) > 1:
                logger.warning("engine passed over", extra={"engine": url, "error": str(error)})
            return None
        self._ours = url
        return socket

    async def _ordered(
        self, http: aiohttp.ClientSession, urls: Sequence[str], timeout: float
    ) -> list[str]:
        if len(urls) <= 1:
            return list(urls)
        limit = min(ASK_SECONDS, timeout / 4)
        async with asyncio.TaskGroup() as group:
            asked = {url: group.create_task(_room(http, url, limit)) for url in urls}
        # Callers are processes that do not know of each other: equals must not all get the first.
        shuffled = random.sample(urls, len(urls))
        return by_room([Seen(url, asked[url].result(), self._has_failed(url)) for url in shuffled])

    def _has_failed(self, url: str) -> bool:
        return _now() < self._shunned.get(url, 0.0)


async def _room(http: aiohttp.ClientSession, url: str, timeout: float) -> int | None:
    """What `/ready` says; None if nothing that makes sense."""
    try:
        async with asyncio.timeout(timeout), http.get(f"{url}/ready") as response:
            if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
                return 0
            return _Ready.model_validate_json(await response.read()).room
    except (aiohttp.ClientError, OSError, ValueError):
        return None


def _most_hopeful(errors: Sequence[APIError]) -> APIError:
    """Of the best engine, but rather one that LiveKit may try again."""
    return next((error for error in errors if error.retryable), errors[0])


def _now() -> float:
    return asyncio.get_running_loop().time()
