"""One or several engines behind one `connect`: the next one when one is full, gone or silent."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from livekit.agents import APIError
from livekit.plugins.whisper_stt.choice import Seen, by_room
from livekit.plugins.whisper_stt.log import logger
from livekit.plugins.whisper_stt.socket import Address, EngineSocket, connect
from pydantic import BaseModel

from whisper_engine.protocol import Start

ASK_SECONDS = 0.5
"""What an engine may take to say how much room it has: a call's first words wait for it."""
KNOWN_SECONDS = 1.0
"""How long its answer holds."""
SHUNNED_SECONDS = 5.0
"""How long an engine that failed a call comes after the others."""


class _Ready(BaseModel):
    room: int


@dataclass(frozen=True)
class _Answer:
    at: float
    room: int | None


class Pool:
    """The engines at `urls`, all with one key. `http` gives the session to ask them with."""

    def __init__(
        self, urls: Sequence[str], key: str | None, http: Callable[[], aiohttp.ClientSession]
    ) -> None:
        self._urls = list(dict.fromkeys(urls))
        self._key = key
        self._http = http
        self._answers: dict[str, _Answer] = {}
        self._shunned: dict[str, float] = {}

    @asynccontextmanager
    async def connect(self, start: Start, timeout: float) -> AsyncIterator[EngineSocket]:
        """A socket of the first engine that takes the call, within `timeout` seconds in all.

        Raises APIError when none does. An error inside the block counts against its engine.
        """
        async with AsyncExitStack() as stack:
            url, socket = await self._open(stack, start, timeout)
            try:
                yield socket
            except Exception:
                self._shun(url)
                raise

    async def _open(
        self, stack: AsyncExitStack, start: Start, timeout: float
    ) -> tuple[str, EngineSocket]:
        errors: list[APIError] = []
        until = _now() + timeout
        http = self._http()
        urls = await self._ordered(http, timeout)
        for number, url in enumerate(urls):
            # One that swallows a connection must leave time for those after it.
            share = (until - _now()) / (len(urls) - number)
            opening = connect(http, Address(url, self._key), start, share)
            try:
                socket = await stack.enter_async_context(opening)
            except APIError as error:
                self._shun(url)
                errors.append(error)
                if len(urls) > 1:
                    logger.warning("engine passed over", extra={"engine": url, "error": str(error)})
            else:
                self._take(url)
                return url, socket
        raise _most_hopeful(errors)

    async def _ordered(self, http: aiohttp.ClientSession, timeout: float) -> list[str]:
        if len(self._urls) == 1:
            return self._urls
        now = _now()
        unknown = [url for url in self._urls if not self._is_known(url, now)]
        limit = min(ASK_SECONDS, timeout / 4)
        async with asyncio.TaskGroup() as group:
            asked = {url: group.create_task(_room(http, url, limit)) for url in unknown}
        self._answers.update({url: _Answer(now, task.result()) for url, task in asked.items()})
        # Callers are processes that do not know of each other: equals must not all get the first.
        urls = random.sample(self._urls, len(self._urls))
        return by_room([Seen(url, self._room_of(url), self._has_failed(url, now)) for url in urls])

    def _is_known(self, url: str, now: float) -> bool:
        return url in self._answers and now < self._answers[url].at + KNOWN_SECONDS

    def _room_of(self, url: str) -> int | None:
        return self._answers[url].room if url in self._answers else None

    def _has_failed(self, url: str, now: float) -> bool:
        return url in self._shunned and now < self._shunned[url]

    def _take(self, url: str) -> None:
        if url in self._answers and (room := self._answers[url].room):
            self._answers[url] = _Answer(self._answers[url].at, room - 1)

    def _shun(self, url: str) -> None:
        self._answers.pop(url, None)
        self._shunned[url] = _now() + SHUNNED_SECONDS


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
