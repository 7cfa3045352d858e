"""Several engines: the roomiest gets the call, and another goes on where one fails."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIStatusError,
    APITimeoutError,
)
from livekit.agents.stt import RecognizeStream, SpeechEventType
from livekit.plugins import whisper_stt

from tests.conformance.stt import ONCE, finals, rest, said, until, watch
from tests.conformance.tts import deaf_server
from tests.whisper_stt.fake_engine import FakeEngine, numbered, serving, words

AGAIN = APIConnectOptions(max_retry=3, retry_interval=0.05, timeout=5.0)


@dataclass(frozen=True)
class Two:
    """`big` has more room."""

    big: FakeEngine
    small: FakeEngine
    http: aiohttp.ClientSession

    def ears(self, **options: Any) -> whisper_stt.STT:
        urls = [self.small.url, self.big.url]
        return whisper_stt.STT(**{"url": urls, "http_session": self.http, **options})


@pytest.fixture
async def two(http: aiohttp.ClientSession) -> AsyncIterator[Two]:
    two = Two(FakeEngine(room=9), FakeEngine(room=3), http)
    async with serving(two.big, two.small):
        yield two


def tell(stream: RecognizeStream, *numbers: int) -> None:
    for frame in numbered(*numbers):
        stream.push_frame(frame)


async def test_a_call_goes_to_the_engine_with_most_room(two: Two) -> None:
    async with two.ears() as ears, ears.stream(conn_options=ONCE) as stream:
        tell(stream, 1, 2, 3)
        stream.end_input()
        assert said(await rest(stream)) == words(1, 2, 3)
    assert (len(two.big.starts), len(two.small.starts)) == (1, 0)


async def test_calls_fill_the_room_that_there_is(two: Two) -> None:
    two.big.room, two.small.room = 2, 1
    async with two.ears() as ears:
        for _ in range(3):
            stream = ears.stream(conn_options=ONCE)
            tell(stream, 1)
            await until(stream, SpeechEventType.INTERIM_TRANSCRIPT)
        assert (len(two.big.starts), len(two.small.starts)) == (2, 1)


async def test_an_engine_without_room_is_not_asked_first(two: Two) -> None:
    two.big.room = 0
    async with two.ears() as ears:
        await ears.recognize(list(numbered(1)), conn_options=ONCE)
    assert (len(two.big.starts), len(two.small.starts)) == (0, 1)


async def test_engines_that_all_say_they_are_full_are_tried_all_the_same(two: Two) -> None:
    two.big.room = two.small.room = 0
    two.big.refusal = 503
    async with two.ears() as ears:
        event = await ears.recognize(list(numbered(1, 2)), conn_options=ONCE)
    assert event.alternatives[0].text == words(1, 2)


@pytest.mark.parametrize("refusal", [401, 500, 503])
async def test_a_call_that_is_refused_goes_to_the_next(two: Two, refusal: int) -> None:
    two.big.refusal = refusal
    async with two.ears() as ears:
        reported = watch(ears)
        event = await ears.recognize(list(numbered(1, 2)), conn_options=ONCE)
    assert event.alternatives[0].text == words(1, 2)
    assert not reported.errors


async def test_one_that_takes_a_call_and_says_nothing_leaves_time_for_the_next(two: Two) -> None:
    two.big.mute = True
    options = APIConnectOptions(max_retry=0, timeout=1.0)
    async with two.ears() as ears:
        event = await ears.recognize(list(numbered(1, 2)), conn_options=options)
    assert event.alternatives[0].text == words(1, 2)
    assert len(two.big.starts) == 1


async def test_one_that_does_not_say_how_much_room_it_has_is_passed_over(two: Two) -> None:
    async with deaf_server() as deaf, two.ears(url=[deaf, two.big.url]) as ears:
        event = await ears.recognize(list(numbered(1)), conn_options=ONCE)
    assert event.alternatives[0].text == words(1)


async def test_a_lost_call_goes_on_elsewhere_and_no_frame_is_lost_or_doubled(two: Two) -> None:
    async with two.ears() as ears, ears.stream(conn_options=AGAIN) as stream:
        reported = watch(ears)
        tell(stream, 1, 2)
        stream.flush()
        events = await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        tell(stream, 3, 4)
        await until(stream, SpeechEventType.INTERIM_TRANSCRIPT)
        two.big.lose()
        tell(stream, 5, 6)
        stream.flush()
        events += await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        tell(stream, 7)
        stream.end_input()
        events += await rest(stream)
    assert [final.text for final in finals(events)] == [words(1, 2), words(3, 4, 5, 6), words(7)]
    assert [final.end_time for final in finals(events)] == pytest.approx(
        [0.02, 0.06, 0.07], abs=0.005
    )
    assert (len(two.big.starts), len(two.small.starts)) == (1, 1)
    assert [error.recoverable for error in reported.errors] == [True]


async def test_a_flush_that_one_did_not_answer_is_asked_of_the_other(two: Two) -> None:
    two.big.answers = False
    async with two.ears() as ears, ears.stream(conn_options=AGAIN) as stream:
        tell(stream, 1, 2)
        stream.flush()
        tell(stream, 3)
        await until(stream, SpeechEventType.INTERIM_TRANSCRIPT)
        two.big.lose()
        stream.end_input()
        events = await rest(stream)
    assert [final.text for final in finals(events)] == [words(1, 2), words(3)]
    assert len(two.small.starts) == 1


@pytest.mark.parametrize("seed", range(4))
async def test_whenever_calls_are_lost_each_frame_is_said_once_and_in_order(
    two: Two, seed: int
) -> None:
    luck = random.Random(seed)
    options = APIConnectOptions(max_retry=50, retry_interval=0.0, timeout=5.0)
    started = two.small.started = two.big.started
    told = 0
    async with (
        asyncio.timeout(20),
        two.ears() as ears,
        ears.stream(conn_options=options) as stream,
    ):
        for _ in range(4):
            for deed in luck.choices(["tell", "flush"], weights=[3, 1], k=10):
                if deed == "flush":
                    stream.flush()
                else:
                    told += 1
                    tell(stream, told)
            await started.get()
            for _ in range(luck.randrange(60)):
                await asyncio.sleep(0)  # as far as it may have come
            two.big.lose()
            two.small.lose()
        stream.end_input()
        assert said(await rest(stream)) == words(*range(1, told + 1))


async def test_an_engine_that_comes_back_alone_is_used_again(two: Two) -> None:
    async with two.ears() as ears, ears.stream(conn_options=AGAIN) as stream:
        two.small.refusal = 503
        tell(stream, 1)
        await until(stream, SpeechEventType.INTERIM_TRANSCRIPT)
        two.big.lose()
        tell(stream, 2)
        stream.end_input()
        assert said(await rest(stream)) == words(1, 2)
    assert len(two.big.starts) == 2


async def test_all_away_is_a_connection_error(http: aiohttp.ClientSession) -> None:
    async with serving(FakeEngine(), FakeEngine()) as urls:
        pass
    ears = whisper_stt.STT(urls, http_session=http)
    reported = watch(ears)
    options = APIConnectOptions(max_retry=2, retry_interval=0.0, timeout=2.0)
    async with asyncio.timeout(10), ears.stream(conn_options=options) as stream:
        tell(stream, 1)
        with pytest.raises(APIConnectionError):
            await rest(stream)
    assert [error.recoverable for error in reported.errors] == [True, True, False]


async def test_all_silent_is_a_timeout(http: aiohttp.ClientSession) -> None:
    async with (
        deaf_server() as one,
        deaf_server() as other,
        whisper_stt.STT([one, other], http_session=http) as ears,
    ):
        options = APIConnectOptions(max_retry=0, timeout=0.4)
        with pytest.raises(APITimeoutError):
            await ears.recognize(list(numbered(1)), conn_options=options)


async def test_an_error_that_may_pass_counts_more_than_one_that_does_not(two: Two) -> None:
    two.big.refusal, two.small.refusal = 401, 503
    async with two.ears() as ears:
        with pytest.raises(APIStatusError) as raised:
            await ears.recognize(list(numbered(1)), conn_options=ONCE)
    assert raised.value.status_code == 503


@pytest.mark.parametrize("url", [[], "127.0.0.1:8101", ["http://127.0.0.1:1", "ws://127.0.0.1:1"]])
def test_what_is_no_address_is_refused(url: Any) -> None:
    with pytest.raises(ValueError, match="engine"):
        whisper_stt.STT(url)
