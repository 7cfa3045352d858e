"""A proxy between a client and its server, that cuts their connections when a test says so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit


class CuttingProxy:
    """Passes bytes on, both ways. `url` is what the client calls the server by."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._held: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self.url = ""

    def cut(self) -> None:
        """Every connection, both ends of it, without a goodbye."""
        for writer in self._held:
            writer.transport.abort()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            server.close()
            self.cut()
            if self._carrying:
                await asyncio.wait(self._carrying)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._held.add(writer)
        with contextlib.suppress(OSError):  # the server is away
            far_reader, far_writer = await asyncio.open_connection(
                self._target.hostname, self._target.port
            )
            self._held.add(far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass_on(reader, far_writer))
                both.create_task(_pass_on(far_reader, writer))
            self._held.discard(far_writer)
        self._held.discard(writer)
        writer.close()


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until one of them is gone."""
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()


@contextlib.asynccontextmanager
async def cutting(target: str) -> AsyncIterator[CuttingProxy]:
    proxy = CuttingProxy(target)
    async with proxy.running():
        yield proxy
