"""What a user asks for: languages, keyterms and prompt, also in mid call; and sound of any rate."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc
from livekit.agents import Agent, AgentSession, APIConnectOptions, APIError
from livekit.agents.stt import SpeechEventType
from livekit.plugins import whisper_stt
from livekit.plugins.whisper_stt.options import MOST_KEYTERMS, Options

from tests.conformance.stt import ONCE, finals, rest, until
from tests.whisper_stt.fake_engine import FakeEngine, numbered, serving, words
from tests.whisper_stt.test_in_session import Microphone
from whisper_engine.protocol import SAMPLE_RATE, Start

terms = st.lists(st.text("abc", min_size=1, max_size=4), max_size=80).map(tuple)


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    engine = FakeEngine()
    async with serving(engine):
        yield engine


@pytest.fixture
async def ears(fake: FakeEngine, http: aiohttp.ClientSession) -> AsyncIterator[whisper_stt.STT]:
    async with whisper_stt.STT(fake.url, http_session=http) as ears:
        assert isinstance(ears, whisper_stt.STT)
        yield ears


def test_one_language_is_fixed_and_several_are_to_be_detected() -> None:
    assert (Options("de").start().language, Options("de").start().languages) == ("de", ())
    several = Options(["de", "en", "de"]).start()
    assert (several.language, several.languages) == ("de", ("de", "en"))
    assert Options(["de", "en"]).start("fr").languages == ()


@given(terms, terms)
def test_the_users_keyterms_come_first_and_none_twice(
    own: tuple[str, ...], session: tuple[str, ...]
) -> None:
    told = Options(keyterms=own, session_keyterms=session).start().keyterms
    assert len(told) == len(set(told)) == min(len({*own, *session}), MOST_KEYTERMS)
    assert set(told[: len(set(own))]) == set(own)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"language": []}, "no language"),
        ({"language": "x"}, "language"),
        ({"language": ["en", "e"]}, "languages"),
        ({"keyterms": ["a"] * 101}, "101 keyterms"),
        ({"prompt": "a" * 1001}, "prompt"),
        ({"url": None}, "say who hears"),
        ({"model": "base.en"}, "say who hears"),
        ({"device": "cuda"}, "device="),
    ],
)
def test_what_cannot_be_asked_is_refused_at_once(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        whisper_stt.STT(**{"url": "http://127.0.0.1:1", **options})


async def test_everything_reaches_the_engine(fake: FakeEngine, http: aiohttp.ClientSession) -> None:
    async with whisper_stt.STT(
        fake.url, language=["es", "en"], keyterms=["Parley"], prompt="Hotel.", http_session=http
    ) as ears:
        await ears.recognize(list(numbered(1)), conn_options=ONCE)
        assert ears.capabilities.keyterms
    (told,) = fake.starts
    wanted = Start(
        language="es",
        languages=("es", "en"),
        interim_results=False,
        keyterms=("Parley",),
        prompt="Hotel.",
    )
    assert told == wanted


async def test_the_language_that_was_heard_is_reported(
    fake: FakeEngine, ears: whisper_stt.STT
) -> None:
    fake.language = "es"
    event = await ears.recognize(list(numbered(1)), conn_options=ONCE)
    assert event.alternatives[0].language == "es"


async def test_new_options_hold_at_once_while_nobody_speaks(
    fake: FakeEngine, ears: whisper_stt.STT
) -> None:
    async with ears.stream(conn_options=ONCE) as stream:
        push(stream, 1, 2)
        stream.flush()
        events = await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        ears.update_options(language="de", keyterms=["Parley"], prompt="Hotel.")
        push(stream, 3)
        stream.flush()
        events += await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        stream.end_input()
        events += await rest(stream)
    assert [final.text for final in finals(events)] == [words(1, 2), words(3)]
    assert [(start.language, start.keyterms, start.prompt) for start in fake.starts] == [
        ("en", (), ""),
        ("de", ("Parley",), "Hotel."),
    ]


async def test_new_options_wait_until_the_speaker_has_been_heard(
    fake: FakeEngine, ears: whisper_stt.STT
) -> None:
    fake.speech = True
    async with ears.stream(conn_options=ONCE) as stream:
        push(stream, 1, 2)
        events = await until(stream, SpeechEventType.INTERIM_TRANSCRIPT)
        ears.update_options(language="de")
        push(stream, 3)
        events += await until(stream, SpeechEventType.INTERIM_TRANSCRIPT)
        assert len(fake.starts) == 1
        stream.flush()
        events += await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        push(stream, 4)
        stream.end_input()
        events += await rest(stream)
    assert [final.text for final in finals(events)] == [words(1, 2, 3), words(4)]
    assert [start.language for start in fake.starts] == ["en", "de"]


async def test_the_same_options_again_change_nothing(
    fake: FakeEngine, ears: whisper_stt.STT
) -> None:
    async with ears.stream(conn_options=ONCE) as stream:
        push(stream, 1)
        stream.flush()
        await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        ears.update_options(language="en", keyterms=[])
        push(stream, 2)
        stream.end_input()
        await rest(stream)
    assert len(fake.starts) == 1


async def test_a_stream_keeps_the_language_that_it_was_given(
    fake: FakeEngine, ears: whisper_stt.STT
) -> None:
    async with ears.stream(language="fr", conn_options=ONCE) as stream:
        push(stream, 1)
        stream.flush()
        await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        ears.update_options(language="de", keyterms=["Parley"])
        stream.end_input()
        await rest(stream)
    assert {start.language for start in fake.starts} == {"fr"}


async def test_options_that_cannot_be_leave_the_old_ones(
    fake: FakeEngine, ears: whisper_stt.STT
) -> None:
    with pytest.raises(ValueError, match="no language"):
        ears.update_options(language=[])
    with pytest.raises(ValueError, match="language"):
        ears.stream(language="x")
    await ears.recognize(list(numbered(1)), conn_options=ONCE)
    assert fake.starts[0].language == "en"


async def test_the_keyterms_of_livekits_session_reach_the_engine(
    fake: FakeEngine, ears: whisper_stt.STT
) -> None:
    session = AgentSession[None](
        stt=ears,
        vad=None,
        turn_handling={"turn_detection": "manual"},
        stt_context_options={"keyterms": ["Parley"]},
        user_away_timeout=None,
        session_close_transcript_timeout=0.0,
    )
    session.input.audio = Microphone()
    async with session, asyncio.timeout(10):
        await session.start(Agent(instructions=""))
        while (await fake.started.get()).keyterms != ("Parley",):
            pass
        session.update_options(keyterms=["Parley", "Whisper"])
        while (await fake.started.get()).keyterms != ("Parley", "Whisper"):
            pass


def push(stream: Any, *numbers: int) -> None:
    for frame in numbered(*numbers):
        stream.push_frame(frame)


def tone(rate: int, seconds: float, hertz: float = 440.0) -> list[rtc.AudioFrame]:
    """In frames of 10 ms."""
    samples = 8_000 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)
    pieces = np.split(samples.astype("<i2"), np.arange(rate // 100, len(samples), rate // 100))
    return [rtc.AudioFrame(piece.tobytes(), rate, 1, len(piece)) for piece in pieces]


async def heard_by(
    fake: FakeEngine, ears: whisper_stt.STT, frames: Sequence[rtc.AudioFrame]
) -> np.ndarray:
    fake.heard.clear()
    async with ears.stream(conn_options=ONCE) as stream:
        for frame in frames:
            stream.push_frame(frame)
        stream.end_input()
        await rest(stream)
    return np.frombuffer(bytes(fake.heard), "<i2").astype(float)


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100, 48_000])
async def test_sound_of_another_rate_arrives_whole_and_in_time(
    fake: FakeEngine, ears: whisper_stt.STT, rate: int
) -> None:
    wanted = await heard_by(fake, ears, tone(SAMPLE_RATE, 0.5))
    heard = await heard_by(fake, ears, tone(rate, 0.5))
    assert len(heard) == len(wanted) == SAMPLE_RATE // 2
    inside = slice(200, -200)
    assert np.abs(heard[inside] - wanted[inside]).max() < 100


async def test_the_rate_may_change_in_mid_stream(fake: FakeEngine, ears: whisper_stt.STT) -> None:
    frames = [*tone(8_000, 0.25), *tone(48_000, 0.25), *tone(SAMPLE_RATE, 0.25)]
    heard = await heard_by(fake, ears, frames)
    assert len(heard) == 3 * SAMPLE_RATE // 4
    event = await ears.recognize(frames, conn_options=ONCE)
    assert event.alternatives[0].end_time == pytest.approx(0.75)


async def test_a_flush_is_not_behind_sound_that_waits_to_be_resampled(
    fake: FakeEngine, ears: whisper_stt.STT
) -> None:
    async with ears.stream(conn_options=ONCE) as stream:
        for frame in tone(8_000, 0.5):
            stream.push_frame(frame)
        stream.flush()
        events = await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        stream.end_input()
        await rest(stream)
    assert finals(events)[0].end_time == pytest.approx(0.5, abs=0.002 + 0.005)


async def test_a_rate_that_nothing_has_is_an_api_error(ears: whisper_stt.STT) -> None:
    options = APIConnectOptions(max_retry=3, timeout=5.0)
    async with ears.stream(conn_options=options) as stream:
        stream.push_frame(rtc.AudioFrame(bytes(200), 12_345, 1, 100))
        with pytest.raises(APIError, match="12345"):
            await rest(stream)
