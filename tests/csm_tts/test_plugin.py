"""What the plugin promises beyond the suite: skipping, cancelling, bounds, honest errors."""

import asyncio

import aiohttp
import pytest
from livekit.agents import APIConnectOptions, APIError, APIStatusError
from livekit.plugins import csm_tts

from csm_engine.protocol import FRAME_SECONDS
from tests.conformance.tts import ONCE, MakeTTS, check_events, listen, watch
from tests.csm_tts.conftest import KEY, Engine
from tests.csm_tts.fake_engine import fake_engine
from tests.csm_tts.tone import FRAME

AGAIN = APIConnectOptions(max_retry=1, retry_interval=0.0, timeout=5.0)


class TestSound:
    async def test_arrives_sample_for_sample(self, make_tts: MakeTTS) -> None:
        heard = await listen(make_tts(), "One two three. Four five.")
        assert heard.pcm == FRAME * 5
        assert [(str(text), text.start_time) for text in heard.texts] == [
            ("One two three.", 0.0),
            (" Four five.", pytest.approx(3 * FRAME_SECONDS)),
        ]

    async def test_sentences_are_asked_for_one_by_one(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        await listen(make_tts(), "Sure. ", "Let me ", "see. One moment", ", please.")
        assert engine.model.spoken == ["Sure.", "Let me see.", "One moment, please."]

    async def test_a_text_longer_than_the_wire_allows_is_spoken_whole(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        words = ["word"] * 1_000
        heard = await listen(make_tts(max_lead=1e6), " ".join(words))
        assert heard.seconds == pytest.approx(1_000 * FRAME_SECONDS)
        assert " ".join(engine.model.spoken).split() == words


class TestFailedSentence:
    async def test_is_skipped_and_reported_and_the_next_is_spoken(self, make_tts: MakeTTS) -> None:
        voice = make_tts()
        heard = await listen(voice, "One two. I refuse this. Three four five.")
        check_events(voice, heard)
        assert heard.pcm == FRAME * 5
        assert "".join(heard.texts) == "One two. Three four five."
        assert [error.recoverable for error in heard.errors] == [True]
        assert len(heard.metrics) == 1

    async def test_first_of_all_does_not_stop_the_others(self, make_tts: MakeTTS) -> None:
        heard = await listen(make_tts(), "I refuse this. Three four five.", options=AGAIN)
        assert heard.pcm == FRAME * 3
        assert [error.recoverable for error in heard.errors] == [True]

    async def test_without_sound_counts_as_failed(self, make_tts: MakeTTS) -> None:
        heard = await listen(make_tts(), "This is mute. Three four five.")
        assert "".join(heard.texts) == " Three four five."
        assert [error.recoverable for error in heard.errors] == [True]

    async def test_raises_when_nothing_was_spoken(self, make_tts: MakeTTS, engine: Engine) -> None:
        voice = make_tts()
        heard = watch(voice)
        with pytest.raises(APIError) as raised:
            await listen(voice, "I refuse this. I refuse that.", options=AGAIN, heard=heard)
        assert not raised.value.retryable
        assert engine.model.spoken == ["I refuse this.", "I refuse that."]
        assert heard.errors[-1].recoverable is False
        assert not heard.metrics


class TestCancel:
    async def test_frees_the_engine_before_another_frame(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        stream = make_tts().stream(conn_options=ONCE)
        stream.push_text("Wait, wait for it. And then")
        await anext(stream)
        made = engine.model.made
        await stream.aclose()
        async with asyncio.timeout(5):
            await engine.model.free.wait()
        assert engine.model.made == made

    async def test_leaves_the_socket_to_the_next_utterance_without_stale_sound(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice = make_tts()
        for _ in range(3):
            stream = voice.stream(conn_options=ONCE)
            stream.push_text("This is endless. And then")
            await anext(stream)
            await stream.aclose()
        heard = await listen(voice, "One two three.")
        assert heard.pcm == FRAME * 3
        assert heard.metrics[-1].connection_reused
        assert engine.gate.held == 1

    async def test_tells_how_much_was_taken(self, http: aiohttp.ClientSession) -> None:
        async with fake_engine() as engine:
            voice = csm_tts.TTS(engine.url, http_session=http)
            stream = voice.stream(conn_options=ONCE)
            stream.push_text("One two three. Four")
            engine.say(FRAME * 2)
            first = await anext(stream)
            await stream.aclose()
            async with asyncio.timeout(5):
                cancel = await engine.received("input.cancel")
            await voice.aclose()
        assert cancel["played_ms"] == int(first.frame.duration * 1000)

    async def test_closing_the_tts_hangs_up(self, make_tts: MakeTTS, engine: Engine) -> None:
        voice = make_tts()
        stream = voice.stream(conn_options=ONCE)
        stream.push_text("This is endless. And then")
        await anext(stream)
        await voice.aclose()
        async with asyncio.timeout(5):
            await engine.gate.drain(5)
        assert engine.model.speaking == 0


class TestBounds:
    async def test_an_engine_faster_than_its_listener_stops_and_waits(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        taken = ahead = 0.0
        async with make_tts(max_lead=1.0).stream(conn_options=ONCE) as stream:
            stream.push_text("This is endless. And then")
            for _ in range(400):
                taken += (await anext(stream)).frame.duration
                for _ in range(30):  # the engine is free to make 30 frames meanwhile
                    await asyncio.sleep(0)
                ahead = max(ahead, engine.model.made * FRAME_SECONDS - taken)
        assert engine.model.made > 400
        assert ahead < 60, "what was made and not taken has no bound"

    async def test_a_long_reply_is_not_asked_for_far_ahead_of_its_listener(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        sentence = "One two three four five six seven eight nine ten. "
        async with make_tts(max_lead=0.2).stream(conn_options=ONCE) as stream:
            stream.push_text(sentence * 20)
            stream.end_input()
            await anext(stream)
            for _ in range(2_000):
                await asyncio.sleep(0)
            assert 1 < len(engine.model.spoken) <= 4
            assert len([event async for event in stream]) > 0
        assert len(engine.model.spoken) == 20

    async def test_what_waits_in_the_stream_is_at_most_the_lead(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        stream = make_tts(max_lead=0.5).stream(conn_options=ONCE)
        async with stream:
            stream.push_text("This is endless. And then")
            await anext(stream)
            for _ in range(2_000):
                await asyncio.sleep(0)
            waiting = stream._budget.pushed - stream._budget.taken  # type: ignore[attr-defined]
        assert engine.model.made * FRAME_SECONDS > 2
        assert waiting <= 0.5 + FRAME_SECONDS

    async def test_an_untaken_stream_does_not_stop_another(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice = make_tts(max_lead=0.2)
        async with voice.stream(conn_options=ONCE) as untaken:
            untaken.push_text("This is endless. And then")
            await anext(untaken)
            heard = await listen(voice, "One two three.")
        assert heard.pcm == FRAME * 3


class TestLostEngine:
    async def test_between_utterances_is_not_noticed_by_the_caller(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice = make_tts()
        await listen(voice, "One two three.")
        engine.server.drop()
        heard = await listen(voice, "Four five.", options=AGAIN)
        assert heard.pcm == FRAME * 2

    async def test_before_the_first_sound_is_tried_again(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice = make_tts()
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(listen(voice, "This is slow. Two.", options=AGAIN))
            await engine.model.asked.wait()
            engine.server.drop()
            engine.model.go.set()
        heard = speaking.result()
        assert heard.pcm == FRAME * 4
        assert [error.recoverable for error in heard.errors] == [True]

    async def test_refuses_without_the_key_and_says_so(self, make_tts: MakeTTS) -> None:
        with pytest.raises(APIStatusError, match="key") as raised:
            await listen(make_tts(key="wrong"), "One.", options=AGAIN)
        assert raised.value.status_code == 401
        assert not raised.value.retryable

    async def test_that_is_full_may_be_tried_again(self, make_tts: MakeTTS, engine: Engine) -> None:
        with engine.gate.session(), engine.gate.session(), engine.gate.session():
            await listen(make_tts(), "One.")
            with pytest.raises(APIStatusError) as raised:
                await listen(make_tts(), "One.")
        assert raised.value.status_code == 503
        assert raised.value.retryable

    async def test_without_the_voice_is_not_asked_again(self, make_tts: MakeTTS) -> None:
        voice = make_tts(voice="nobody")
        heard = watch(voice)
        with pytest.raises(APIError, match="nobody") as raised:
            await listen(voice, "One.", options=AGAIN, heard=heard)
        assert not raised.value.retryable
        assert len(heard.errors) == 1

    async def test_with_another_protocol_is_not_asked_again(
        self, http: aiohttp.ClientSession
    ) -> None:
        async with fake_engine() as engine:
            voice = csm_tts.TTS(engine.url, http_session=http)
            engine.say('{"type": "something.else"}')
            with pytest.raises(APIError, match="protocol") as raised:
                await listen(voice, "One.", options=AGAIN)
            await voice.aclose()
        assert not raised.value.retryable

    async def test_outside_a_job_asks_for_a_session(self, url: str) -> None:
        voice = csm_tts.TTS(url, key=KEY)
        with pytest.raises(APIError, match="session") as raised:
            await listen(voice, "One.", options=AGAIN)
        assert not raised.value.retryable
        await voice.aclose()
