"""A test call from a browser, but for the browser: LiveKit's client with a microphone that speaks."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np
import pytest
import soxr
from livekit import api, rtc

from agent.show import TOPIC
from sip.simulate.script import VOICE
from sip.simulate.speech import RATE, Samples, spoken
from tests.e2e.switchboard import Switchboard
from tests.e2e.talk import ANSWER, PATIENCE, QUESTION
from tests.stack import STARTING, Stack
from tests.web.browser import OURS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

MICROPHONE = 48_000
FRAME = MICROPHONE // 50
LOUD = 1000

ORDER = ("detect", "transcribe", "turn", "think", "speak", "play")


@dataclass
class Visitor:
    """In a room: speaks, hears, and is told by the agent."""

    room: rtc.Room = field(default_factory=rtc.Room)
    told: list[dict[str, Any]] = field(default_factory=list)
    loudest: int = 0
    """Of the agent's samples."""
    _source: rtc.AudioSource = field(
        default_factory=lambda: rtc.AudioSource(MICROPHONE, 1, queue_size_ms=200)
    )
    _words: asyncio.Queue[Samples] = field(default_factory=asyncio.Queue)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def talking(self, ticket: dict[str, str]) -> AsyncIterator[None]:
        self.room.on("data_received", self._on_data)
        async with asyncio.TaskGroup() as tasks:

            def on_track(track: rtc.Track, *_: object) -> None:
                running.append(tasks.create_task(self._listen(track)))

            running = [tasks.create_task(self._speak())]
            self.room.on("track_subscribed", on_track)
            try:
                await self.room.connect(ticket["url"], ticket["token"])
                microphone = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
                options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
                await self.room.local_participant.publish_track(microphone, options)
                yield
            finally:
                await self.room.disconnect()
                for each in running:
                    each.cancel()
        await self._source.aclose()

    async def say(self, text: str) -> None:
        sound = soxr.resample(await spoken(text, VOICE), RATE, MICROPHONE)
        self._words.put_nowait(sound.astype(np.int16))

    async def until_turn(self, role: str, words: str = "") -> dict[str, Any]:
        """The first of that role with these words."""
        async with asyncio.timeout(PATIENCE):
            while True:
                turns = (event for event in self.told if event["kind"] == "turn")
                for turn in turns:
                    if turn["role"] == role and words in turn["text"]:
                        return turn
                self._changed.clear()
                await self._changed.wait()

    def _on_data(self, packet: rtc.DataPacket) -> None:
        if packet.topic == TOPIC:
            self.told.append(json.loads(packet.data))
            self._changed.set()

    async def _listen(self, track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track, sample_rate=MICROPHONE, num_channels=1):
            samples = np.frombuffer(event.frame.data, np.int16).astype(int)
            self.loudest = max(self.loudest, int(np.abs(samples).max(initial=0)))

    async def _speak(self) -> None:
        """Silence, but for what is to be said."""
        while True:
            silence = np.zeros(FRAME, np.int16)
            sound = silence if self._words.empty() else self._words.get_nowait()
            for start in range(0, sound.size - FRAME + 1, FRAME):
                frame = sound[start : start + FRAME].tobytes()
                await self._source.capture_frame(rtc.AudioFrame(frame, MICROPHONE, 1, FRAME))


@pytest.fixture
async def page(parley: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    """One of ours, in a browser on this machine."""
    url = f"http://127.0.0.1:{int(parley.environment['PARLEY_PORT_BASE']) + 24}"
    async with aiohttp.ClientSession(url, headers=OURS) as http:

        async def ready() -> bool:
            try:
                async with http.get("/ready") as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectionError:
                return False

        async with asyncio.timeout(STARTING):
            while not await ready():  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.1)
        yield http


async def test_a_browser_asks_is_answered_and_leaves(
    page: aiohttp.ClientSession, parley: Stack, switchboard: Switchboard
) -> None:
    async with page.post("/room/token", json={"persona": "receptionist"}) as answer:
        ticket = await answer.json()
    visitor = Visitor()
    async with visitor.talking(ticket):
        greeting = await visitor.until_turn("assistant")
        assert "whole" not in greeting["parts"]
        await visitor.say(QUESTION)
        reply = await visitor.until_turn("assistant", ANSWER)
        async with page.get("/v1/live") as answer:
            (live,) = (await answer.json())["calls"]
        assert (live["id"], live["direction"]) == (ticket["call_id"], "room")
    assert visitor.loudest > LOUD
    assert reply["parts"].keys() == {*ORDER, "whole"}
    assert (await visitor.until_turn("user"))["text"]
    assert {"kind": "state", "state": "active"}.items() <= visitor.told[0].items()
    await switchboard.until_idle()
    async with parley.livekit() as livekit:
        wanted = api.ListRoomsRequest(names=[ticket["room"]])
        assert not (await livekit.room.list_rooms(wanted)).rooms
    async with page.get(f"/v1/calls/{ticket['call_id']}") as answer:
        call = await answer.json()
    assert (call["direction"], call["test"], call["outcome"]) == ("room", True, "answered")
    assert call["end_reason"] == "caller hung up"


async def test_a_browser_that_comes_back_goes_on_with_its_call(
    page: aiohttp.ClientSession, switchboard: Switchboard
) -> None:
    """As after a lost network: the server has not missed it yet, and lets the old one go."""
    async with page.post("/room/token", json={"persona": "receptionist"}) as answer:
        ticket = await answer.json()
    lost, back = Visitor(), Visitor()
    async with lost.talking(ticket):
        await lost.until_turn("assistant")
        async with back.talking(ticket):
            await back.say(QUESTION)
            await back.until_turn("assistant", ANSWER)
    await switchboard.until_idle()
    async with page.get(f"/v1/calls/{ticket['call_id']}") as answer:
        assert (await answer.json())["end_reason"] == "caller hung up"
