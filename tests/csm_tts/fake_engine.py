"""An engine that says what it is told to, and remembers what it was told: for what no real one does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

from csm_engine.protocol import PATH, AudioDone, AudioStart, SessionDone, SessionReady


class FakeEngine:
    """`say` before the first sentence: it is sent as that sentence's sound, or as it stands.

    `say_done`: every utterance ends after it. `room` is as `/ready` tells it. `mute` takes sockets
    and is never ready on them; `resumed` says that it remembers the conversation.
    """

    def __init__(self) -> None:
        self.url = ""
        self.room = 4
        self.mute = False
        self.resumed = False
        self._done = False
        self._transports: list[asyncio.Transport] = []
        self._to_say: list[bytes | str] = []
        self._messages: list[dict[str, Any]] = []
        self._arrived = asyncio.Condition()

    def say(self, what: bytes | str) -> None:
        self._to_say.append(what)

    def say_done(self) -> None:
        self._done = True

    def drop(self) -> None:
        """Every socket, without a goodbye."""
        for transport in self._transports:
            transport.abort()

    def all(self, type: str) -> list[dict[str, Any]]:
        """Messages of this type that have come by now."""
        return [message for message in self._messages if message["type"] == type]

    async def received(self, type: str) -> dict[str, Any]:
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.all(type))
        return self.all(type)[0]

    async def ready(self, _: web.Request) -> web.Response:
        return web.json_response({"room": self.room})

    async def answer(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        self._transports.append(request.transport)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            told = json.loads(message.data)
            async with self._arrived:
                self._messages.append(told)
                self._arrived.notify_all()
            if told["type"] == "session.config" and not self.mute:
                ready = SessionReady(
                    session_id="fake", model="fake", sample_rate=24_000, resumed=self.resumed
                )
                await socket.send_str(ready.model_dump_json())
            if told["type"] == "session.close":
                await socket.send_str(SessionDone().model_dump_json())
            if told["type"] == "input.text" and told["sentence"] == 0:
                await self._speak(socket, told["utterance"])
        return socket

    async def _speak(self, socket: web.WebSocketResponse, utterance: str) -> None:
        await socket.send_str(AudioStart(utterance=utterance, sentence=0).model_dump_json())
        for what in self._to_say:
            await (socket.send_bytes(what) if isinstance(what, bytes) else socket.send_str(what))
        if self._done:
            done = AudioDone(utterance=utterance, sentence=0, finish_reason="stop", frames=1)
            await socket.send_str(done.model_dump_json())


@asynccontextmanager
async def fake_engine() -> AsyncIterator[FakeEngine]:
    engine = FakeEngine()
    app = web.Application()
    app.router.add_get(PATH, engine.answer)
    app.router.add_get("/ready", engine.ready)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    engine.url = f"http://{host}:{port}"
    try:
        yield engine
    finally:
        await runner.cleanup()
