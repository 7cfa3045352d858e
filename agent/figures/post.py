"""From a call's process to the worker's: figures in datagrams on loopback, under a key."""

import asyncio
import hmac
import json
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

logger = logging.getLogger(__name__)

VARIABLE = "WORKER_FIGURES"
"""By which a call's process, which inherits it, finds the worker: `PORT KEY`."""

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Figure:
    """One more of the metric `name`, or so much."""

    name: str
    value: float = 1.0
    labels: Mapping[str, str] = field(default_factory=dict)


class Sink(Protocol):
    """Neither waits."""

    def send(self, figures: Iterable[Figure]) -> None: ...
    def close(self) -> None: ...


class Post:
    """Sends, and never waits: what does not fit into the worker's buffer (thousands) is lost."""

    def __init__(self, port: int, key: str) -> None:
        self._to = (LOOPBACK, port)
        self._key = key
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    @classmethod
    def of_worker(cls, environment: Mapping[str, str] = os.environ) -> Self | None:
        """To whom this process belongs; None where nobody counts: a console."""
        port, _, key = environment.get(VARIABLE, "").partition(" ")
        return cls(int(port), key) if key else None

    def send(self, figures: Iterable[Figure]) -> None:
        body = {"key": self._key, "figures": [asdict(figure) for figure in figures]}
        with suppress(OSError):
            self._socket.sendto(json.dumps(body).encode(), self._to)

    def close(self) -> None:
        self._socket.close()


@asynccontextmanager
async def receiving(take: Callable[[Figure], None]) -> AsyncIterator[str]:
    """Inside, figures that carry the key come to `take`; yields what `VARIABLE` is to be.

    `take` raises ValueError for a figure that it does not know.
    """
    key = secrets.token_hex(16)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Letterbox(key, take), local_addr=(LOOPBACK, 0)
    )
    try:
        yield f"{transport.get_extra_info('sockname')[1]} {key}"
    finally:
        transport.close()


class _Letterbox(asyncio.DatagramProtocol):
    def __init__(self, key: str, take: Callable[[Figure], None]) -> None:
        self._key = key.encode()
        self._take = take

    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            for figure in _opened(data, self._key):
                self._take(figure)
        except (ValueError, KeyError, TypeError) as error:
            # Whoever can send to loopback may send anything.
            logger.debug("a figure was not taken", extra={"why": type(error).__name__})


def _opened(data: bytes, key: bytes) -> list[Figure]:
    """Raises ValueError, KeyError or TypeError for what no call of ours sent."""
    body = json.loads(data)
    if not hmac.compare_digest(str(body["key"]).encode(), key):
        raise ValueError("another key")
    return [
        Figure(str(each["name"]), float(each["value"]), dict(each["labels"]))
        for each in body["figures"]
    ]
