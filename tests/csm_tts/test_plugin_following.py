"""`follow`: what an engine learns of a session, on virtual time and over a real socket."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

import pytest
from livekit import rtc
from livekit.agents import Agent, ModelSettings

from csm_engine.protocol import FRAME_SECONDS, SAMPLE_RATE
from tests.csm_tts.followed import LONG, scene
from tests.fakes.models import Listener
from tests.fakes.virtual_time import on_virtual_time


class Narrow(Listener):
    """Takes another rate than ours, so that LiveKit resamples what it gets."""

    @property
    def sample_rate(self) -> int:
        return 16_000


class Closed(Listener):
    """Takes nothing."""

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await asyncio.Event().wait()


class Opening(Agent):
    """A second of silence before its words, and each sentence in a stream of its own."""

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncGenerator[rtc.AudioFrame]:
        yield rtc.AudioFrame(bytes(2 * SAMPLE_RATE), SAMPLE_RATE, 1, SAMPLE_RATE)
        whole = "".join([piece async for piece in text])
        for sentence in whole.split(". "):
            async for frame in Agent.default.tts_node(self, _once(sentence), model_settings):
                yield frame


async def _once(text: str) -> AsyncIterator[str]:
    yield text


@on_virtual_time
async def test_an_engine_that_had_made_it_all_learns_how_much_was_heard() -> None:
    async with scene(max_lead=1e6) as talk:
        await talk.interrupt_after(1.0)
        assert talk.model.made == 50
        (cut,) = set(talk.told("cut"))
        assert cut[1] == pytest.approx(1.0, abs=0.1)


@on_virtual_time
async def test_an_engine_that_is_still_speaking_stops_and_learns_it_too() -> None:
    async with scene(max_lead=1e6) as talk:
        await talk.interrupt_after(1.0, "one " * 24 + "end. Now wait, wait.")
        assert talk.model.spoken[-1] == "Now wait, wait."
        assert talk.model.speaking == 0
        for _, played in talk.told("cut"):
            assert played == pytest.approx(1.0, abs=0.1), "what was taken was not heard yet"


@on_virtual_time
async def test_silence_before_the_words_and_other_streams_do_not_count() -> None:
    async with scene(Opening(instructions=""), max_lead=1e6) as talk:
        await talk.interrupt_after(1.0 + 25 * FRAME_SECONDS + 0.5)
        (cut,) = set(talk.told("cut"))
        assert cut[1] == pytest.approx(0.5, abs=0.1)
        await talk.interrupt_after(1.0 + 0.5)
        first, second = talk.told("cut")[1:]
        assert (first[1], second[1]) == (pytest.approx(0.5, abs=0.1), 0.0)


@on_virtual_time
async def test_of_a_speech_that_no_output_took_nothing_was_heard() -> None:
    async with scene(listener=Closed(), max_lead=1e6) as talk:
        speech = talk.session.say(LONG)
        await asyncio.sleep(1)
        await talk.session.interrupt()
        await speech
        await asyncio.sleep(1)
        assert talk.model.made == 50
        assert [played for _, played in talk.told("cut")] == [0.0]


@on_virtual_time
async def test_sound_that_is_not_ours_is_not_told() -> None:
    async def tune() -> AsyncIterator[rtc.AudioFrame]:
        for _ in range(40):
            yield rtc.AudioFrame(bytes(4_800), SAMPLE_RATE, 1, 2_400)

    async with scene() as talk:
        await talk.session.say("One two three.")
        speech = talk.session.say("A tune.", audio=tune())
        await asyncio.sleep(1)
        await talk.session.interrupt()
        await speech
        await asyncio.sleep(1)
        assert not talk.told("cut")


@on_virtual_time
async def test_a_speech_that_was_heard_whole_is_not_cut() -> None:
    async with scene() as talk:
        await talk.session.say("One two three. Four five six.")
        await asyncio.sleep(1)
        assert not talk.told("cut")


@on_virtual_time
async def test_the_caller_s_turns_are_told_and_ours_are_not() -> None:
    async with scene(remembers="texts") as talk:
        await talk.session.say("Good day.")
        await talk.session.generate_reply(user_input="Are you open?")
        await asyncio.sleep(1)
        assert talk.told("append") == [("caller", "Are you open?")]
        assert talk.model.spoken == ["Good day.", "We are."]


@on_virtual_time
async def test_an_output_of_another_rate_is_followed_all_the_same() -> None:
    async with scene(listener=Narrow(), max_lead=1e6) as talk:
        await talk.session.say("One two three.")
        await talk.interrupt_after(1.0)
        (cut,) = set(talk.told("cut"))
        assert cut[1] == pytest.approx(1.0, abs=0.1)
