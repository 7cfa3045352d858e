"""An engine of the wire that repeats exactly which frames it was told, so that none can be lost or
doubled unnoticed.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web
from livekit import rtc
from pydantic import BaseModel

from whisper_engine.protocol import (
    PATH,
    SAMPLE_RATE,
    End,
    Ended,
    Final,
    Flush,
    Interim,
    Ready,
    SpeechEnded,
    SpeechStarted,
    Start,
    client_message,
)

FRAME = SAMPLE_RATE // 100
"""Samples: 10 ms."""


def numbered(*numbers: int) -> Iterator[rtc.AudioFrame]:
    """Frames of 10 ms, each the same number all through."""
    for number in numbers:
        pcm = np.full(FRAME, number, "<i2").tobytes()
        yield rtc.AudioFrame(pcm, SAMPLE_RATE, 1, FRAME)


def words(*numbers: int) -> str:
    """What the engine says of whole frames, each told once."""
    return " ".join(map(str, numbers))


class FakeEngine:
    """Counts what it is asked. A test changes its mind while it runs.

    Args:
        room: as `/ready` tells it, less the calls held; 0 answers 503.
        refusal: HTTP status with which sockets are refused.
        mute: takes sockets and says nothing on them.
        answers: whether flushes get a final.
        language: of what it hears.
        starts: with what sockets were opened; `started` waits for the next.
        speech: whether it says that speech began with the first sound, and ended with the flush.
    """

    def __init__(self, room: int = 4) -> None:
        self.room = room
        self.refusal: int | None = None
        self.mute = False
        self.answers = True
        self.language = "en"
        self.speech = False
        self.url = ""
        self.starts: list[Start] = []
        self.started: asyncio.Queue[Start] = asyncio.Queue()
        self.heard = bytearray()
        self._held: list[asyncio.Transport] = []

    def lose(self) -> None:
        """Every socket, without a goodbye."""
        for transport in self._held:
            transport.abort()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ready", self._ready)
        app.router.add_get(PATH, self._listen)
        return app

    async def _ready(self, _: web.Request) -> web.Response:
        room = self.room - len(self._held)
        return web.json_response({"ready": room > 0, "room": room}, status=200 if room else 503)

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        if self.refusal is not None:
            return web.Response(status=self.refusal)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        self._held.append(transport)
        try:
            await _Conversation(self, socket).run()
        except ConnectionError:
            pass  # it was lost on purpose
        finally:
            self._held.remove(transport)
        return socket


class _Conversation:
    def __init__(self, engine: FakeEngine, socket: web.WebSocketResponse) -> None:
        self._engine = engine
        self._socket = socket
        self._told = 0
        self._pcm = bytearray()
        self._speaking = False

    async def run(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                await self._hear(message.data)
            else:
                await self._obey(message.data)

    async def _hear(self, pcm: bytes) -> None:
        self._engine.heard += pcm
        self._pcm += pcm
        if self._engine.speech and not self._speaking:
            self._speaking = True
            await self._send(SpeechStarted(at=self._told / SAMPLE_RATE))
        self._told += len(pcm) // 2
        await self._send(Interim(text=self._text(), **self._times()))

    async def _obey(self, text: str) -> None:
        match client_message.validate_json(text):
            case Start() as start:
                self._engine.starts.append(start)
                self._engine.started.put_nowait(start)
                if not self._engine.mute:
                    await self._send(Ready(session_id=self._engine.url, model="fake"))
            case Flush(id=id) if self._engine.answers:
                if self._speaking:
                    self._speaking = False
                    await self._send(SpeechEnded(at=self._told / SAMPLE_RATE))
                await self._final(id)
            case End():
                if self._pcm:
                    await self._final(None)
                await self._send(Ended(audio_seconds=self._told / SAMPLE_RATE))
                await self._socket.close()

    async def _final(self, id: str | None) -> None:
        await self._send(Final(id=id, text=self._text(), **self._times()))
        self._pcm.clear()

    def _text(self) -> str:
        """The number of each frame; and its length where that is not a frame's."""
        runs = [(v, len(list(run))) for v, run in groupby(np.frombuffer(self._pcm, "<i2").tolist())]
        return " ".join(f"{v}" if length == FRAME else f"{v}*{length}" for v, length in runs)

    def _times(self) -> dict[str, Any]:
        end = self._told / SAMPLE_RATE
        start = end - len(self._pcm) / 2 / SAMPLE_RATE
        return {"start": start, "end": end, "language": self._engine.language, "confidence": 0.9}

    async def _send(self, message: BaseModel) -> None:
        await self._socket.send_str(message.model_dump_json())


@asynccontextmanager
async def serving(*engines: FakeEngine) -> AsyncIterator[list[str]]:
    """The engines behind sockets of their own, and their addresses."""
    runners: list[web.AppRunner] = []
    try:
        for engine in engines:
            runner = web.AppRunner(engine.app(), shutdown_timeout=0.1)
            runners.append(runner)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            engine.url = f"http://{host}:{port}"
        yield [engine.url for engine in engines]
    finally:
        for engine, runner in zip(engines, runners, strict=False):
            engine.lose()
            await runner.cleanup()
