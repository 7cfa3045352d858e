"""A redis whose disk is full is told to do without it, and to use it again once there is room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from parley.redis_keeper import run


@dataclass
class FullRedis:
    """Its disk has room again once it has been told to do without. `told` are its orders."""

    keeps: str = "yes"
    is_full: bool = True
    told: list[str] = field(default_factory=list)
    has_been_told: asyncio.Event = field(default_factory=asyncio.Event)
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode().split():
            writer.write(self._answer(line))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def _answer(self, command: list[str]) -> bytes:
        match command:
            case ["PING"] if self.is_full and self.keeps == "yes":
                return b"-MISCONF Errors writing to the AOF file: No space left on device\r\n"
            case ["CONFIG", "GET", name]:
                return f"*2\r\n${len(name)}\r\n{name}\r\n$0\r\n{self.keeps}\r\n".encode()
            case ["CONFIG", "SET", "appendonly", keeps]:
                self.keeps, self.is_full = keeps, False
                self.told.append(keeps)
                self.has_been_told.set()
                return b"+OK\r\n"
            case _:
                return b"+PONG\r\n"

    async def until_told(self, times: int) -> None:
        async with asyncio.timeout(30.0):
            while len(self.told) < times:
                self.has_been_told.clear()
                await self.has_been_told.wait()


@asynccontextmanager
async def kept(redis: FullRedis, folder: Path) -> AsyncIterator[None]:
    server = await asyncio.start_server(redis.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    keeping = asyncio.create_task(run(port, None, folder))
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        server.close()
        await asyncio.gather(*redis.serving)


async def test_it_does_without_its_disk_while_that_is_full(tmp_path: Path) -> None:
    redis = FullRedis()
    async with kept(redis, tmp_path):
        await redis.until_told(2)
    assert redis.told == ["no", "yes"]


async def test_it_stays_without_a_disk_on_which_there_is_no_room(tmp_path: Path) -> None:
    redis = FullRedis()
    async with kept(redis, tmp_path / "away"):
        await redis.until_told(1)
        redis.is_full, redis.keeps = True, "yes"  # another one, in its place
        await redis.until_told(2)
    assert redis.told == ["no", "no"]
