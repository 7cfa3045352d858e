"""A network that a test can cut: TCP from a port of its own to another on this machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

HOST = "127.0.0.1"
PIECE = 65_536


class Relay:
    """`target` is the port behind it. Open it with `relay`."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        """Whoever comes now is let through."""
        self._server = await asyncio.start_server(self._carry, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """All connections break, and no other is taken."""
        if self._server:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _carry(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        ends = [to_near]
        self._open.add(to_near)
        try:
            far, to_far = await asyncio.open_connection(HOST, self._target)
            ends.append(to_far)
            self._open.add(to_far)
            await asyncio.gather(_pump(near, to_far), _pump(far, to_near))
        except OSError:
            pass  # one of both is gone, so the other goes, too
        finally:
            self._open.difference_update(ends)
            for writer in ends:
                writer.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(PIECE):
            sink.write(piece)
            await sink.drain()
    finally:
        sink.close()


@contextlib.asynccontextmanager
async def relay(target: int) -> AsyncIterator[Relay]:
    """Inside, it is whole, until it is cut."""
    carrying = Relay(target)
    await carrying.mend()
    try:
        yield carrying
    finally:
        carrying.cut()
