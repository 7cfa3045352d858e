"""What LiveKit and the worker know of calls."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from livekit import api

from sip.simulate.stack import Stack as Line
from tests.stack import Stack

LOOK = 0.02  # seconds between two looks: nobody tells of changes
PATIENCE = 30.0


@dataclass(frozen=True)
class Calls:
    """Rooms made for calls, and jobs that the worker holds."""

    rooms: frozenset[str]
    jobs: int


NO_CALLS = Calls(frozenset(), 0)


async def until(fact: Callable[[], Awaitable[bool]]) -> None:
    """Raises TimeoutError when it does not become true."""
    async with asyncio.timeout(PATIENCE):
        while not await fact():  # noqa: ASYNC110
            await asyncio.sleep(LOOK)


class Switchboard:
    """Open it with `open`."""

    def __init__(self, livekit: api.LiveKitAPI, worker: aiohttp.ClientSession) -> None:
        self._livekit = livekit
        self._worker = worker

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, stack: Stack, line: Line) -> AsyncGenerator["Switchboard"]:
        worker = f"http://127.0.0.1:{stack.facts['parts']['worker']['port']}"
        async with line.client() as livekit, aiohttp.ClientSession(worker) as http:
            yield cls(livekit, http)

    async def calls(self) -> Calls:
        listed = await self._livekit.room.list_rooms(api.ListRoomsRequest())
        rooms = (room.name for room in listed.rooms if room.name.startswith("call-"))
        async with self._worker.get("/calls") as answer:
            return Calls(frozenset(rooms), (await answer.json())["active"])

    async def until_room(self) -> None:
        async def there() -> bool:
            return bool((await self.calls()).rooms)

        await until(there)

    async def until_idle(self) -> float:
        """Returns when there were no calls, on the loop's clock."""

        async def idle() -> bool:
            return await self.calls() == NO_CALLS

        await until(idle)
        return asyncio.get_running_loop().time()

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncGenerator[set[Calls]]:
        """Filled inside with everything that there was to see."""
        seen: set[Calls] = set()

        async def watch() -> None:
            while True:
                seen.add(await self.calls())
                await asyncio.sleep(LOOK)

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch())
            try:
                yield seen
            finally:
                watching.cancel()
