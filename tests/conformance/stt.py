"""What any LiveKit STT of ours must do, whatever is behind it.

A test module subclasses `STTConformance` and provides two fixtures: `make_stt`, called with keyword
arguments of its own STT (`url` at least), gives one that is closed when the test ends; `spoken` is
what to say to it.
"""

import asyncio
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
from livekit import rtc
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APITimeoutError,
    stt,
)
from livekit.agents.metrics import STTMetrics
from livekit.agents.stt import SpeechEventType

from tests.conformance.tts import deaf_server

ONCE = APIConnectOptions(max_retry=0, timeout=5.0)
MOST_ERRORS = 0.25
SILENCE_SECONDS = 1.0


class MakeSTT(Protocol):
    def __call__(self, **options: Any) -> stt.STT: ...


@dataclass(frozen=True)
class Spoken:
    """`pcm` is s16le, mono at `rate`, one utterance with `words` in it."""

    pcm: bytes
    rate: int
    words: str

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.rate

    def frames(self, seconds: float = 0.01) -> Iterator[rtc.AudioFrame]:
        step = 2 * round(self.rate * seconds)
        for start in range(0, len(self.pcm), step):
            piece = self.pcm[start : start + step]
            yield rtc.AudioFrame(piece, self.rate, 1, len(piece) // 2)

    def then_silence(self, seconds: float = SILENCE_SECONDS) -> "Spoken":
        return Spoken(self.pcm + bytes(2 * round(self.rate * seconds)), self.rate, self.words)


@dataclass
class Reported:
    """What the STT reported beside its events."""

    metrics: list[STTMetrics] = field(default_factory=list)
    errors: list[stt.STTError] = field(default_factory=list)

    @property
    def audio_seconds(self) -> float:
        return sum(metric.audio_duration for metric in self.metrics)


def watch(ears: stt.STT) -> Reported:
    reported = Reported()
    ears.on("metrics_collected", reported.metrics.append)
    ears.on("error", reported.errors.append)
    return reported


def push(stream: stt.RecognizeStream, spoken: Spoken) -> None:
    for frame in spoken.frames():
        stream.push_frame(frame)


async def until(stream: stt.RecognizeStream, kind: SpeechEventType) -> list[stt.SpeechEvent]:
    """Events up to the first of this kind."""
    events: list[stt.SpeechEvent] = []
    async with asyncio.timeout(20):
        async for event in stream:
            events.append(event)
            if event.type is kind:
                return events
    raise AssertionError(f"the stream ended without {kind}")


async def rest(stream: stt.RecognizeStream) -> list[stt.SpeechEvent]:
    async with asyncio.timeout(20):
        return [event async for event in stream]


def kinds(events: Sequence[stt.SpeechEvent]) -> list[SpeechEventType]:
    return [event.type for event in events]


def finals(events: Sequence[stt.SpeechEvent]) -> list[stt.SpeechData]:
    return [e.alternatives[0] for e in events if e.type is SpeechEventType.FINAL_TRANSCRIPT]


def said(events: Sequence[stt.SpeechEvent]) -> str:
    return " ".join(final.text for final in finals(events) if final.text)


def word_error_rate(wanted: str, heard: str) -> float:
    """Edits a word of `wanted`; case and punctuation count as nothing."""
    left, right = ([w.strip(".,?!").lower() for w in text.split()] for text in (wanted, heard))
    row = list(range(len(right) + 1))
    for i, word in enumerate(left, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(right, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1] / len(left)


class STTConformance:
    """Each test is one thing that a call relies on."""

    async def test_recognize_gives_one_final_with_the_words(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        ears = make_stt()
        reported = watch(ears)
        event = await ears.recognize(list(spoken.frames()), conn_options=ONCE)
        assert event.type is SpeechEventType.FINAL_TRANSCRIPT
        assert word_error_rate(spoken.words, event.alternatives[0].text) <= MOST_ERRORS
        assert event.request_id
        assert [metric.streamed for metric in reported.metrics if not metric.streamed] == [False]
        assert not reported.errors

    async def test_stream_hears_frames_of_another_rate_and_ends_by_itself(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        async with make_stt() as ears, ears.stream(conn_options=ONCE) as stream:
            push(stream, spoken.then_silence())
            stream.end_input()
            events = await rest(stream)
        assert word_error_rate(spoken.words, said(events)) <= MOST_ERRORS
        assert all(str(final.language) == "en" for final in finals(events))
        assert all(0 <= final.confidence <= 1 for final in finals(events))
        assert {event.request_id for event in events} == {events[0].request_id}

    async def test_starts_and_ends_of_speech_alternate(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        async with make_stt().stream(conn_options=ONCE) as stream:
            for _ in range(2):
                push(stream, spoken.then_silence())
            stream.end_input()
            events = await rest(stream)
        edges = [
            kind
            for kind in kinds(events)
            if kind in {SpeechEventType.START_OF_SPEECH, SpeechEventType.END_OF_SPEECH}
        ]
        assert len(edges) >= 2
        assert edges[::2] == [SpeechEventType.START_OF_SPEECH] * (len(edges) // 2)
        assert edges[1::2] == [SpeechEventType.END_OF_SPEECH] * (len(edges) // 2)

    async def test_flush_is_answered_once_and_the_next_one_only_after_new_sound(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        async with make_stt().stream(conn_options=ONCE) as stream:
            push(stream, spoken.then_silence(0.3))
            stream.flush()
            first = await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
            stream.flush()
            stream.flush()
            stream.end_input()
            others = await rest(stream)
        assert word_error_rate(spoken.words, said(first)) <= MOST_ERRORS
        assert not finals(others)

    async def test_each_turn_has_its_own_words(self, make_stt: MakeSTT, spoken: Spoken) -> None:
        async with make_stt().stream(conn_options=ONCE) as stream:
            for _ in range(3):
                push(stream, spoken.then_silence())
                stream.flush()
                turn = await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
                assert word_error_rate(spoken.words, said(turn)) <= MOST_ERRORS

    async def test_flush_in_silence_gives_an_empty_final(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        quiet = Spoken(b"", spoken.rate, "").then_silence()
        async with make_stt().stream(conn_options=ONCE) as stream:
            push(stream, quiet)
            stream.flush()
            events = await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        assert [final.text for final in finals(events)] == [""]
        assert SpeechEventType.START_OF_SPEECH not in kinds(events)

    async def test_final_is_the_preflight_verbatim(self, make_stt: MakeSTT, spoken: Spoken) -> None:
        """LiveKit restarts the answer that it has begun to make when one letter differs."""
        async with make_stt().stream(conn_options=ONCE) as stream:
            push(stream, spoken.then_silence())
            before = await until(stream, SpeechEventType.PREFLIGHT_TRANSCRIPT)
            stream.flush()
            events = before + await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        told = [
            event.alternatives[0].text
            for event in events
            if event.type is SpeechEventType.PREFLIGHT_TRANSCRIPT
        ]
        assert told[-1:] == [final.text for final in finals(events)]

    async def test_times_count_from_the_offset_and_words_lie_in_order(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        ears = make_stt()
        async with ears.stream(conn_options=ONCE) as stream:
            stream.start_time_offset = 100.0
            push(stream, spoken.then_silence())
            stream.flush()
            events = await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        (final,) = finals(events)
        assert 100.0 <= final.start_time < final.end_time <= 100.0 + spoken.seconds + 0.1
        assert final.words is not None
        edges = [edge for word in final.words for edge in (word.start_time, word.end_time)]
        assert edges == sorted(edges)  # type: ignore[type-var]
        assert all(isinstance(edge, float) and 99.0 < edge < 110.0 for edge in edges)
        assert " ".join(final.words) == final.text

    async def test_all_sound_is_reported_as_used_once(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        ears = make_stt()
        reported = watch(ears)
        async with ears.stream(conn_options=ONCE) as stream:
            push(stream, spoken.then_silence())
            stream.flush()
            push(stream, spoken.then_silence())
            stream.end_input()
            await rest(stream)
        wanted = 2 * (spoken.seconds + SILENCE_SECONDS)
        assert reported.audio_seconds == pytest.approx(wanted, abs=0.1)

    async def test_no_sound_ends_without_words_or_error(self, make_stt: MakeSTT) -> None:
        ears = make_stt()
        reported = watch(ears)
        async with ears.stream(conn_options=ONCE) as stream:
            stream.end_input()
            assert not await rest(stream)
        assert not reported.errors

    async def test_streams_of_one_stt_do_not_hear_each_other(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        ears = make_stt()
        async with (
            ears.stream(conn_options=ONCE) as silent,
            ears.stream(conn_options=ONCE) as speaking,
        ):
            push(silent, Spoken(b"", spoken.rate, "").then_silence())
            push(speaking, spoken.then_silence())
            for stream in (silent, speaking):
                stream.end_input()
            assert said(await rest(silent)) == ""
            assert word_error_rate(spoken.words, said(await rest(speaking))) <= MOST_ERRORS

    async def test_nothing_is_left_running_after_close(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        before = asyncio.all_tasks()
        ears = make_stt()
        ears.prewarm()
        stream = ears.stream(conn_options=ONCE)
        push(stream, spoken)
        await until(stream, SpeechEventType.START_OF_SPEECH)
        await ears.aclose()
        assert not [task for task in asyncio.all_tasks() - before if _is_livekit(task)]

    async def test_silent_server_is_a_timeout_within_the_timeout(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        async with deaf_server() as url:
            ears = make_stt(url=url)
            reported = watch(ears)
            options = APIConnectOptions(max_retry=0, timeout=0.2)
            with pytest.raises(APITimeoutError) as raised:
                await _hear(ears, spoken, options)
        assert raised.value.retryable
        assert [error.recoverable for error in reported.errors] == [False]

    async def test_absent_server_is_tried_as_often_as_asked(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        async with deaf_server() as url:
            pass
        ears = make_stt(url=url)
        reported = watch(ears)
        options = APIConnectOptions(max_retry=2, retry_interval=0.0, timeout=1.0)
        with pytest.raises(APIConnectionError):
            await _hear(ears, spoken, options)
        assert [error.recoverable for error in reported.errors] == [True, True, False]
        assert all(isinstance(error.error, APIError) for error in reported.errors)

    async def test_absent_server_fails_a_recognition_with_an_api_error(
        self, make_stt: MakeSTT, spoken: Spoken
    ) -> None:
        async with deaf_server() as url:
            pass
        with pytest.raises(APIConnectionError):
            await make_stt(url=url).recognize(list(spoken.frames()), conn_options=ONCE)


async def _hear(ears: stt.STT, spoken: Spoken, options: APIConnectOptions) -> None:
    async with ears.stream(conn_options=options) as stream:
        push(stream, spoken)
        stream.end_input()
        await rest(stream)


def _is_livekit(task: asyncio.Task[Any]) -> bool:
    """The engine may share the loop: its tasks are not the plugin's."""
    work = task.get_coro()
    return inspect.iscoroutine(work) and "/livekit/" in work.cr_code.co_filename
