"""The smallest service: a socket that sends back what it gets. `python -m tests.serving.echo PORT`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter
from starlette.websockets import WebSocket

from parley_serving import (
    Gate,
    ListenSettings,
    PeerGoneError,
    RefusedError,
    Service,
    Socket,
    build_app,
    serve,
)

LIMIT = 1_000
PATH = "/echo"


class Say(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    type: Literal["say"] = "say"
    text: str = ""


class Error(BaseModel):
    type: Literal["error"] = "error"
    code: str
    message: str


messages: TypeAdapter[Say] = TypeAdapter(Say)


class Echo:
    """`started` and `freed` tell what became of the model; `broken` may be set to a reason."""

    def __init__(self, *, limit: int = 4, key: str | None = None, stall: float = 5.0) -> None:
        self.gate = Gate(limit)
        self.started = asyncio.Event()
        self.freed = asyncio.Event()
        self.broken: str | None = None
        self._stall = stall
        self.service: Service = Service(
            name="echo",
            model="echo-1",
            gate=self.gate,
            start=self._start,
            socket_path=PATH,
            session=self._session,
            key=SecretStr(key) if key else None,
            broken=lambda: self.broken,
        )

    @asynccontextmanager
    async def _start(self) -> AsyncIterator[None]:
        self.started.set()
        try:
            yield
        finally:
            self.freed.set()

    async def _session(self, websocket: WebSocket) -> None:
        socket = Socket(websocket, messages, LIMIT, stall=self._stall)
        try:
            while True:
                got = await socket.receive()
                if isinstance(got, bytes):
                    await socket.send_audio(got)
                else:
                    await socket.send(got)
        except PeerGoneError:
            return
        except RefusedError as error:
            await socket.send(Error(code=error.code, message=str(error)))
            await socket.close(1008)


if __name__ == "__main__":
    echo = Echo()
    listen = ListenSettings(port=int(sys.argv[1]), drain=10.0)
    serve(build_app(echo.service), echo.gate, listen, max_message=LIMIT)
