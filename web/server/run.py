"""Runs the app on a socket until it is cancelled."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

AT_ONCE = 256
"""Connections and requests; one more is answered 503."""


class ListenError(Exception):
    """The server cannot listen; the message names the fix."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are for whoever runs us, who cancels."""
        yield


def open_listener(host: str, port: int) -> socket.socket:
    """Raises `ListenError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ListenError(
            f"the control API cannot listen on {host}:{port} ({why}): set PARLEY_WEB_PORT to a "
            "free port, or PARLEY_WEB_HOST to an address of this machine"
        ) from error


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    leaving: Callable[[], None] = lambda: None,
    pair: tuple[Path, Path] | None = None,
) -> None:
    """Until cancelled; then answers what has been asked, for two seconds at most.

    `leaving` is called first, for what would last longer to be ended. By a `pair` of certificate and key
    it speaks TLS.
    """
    certificate, key = pair or (None, None)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        limit_concurrency=AT_ONCE,
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        leaving()
        server.should_exit = True
        await serving
        raise
    finally:
        listener.close()
