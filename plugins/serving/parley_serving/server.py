"""Runs an engine's app by itself, and stops it without cutting off who is speaking."""

import asyncio
import logging
import signal
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from parley_serving.gate import Gate
from parley_serving.settings import ListenSettings


def serve(app: Starlette, gate: Gate, listen: ListenSettings, *, max_message: int) -> None:
    """Serve until SIGTERM or SIGINT; then take nothing new and wait for what is held.

    A second signal stops at once. `max_message` bounds a socket message, in bytes: the transport
    closes a socket that sends more than twice that; below, the session answers with an `error`.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    config = uvicorn.Config(
        app,
        host=listen.host,
        port=listen.port,
        log_level="warning",
        lifespan="on",
        ws_max_size=2 * max_message,
        ws_max_queue=64,
        timeout_graceful_shutdown=2,
    )
    server = _DrainingServer(config, gate, listen.drain)
    server.run()
    if not server.started:
        raise SystemExit(1)


class _DrainingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, gate: Gate, drain: float) -> None:
        super().__init__(config)
        self._gate = gate
        self._drain = drain
        self._draining: asyncio.Task[None] | None = None

    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        # uvicorn sets handlers by signal.signal; the loop's own wake it at once.
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.handle_exit, number, None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._draining:
            self.force_exit = True
            self.should_exit = True
            return
        self._draining = asyncio.get_running_loop().create_task(self._stop())

    async def _stop(self) -> None:
        await self._gate.drain(self._drain)
        self.should_exit = True
