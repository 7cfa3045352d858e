"""What an engine is told of the conversation beside the sentences, and after it was lost."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from livekit.agents import APIConnectOptions
from livekit.plugins import csm_tts
from livekit.plugins.csm_tts.outbox import MOST_MESSAGES

from tests.conformance.tts import ONCE, MakeTTS, listen
from tests.csm_tts.conftest import Engine
from tests.csm_tts.fake_engine import FakeEngine, fake_engine
from tests.csm_tts.tone import FRAME
from tests.csm_tts.waiting import until

AGAIN = APIConnectOptions(max_retry=1, retry_interval=0.0, timeout=5.0)


def appended(engine: Engine) -> list[tuple[object, ...]]:
    return [told[1:] for told in engine.model.told if told[0] == "append"]


def cuts(engine: Engine) -> list[float]:
    return [told[2] for told in engine.model.told if told[0] == "cut"]  # type: ignore[misc]


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    async with fake_engine() as engine:
        yield engine


class TestTurns:
    @pytest.mark.parametrize("remembers", ["texts", "sounds"])
    async def test_the_caller_s_words_come_before_the_reply(
        self, make_tts: MakeTTS, engine: Engine, remembers: str
    ) -> None:
        voice: Any = make_tts(remembers=remembers)
        await listen(voice, "Good day.")
        voice.heard("Are you open?")
        voice.heard("  ")
        await listen(voice, "We are.")
        assert appended(engine) == [("caller", "Are you open?")]

    @pytest.mark.parametrize("remembers", ["nothing", "agent"])
    async def test_are_kept_from_an_engine_that_is_not_to_know_them(
        self, make_tts: MakeTTS, engine: Engine, remembers: str
    ) -> None:
        voice: Any = make_tts(remembers=remembers)
        voice.heard("Are you open?")
        await listen(voice, "We are.")
        assert appended(engine) == []

    async def test_before_the_first_socket_are_told_to_it(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice: Any = make_tts(remembers="texts")
        voice.heard("Hello?")
        await listen(voice, "Good day.")
        assert appended(engine) == [("caller", "Hello?")]

    async def test_what_is_said_beside_the_conversation_is_told_to_it(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice: Any = make_tts(max_lead=0.2)
        async with voice.stream(conn_options=ONCE) as untaken:
            untaken.push_text("This is endless. And then")
            await anext(untaken)
            await listen(voice, "One two three.")
            assert appended(engine) == [("agent", "This is endless.")], "told to the other socket"
        await until(lambda: len(appended(engine)) == 2)
        assert appended(engine)[-1] == ("agent", "One two three.")

    def test_what_nobody_can_remember_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"remembers='all' .*'sounds'"):
            csm_tts.TTS("http://127.0.0.1:1", remembers="all")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="language"):
            csm_tts.TTS("http://127.0.0.1:1", language="")

    async def test_closing_ends_the_conversation_for_the_engine_too(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice: Any = make_tts()
        await listen(voice, "Good day.")
        await voice.aclose()
        await until(lambda: ("close",) in engine.model.told)


class TestInterrupted:
    async def test_tells_what_was_heard_of_a_reply_that_was_made_whole(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice: Any = make_tts()
        await listen(voice, "One two three. Four five six.")
        voice.interrupted(0.1)
        await until(lambda: cuts(engine) == [0.1])

    async def test_counts_over_all_streams_of_the_reply_and_no_others(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice: Any = make_tts()
        await listen(voice, "Good day to you.")
        voice.heard("Hello.")
        for _ in range(3):
            await listen(voice, "One two three.")
        voice.interrupted(0.3)
        await until(lambda: len(cuts(engine)) == 2)
        assert cuts(engine) == [pytest.approx(0.06, abs=0.001), 0.0]

    async def test_bounds_the_cancel_of_a_stream_that_is_closed_after_it(
        self, fake: FakeEngine, http: aiohttp.ClientSession
    ) -> None:
        async with csm_tts.TTS(fake.url, http_session=http) as voice:
            fake.say(FRAME * 4)
            stream = voice.stream(conn_options=ONCE)
            stream.push_text("One two three. Four")
            await anext(stream)
            voice.interrupted(0.05)
            await stream.aclose()
            played = [message["played_ms"] for message in fake.all("input.cancel")]
        assert set(played) == {50}


class TestLost:
    async def test_for_a_moment_is_resumed_and_told_what_it_missed(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice: Any = make_tts(remembers="texts")
        await listen(voice, "Good day.")
        engine.server.drop()
        await until(lambda: engine.gate.held == 0)
        voice.heard("Are you open?")
        await listen(voice, "We are.", options=AGAIN)
        assert appended(engine) == [("caller", "Are you open?")]
        assert ("close",) not in engine.model.told

    async def test_for_good_tells_the_next_what_was_said(
        self, fake: FakeEngine, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice: Any = make_tts(remembers="texts", url=[engine.url, fake.url])
        fake.room = 1
        await listen(voice, "Good day. This is the inn.")
        voice.heard("Are you open?")
        engine.server.stop.set()
        engine.server.drop()
        fake.say(FRAME)
        fake.say_done()
        await listen(voice, "We are.", options=AGAIN)
        told = fake.all("context.append")
        assert [(turn["speaker"], turn["text"]) for turn in told] == [
            ("agent", "Good day. This is the inn."),
            ("caller", "Are you open?"),
        ]

    async def test_keeps_the_name_of_the_conversation(
        self, fake: FakeEngine, http: aiohttp.ClientSession
    ) -> None:
        fake.say(FRAME)
        fake.say_done()
        async with csm_tts.TTS(fake.url, http_session=http) as voice:
            await listen(voice, "One.")
            fake.drop()
            await listen(voice, "Two.", options=AGAIN)
            names = [config["session_id"] for config in fake.all("session.config")]
        async with csm_tts.TTS(fake.url, http_session=http) as other:
            await listen(other, "One.")
        assert len(names) == 2
        assert len(set(names)) == 1
        assert fake.all("session.config")[-1]["session_id"] not in names

    async def test_in_a_sentence_tells_an_engine_that_knows_it_how_much_has_come(
        self, fake: FakeEngine, http: aiohttp.ClientSession
    ) -> None:
        fake.resumed = True
        fake.say(FRAME)
        async with csm_tts.TTS(fake.url, http_session=http) as voice:
            async with voice.stream(conn_options=AGAIN) as stream:
                stream.push_text("One two. Three.")
                stream.end_input()
                await anext(stream)
                fake.drop()
                fake.say_done()
                assert [event async for event in stream]
            utterances = [text["utterance"] for text in fake.all("input.text")]
            (cancel,) = fake.all("input.cancel")
        assert cancel["utterance"] == utterances[0] != utterances[-1]
        assert cancel["played_ms"] == 80

    async def test_a_socket_beside_the_conversation_has_no_part_in_its_name(
        self, fake: FakeEngine, http: aiohttp.ClientSession
    ) -> None:
        fake.say(FRAME)
        fake.say_done()
        async with csm_tts.TTS(fake.url, http_session=http) as voice:
            async with voice.stream(conn_options=ONCE) as unfinished:
                unfinished.push_text("One. And")
                await anext(unfinished)
                await listen(voice, "Two.")
            first, second = (config.get("session_id") for config in fake.all("session.config"))
        assert first
        assert second is None

    async def test_turns_that_wait_too_long_are_forgotten_the_oldest_first(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice: Any = make_tts(remembers="texts")
        await listen(voice, "Good day.")
        engine.server.drop()
        await until(lambda: engine.gate.held == 0)
        for number in range(MOST_MESSAGES + 3):
            voice.heard(str(number))
        await listen(voice, "Yes?", options=AGAIN)
        assert appended(engine) == [("caller", str(3 + number)) for number in range(MOST_MESSAGES)]
