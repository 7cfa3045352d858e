"""Runs an engine's app by itself, and stops it without cutting off who is speaking."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parley_serving.gate import Gate
from parley_serving.settings import ListenSettings

SEND_BUFFER = 64 * 1024
"""Bytes the kernel may hold of a socket, about a second of speech: past them the sender waits."""
UNREAD_SECONDS = 60
"""After which the kernel drops a connection whose client takes no bytes at all (Linux)."""


def serve(app: Starlette, gate: Gate, listen: ListenSettings, *, max_message: int) -> None:
    """Serve until SIGTERM or SIGINT; then take nothing new and wait for what is held.

    A second signal stops at once. Ends the process with one sentence when the address is taken or
    the model raises StartError.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        listener = open_listener(listen.host, listen.port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        sys.stderr.write(f"cannot listen on {listen.host}:{listen.port}: {reason}\n")
        raise SystemExit(1) from None
    config = make_config(_PlainlyStarted(app), max_message=max_message, listen=listen)
    try:
        config.load()
    except OSError as error:  # a wrong key is an SSLError, which is one
        why = getattr(error, "reason", None) or error.strerror
        sys.stderr.write(f"cannot use {listen.certificate} with {listen.private_key}: {why}\n")
        raise SystemExit(2) from None
    server = _DrainingServer(config, gate, listen.drain)
    with contextlib.suppress(SystemExit):  # uvicorn's, when the app does not start
        server.run(sockets=[listener])
    if hasattr(app.state, "cannot_start"):
        raise SystemExit(2)  # as for a bad setting: trying again will not help
    if not server.started:
        raise SystemExit(1)


def make_config(
    app: ASGIApp, *, max_message: int, listen: ListenSettings | None = None
) -> uvicorn.Config:
    """`max_message` bounds a socket message, in bytes: the transport closes a socket that sends more
    than twice that; below, the session answers with an `error`. `listen` says whether TLS is spoken.
    """
    return uvicorn.Config(
        app,
        log_level="warning",
        lifespan="on",
        loop="asyncio",  # not what happens to be installed
        http="h11",
        ws_max_size=2 * max_message,
        timeout_graceful_shutdown=2,
        ssl_certfile=listen.certificate if listen else None,
        ssl_keyfile=listen.private_key if listen else None,
    )


def open_listener(host: str, port: int) -> socket.socket:
    """A listening socket whose connections hold little: back-pressure starts early. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    # asyncio does it only for sockets that name their protocol: a second small message would wait
    # 40 ms for the client's acknowledgement of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":
        timeout = UNREAD_SECONDS * 1000
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout)
    return listener


class _PlainlyStarted:
    """Why an engine cannot start is said in one sentence, not by a traceback."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def plainly(message: Message) -> None:
            reason = getattr(self._app.state, "cannot_start", None)
            if reason and message["type"] == "lifespan.startup.failed":
                message = {**message, "message": f"cannot start: {reason}"}
            await send(message)

        await self._app(scope, receive, plainly if scope["type"] == "lifespan" else send)


class EngineServer(uvicorn.Server):
    """Shuts down although a client has said goodbye and not read what was still on its way."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn says goodbye to such a connection a second time, which raises.
        for connection in list(self.server_state.connections):
            if connection.transport is not None and connection.transport.is_closing():
                connection.transport.abort()
        await asyncio.sleep(0)  # the loop calls connection_lost
        await super().shutdown(sockets)


class _DrainingServer(EngineServer):
    def __init__(self, config: uvicorn.Config, gate: Gate, drain: float) -> None:
        super().__init__(config)
        self._gate = gate
        self._drain = drain
        self._draining: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
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
