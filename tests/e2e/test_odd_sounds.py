"""What callers send besides speech in turns: nothing breaks, nothing is made up, the talk goes on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from livekit import api, rtc

from sip.simulate.baresip import Control
from sip.simulate.hearing import levels, spells
from sip.simulate.phone import phone_call
from sip.simulate.script import VOICE
from sip.simulate.speech import RATE, spoken
from sip.simulate.stack import Stack as Line
from tests.e2e import sounds
from tests.e2e.talk import Talk, talking

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SPEECH_WITHOUT_A_PAUSE = (
    "the quick brown fox jumps over the lazy dog and then it runs through the forest down to the "
    "river where it drinks and sleeps until the sun comes up again and the dog is still there "
    "waiting for the fox to come back to play and so they run together all day long until they are "
    "tired and want to go home to eat their dinner and sleep again for the night"
)


SOUNDS = {
    "silence": np.zeros(6 * RATE, dtype=np.int16),
    "hiss": sounds.white_noise(3.0, -20.0),
    "street": sounds.pink_noise(3.0, -25.0),
    "mains": sounds.hum(3.0, -25.0),
    "clatter": sounds.clatter(3.0, -25.0),
    "dtmf": sounds.keypad("0123456789*#", -15.0),
}
LIKE_A_VOICE = frozenset({"dtmf"})
"""To a detector, now and then for more than half a second: the agent then asks what was said."""


@pytest.mark.parametrize(
    "pair", [("silence", "dtmf"), ("hiss", "street"), ("mains", "clatter")], ids="-".join
)
async def test_what_is_no_speech_gives_no_text_and_the_next_question_is_answered(
    line: Line, pair: tuple[str, str]
) -> None:
    """Two callers at once, for they do not disturb each other."""

    async def caller(name: str) -> None:
        async with talking(line) as talk:
            await talk.is_greeted()
            await talk.play(SOUNDS[name])
            await nothing_comes_of_it(talk, may_ask=name in LIKE_A_VOICE)
            await talk.is_answered()

    async with asyncio.TaskGroup() as callers:
        for name in pair:
            callers.create_task(caller(name), name=name)


async def nothing_comes_of_it(talk: Talk, *, may_ask: bool = False) -> None:
    """For longer than the agent takes to answer. `may_ask`: to say that it has not understood."""
    greeted, since = talk.said(), talk.line.now()
    await talk.until(lambda: talk.line.now() >= since + 2.0)
    assert talk.understood() == ""
    assert may_ask or (talk.said() == greeted and (talk.line.ear.last or 0.0) <= since)


async def test_keys_that_are_pressed_are_no_speech(line: Line) -> None:
    """As a telephone sends them: as events (RFC 4733), not as sound."""
    async with talking(line, dial=phone_call) as talk:
        await talk.is_greeted()
        async with keys_of(line, talk.overheard.room or "") as pressed:
            for key in "12#":
                await control(talk).tell("sndcode", key)
            async with asyncio.timeout(5.0):
                assert [await pressed.get() for _ in range(3)] == ["1", "2", "#"]
        await nothing_comes_of_it(talk)
        await talk.is_answered()


def control(talk: Talk) -> Control:
    telephone: Control = talk.line.control  # type: ignore[attr-defined]  # of a telephone's line
    return telephone


@asynccontextmanager
async def keys_of(line: Line, name: str) -> AsyncGenerator[asyncio.Queue[str]]:
    """The keys that the bridge tells the agent's room of, as they come."""
    pressed: asyncio.Queue[str] = asyncio.Queue()
    room = rtc.Room()
    room.on("sip_dtmf_received", lambda event: pressed.put_nowait(event.digit))
    grants = api.VideoGrants(room_join=True, room=name, hidden=True, can_publish=False)
    await room.connect(line.livekit_url, line.token("keys", grants))
    try:
        yield pressed
    finally:
        await room.disconnect()


async def test_twenty_seconds_of_speech_without_a_pause_are_endured(line: Line) -> None:
    speech = await spoken(SPEECH_WITHOUT_A_PAUSE, VOICE)
    assert speech.size >= 20 * RATE
    assert len(spells(levels(speech))) == 1
    async with talking(line) as talk:
        await talk.is_greeted()
        stopped = await talk.play(speech)
        await talk.agent_speaks(after=stopped)
        assert talk.understood() != ""
        await talk.is_answered()
