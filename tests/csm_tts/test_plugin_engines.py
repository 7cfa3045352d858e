"""Several engines, and those that are lost: a conversation goes on, and says no word twice."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
)
from livekit.plugins import csm_tts
from livekit.plugins.csm_tts.choice import Seen, by_room

from tests.conformance.tts import ONCE, MakeTTS, deaf_server, listen, watch
from tests.csm_tts.conftest import KEY, Engine, app_of
from tests.csm_tts.fake_engine import fake_engine
from tests.csm_tts.tone import FRAME, Tone
from tests.serving.running import running

AGAIN = APIConnectOptions(max_retry=1, retry_interval=0.0, timeout=5.0)


@dataclass(frozen=True)
class Two:
    """`engine` is as others have it; `other` has less room while nobody calls."""

    engine: Engine
    other: Engine
    http: aiohttp.ClientSession

    def voice(self, **options: Any) -> csm_tts.TTS:
        urls = [self.other.url, self.engine.url]
        return csm_tts.TTS(**{"url": urls, "key": KEY, "http_session": self.http, **options})


@pytest.fixture
async def two(engine: Engine, http: aiohttp.ClientSession) -> AsyncIterator[Two]:
    model = Tone()
    app, gate = app_of(model)
    async with running(app) as server:
        model.forget()
        with gate.session():
            yield Two(engine, Engine(model, gate, server), http)


@pytest.mark.parametrize(
    ("seen", "order"),
    [
        ([Seen("a", 1), Seen("b", 5)], "ba"),
        ([Seen("a", 0), Seen("b", 1), Seen("c", None)], "bac"),
        ([Seen("a", 9, failed=True), Seen("b", 1)], "ba"),
        ([Seen("a", 0), Seen("b", 1, failed=True)], "ba"),
        ([Seen("a", 3), Seen("b", 3)], "ab"),
    ],
)
def test_engines_are_tried_by_their_room(seen: list[Seen], order: str) -> None:
    assert "".join(by_room(seen)) == order


class TestSeveral:
    async def test_a_conversation_goes_to_the_engine_with_most_room_and_stays(
        self, two: Two
    ) -> None:
        async with two.voice() as voice:
            await listen(voice, "One two.")
            with two.engine.gate.session(), two.engine.gate.session():
                two.engine.server.drop()
                await listen(voice, "Three four.", options=AGAIN)
        assert two.engine.model.spoken == ["One two.", "Three four."]
        assert not two.other.model.spoken

    async def test_one_that_is_full_is_passed_over(self, two: Two) -> None:
        async with AsyncExitStack() as full:
            for _ in range(4):
                full.enter_context(two.engine.gate.session())
            async with two.voice() as voice:
                heard = await listen(voice, "One two.")
        assert heard.pcm == FRAME * 2
        assert not heard.errors
        assert two.other.model.spoken == ["One two."]

    async def test_one_that_takes_a_call_and_says_nothing_leaves_time_for_the_next(
        self, two: Two
    ) -> None:
        options = APIConnectOptions(max_retry=0, timeout=1.0)
        async with fake_engine() as mute, two.voice(url=[mute.url, two.engine.url]) as voice:
            mute.room, mute.mute = 9, True
            heard = await listen(voice, "One two.", options=options)
            assert mute.all("session.config")
        assert heard.pcm == FRAME * 2

    async def test_one_that_does_not_say_how_much_room_it_has_is_passed_over(
        self, two: Two
    ) -> None:
        async with deaf_server() as deaf, two.voice(url=[deaf, two.engine.url]) as voice:
            assert (await listen(voice, "One two.")).pcm == FRAME * 2

    async def test_all_away_is_a_connection_error(self, http: aiohttp.ClientSession) -> None:
        async with deaf_server() as one, deaf_server() as other:
            pass
        async with csm_tts.TTS([one, other], http_session=http) as voice:
            heard = watch(voice)
            with pytest.raises(APIConnectionError):
                await listen(voice, "One.", options=AGAIN, heard=heard)
        assert [error.recoverable for error in heard.errors] == [True, False]

    async def test_an_error_that_may_pass_counts_more_than_one_that_does_not(
        self, two: Two
    ) -> None:
        async with deaf_server() as gone:
            pass
        async with two.voice(url=[gone, two.engine.url], key="wrong") as voice:
            with pytest.raises(APIError) as raised:
                await listen(voice, "One.")
        assert raised.value.retryable

    @pytest.mark.parametrize("url", [[], "127.0.0.1:8102", ["http://127.0.0.1:1", "ws://host"]])
    def test_what_is_no_address_is_refused(self, url: Any) -> None:
        with pytest.raises(ValueError, match="engine"):
            csm_tts.TTS(url)


class TestLostInASpeech:
    async def test_what_has_not_sounded_is_said_by_the_next_and_nothing_twice(
        self, two: Two
    ) -> None:
        async with two.voice() as voice:
            heard = watch(voice)
            stream = voice.stream(conn_options=AGAIN)
            stream.push_text("Wait, wait for it. Three four five. Six")
            heard.events.append(await anext(stream))
            two.engine.server.stop.set()
            two.engine.server.drop()
            stream.push_text(" seven.")
            stream.end_input()
            heard.events += [event async for event in stream]
            await stream.aclose()
        assert two.engine.model.spoken == ["Wait, wait for it."]
        assert two.other.model.spoken == ["Three four five.", "Six seven."]
        assert "".join(heard.texts) == "Wait, wait for it. Three four five. Six seven."
        assert heard.pcm.endswith(FRAME * 5)
        assert len(heard.pcm) < len(FRAME) * (4 + 5)
        assert [error.recoverable for error in heard.errors] == [True]
        assert len(heard.metrics) == 1

    async def test_goes_on_with_the_same_engine_if_it_is_back(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice = make_tts()
        async with voice.stream(conn_options=AGAIN) as stream:
            stream.push_text("Wait, wait for it. Three four five.")
            stream.end_input()
            await anext(stream)
            engine.server.drop()
            assert [event async for event in stream][-1].is_final
        assert engine.model.spoken == ["Wait, wait for it.", "Three four five."]

    async def test_is_an_error_that_is_not_retried_where_none_was_asked_for(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice = make_tts()
        heard = watch(voice)
        stream = voice.stream(conn_options=ONCE)
        stream.push_text("Wait, wait for it. And then")
        await anext(stream)
        engine.server.drop()
        with pytest.raises(APIConnectionError) as raised:
            async for _ in stream:
                pass
        await stream.aclose()
        assert not raised.value.retryable, "the caller would hear the beginning twice"
        assert [error.recoverable for error in heard.errors] == [False]
        assert (await listen(voice, "One two three.")).pcm == FRAME * 3

    async def test_for_good_ends_the_speech_after_as_many_tries_as_asked(
        self, two: Two, engine: Engine
    ) -> None:
        async with two.voice(url=engine.url) as voice:
            heard = watch(voice)
            stream = voice.stream(conn_options=AGAIN)
            stream.push_text("Wait, wait for it. And then")
            await anext(stream)
            engine.server.stop.set()
            engine.server.drop()
            stream.push_text(" more.")
            stream.end_input()
            with pytest.raises(APIConnectionError) as raised:
                async for _ in stream:
                    pass
            await stream.aclose()
        assert not raised.value.retryable
        assert [error.recoverable for error in heard.errors] == [True, False]

    async def test_before_the_first_sound_begins_again_elsewhere(self, two: Two) -> None:
        async with two.voice() as voice, asyncio.TaskGroup() as group:
            speaking = group.create_task(listen(voice, "This is slow. Two.", options=AGAIN))
            await two.engine.model.asked.wait()
            two.engine.server.stop.set()
            two.other.model.go.set()
            two.engine.server.drop()
        assert speaking.result().pcm == FRAME * 4
        assert two.other.model.spoken == ["This is slow.", "Two."]

    @pytest.mark.parametrize("seed", range(4))
    async def test_whenever_it_comes_each_sentence_is_said_once_and_in_order(
        self, two: Two, seed: int
    ) -> None:
        luck = random.Random(seed)
        options = APIConnectOptions(max_retry=50, retry_interval=0.0, timeout=5.0)
        words = [word for number in range(40) for word in (f"Word{number}", "of", "these.")]
        async with asyncio.timeout(20), two.voice() as voice, asyncio.TaskGroup() as group:
            speaking = group.create_task(listen(voice, " ".join(words), options=options))
            for _ in range(6):
                for _ in range(luck.randrange(150)):
                    await asyncio.sleep(0)  # as far as it may have come
                two.engine.server.drop()
                two.other.server.drop()
        texts = speaking.result().texts
        assert [word for text in texts for word in text.split()] == words
        assert len(texts) == 40

    async def test_one_that_stops_answering_is_not_asked_again(self, two: Two) -> None:
        options = APIConnectOptions(max_retry=1, retry_interval=0.0, timeout=0.4)
        async with two.voice() as voice:
            with pytest.raises(APITimeoutError):
                await listen(voice, "This is slow.", options=APIConnectOptions(0, 0.0, 0.4))
            two.other.model.go.set()
            two.engine.model.go.set()
            heard = await listen(voice, "One two.", options=options)
        assert heard.pcm == FRAME * 2
        assert not heard.metrics[-1].connection_reused


async def test_a_refusal_is_of_the_best_engine(two: Two) -> None:
    async with two.voice(key="wrong") as voice:
        with pytest.raises(APIStatusError, match="key"):
            await listen(voice, "One.")
