"""An engine's app behind a real socket, on the test's own event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

from starlette.applications import Starlette

from parley_serving import ListenSettings
from parley_serving.server import EngineServer, make_config, open_listener

START_SECONDS = 10.0


class Running(EngineServer):
    """`url` is where it listens; it does so until `stop` is set."""

    def __init__(
        self, app: Starlette, *, max_message: int, listen: ListenSettings | None = None
    ) -> None:
        super().__init__(make_config(app, max_message=max_message, listen=listen))
        self._socket = open_listener("127.0.0.1", 0)
        self.address: tuple[str, int] = self._socket.getsockname()
        scheme = "https" if listen and listen.certificate else "http"
        self.url = "{}://{}:{}".format(scheme, *self.address)
        self.up = asyncio.Event()
        self.stop = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the test runner keeps its own

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def run_here(self) -> None:
        await self.serve(sockets=[self._socket])

    async def main_loop(self) -> None:
        await self.stop.wait()

    def drop(self) -> None:
        """Cut every connection and go on listening: what a client sees of a quick restart."""
        for connection in list(self.server_state.connections):
            assert connection.transport is not None
            connection.transport.abort()


@contextlib.asynccontextmanager
async def running(
    app: Starlette, *, max_message: int = 64 * 1024, listen: ListenSettings | None = None
) -> AsyncIterator[Running]:
    """Serve `app` until the block ends; by TLS, if `listen` has a certificate."""
    server = Running(app, max_message=max_message, listen=listen)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run_here())
        async with asyncio.timeout(START_SECONDS):
            await server.up.wait()
        try:
            yield server
        finally:
            server.stop.set()
