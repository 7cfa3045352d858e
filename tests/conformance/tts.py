"""What any LiveKit TTS of ours must do, whatever is behind it.

A test module subclasses `TTSConformance` and provides the fixture `make_tts`: called with keyword
arguments of its own TTS (`url` at least), it gives one that is closed when the test ends.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APITimeoutError,
    tts,
)
from livekit.agents.metrics import TTSMetrics
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString

MakeTTS = Callable[..., tts.TTS]

ONCE = APIConnectOptions(max_retry=0, timeout=5.0)
TEXT = "Good morning. We are open from nine until five. Which day suits you?"
MAX_FRAME_SECONDS = 0.25


@dataclass
class Heard:
    """All that came out of one stream, and what the TTS reported meanwhile."""

    events: list[tts.SynthesizedAudio] = field(default_factory=list)
    metrics: list[TTSMetrics] = field(default_factory=list)
    errors: list[tts.TTSError] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return sum(event.frame.duration for event in self.events)

    @property
    def pcm(self) -> bytes:
        return b"".join(event.frame.data.tobytes() for event in self.events)

    @property
    def texts(self) -> list[TimedString]:
        return [
            text
            for event in self.events
            for text in event.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, [])
        ]


def watch(voice: tts.TTS) -> Heard:
    heard = Heard()
    voice.on("metrics_collected", heard.metrics.append)
    voice.on("error", heard.errors.append)
    return heard


async def listen(
    voice: tts.TTS, *text: str, options: APIConnectOptions = ONCE, heard: Heard | None = None
) -> Heard:
    """Stream `text` in these pieces and hear it to the end."""
    heard = heard or watch(voice)
    async with voice.stream(conn_options=options) as stream:
        for piece in text:
            stream.push_text(piece)
        stream.end_input()
        async for event in stream:
            heard.events.append(event)
    return heard


@asynccontextmanager
async def deaf_server() -> AsyncIterator[str]:
    """The URL of something that takes connections and never answers."""
    connections: list[asyncio.StreamWriter] = []

    def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        for writer in connections:
            writer.close()


def check_events(voice: tts.TTS, heard: Heard) -> None:
    """The shape that LiveKit relies on, of one finished stream with sound in it."""
    assert heard.events, "no sound"
    assert len({event.request_id for event in heard.events}) == 1
    assert heard.events[0].request_id
    assert [event.is_final for event in heard.events] == [False] * (len(heard.events) - 1) + [True]
    assert all(0 < event.frame.duration < MAX_FRAME_SECONDS for event in heard.events)
    assert {event.frame.sample_rate for event in heard.events} == {voice.sample_rate}
    assert {event.frame.num_channels for event in heard.events} == {voice.num_channels}
    assert not heard.pcm.startswith((b"RIFF", b"OggS", b"ID3", b"fLaC"))


class TTSConformance:
    """Each test is one thing that a call relies on."""

    async def test_stream_gives_well_formed_events_and_one_metric(self, make_tts: MakeTTS) -> None:
        voice = make_tts()
        heard = await listen(voice, TEXT)
        check_events(voice, heard)
        assert len({event.segment_id for event in heard.events}) == 1
        assert [metric.streamed for metric in heard.metrics] == [True]
        assert heard.metrics[0].audio_duration == pytest.approx(heard.seconds)
        assert heard.metrics[0].ttfb > 0
        assert heard.metrics[0].request_id == heard.events[0].request_id
        assert not heard.errors

    async def test_synthesize_gives_well_formed_events_and_one_metric(
        self, make_tts: MakeTTS
    ) -> None:
        voice = make_tts()
        heard = watch(voice)
        async with voice.synthesize(TEXT, conn_options=ONCE) as stream:
            async for event in stream:
                heard.events.append(event)
        check_events(voice, heard)
        assert [metric.streamed for metric in heard.metrics] == [False]
        assert not heard.errors

    async def test_pieces_of_text_sound_like_the_whole(self, make_tts: MakeTTS) -> None:
        voice = make_tts()
        whole = await listen(voice, TEXT)
        pieces = await listen(voice, *TEXT)
        assert pieces.seconds == pytest.approx(whole.seconds, rel=0.02)
        assert "".join(pieces.texts) == "".join(whole.texts) == TEXT

    async def test_transcript_comes_before_its_sound_and_in_order(self, make_tts: MakeTTS) -> None:
        heard = await listen(make_tts(), TEXT)
        position, starts = 0.0, []
        for event in heard.events:
            for text in event.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, []):
                assert isinstance(text.start_time, float)
                assert position <= text.start_time + 0.02, "the sound came before its text"
                starts.append(text.start_time)
            position += event.frame.duration
        assert starts == sorted(starts)
        assert starts[0] == 0.0
        assert len(starts) == 3

    async def test_sound_starts_before_the_text_has_ended(self, make_tts: MakeTTS) -> None:
        async with make_tts().stream(conn_options=ONCE) as stream:
            stream.push_text("Sure. Let me")
            async with asyncio.timeout(10):
                first = await anext(stream)
            assert first.frame.userdata[USERDATA_TIMED_TRANSCRIPT] == ["Sure."]

    async def test_no_text_ends_without_sound_or_error(self, make_tts: MakeTTS) -> None:
        heard = await listen(make_tts())
        assert not heard.events
        assert not heard.errors

    @pytest.mark.parametrize("text", ["...", " \n ", "?!", "🙂"])
    async def test_text_with_nothing_to_speak_is_no_error(
        self, make_tts: MakeTTS, text: str
    ) -> None:
        heard = await listen(make_tts(), text)
        assert not heard.errors
        assert heard.seconds < MAX_FRAME_SECONDS

    async def test_a_second_stream_speaks_while_the_first_is_not_taken(
        self, make_tts: MakeTTS
    ) -> None:
        voice = make_tts()
        async with voice.stream(conn_options=ONCE) as untaken:
            untaken.push_text(TEXT)
            untaken.end_input()
            await anext(untaken)
            heard = await listen(voice, TEXT)
        check_events(voice, heard)

    async def test_closing_early_ends_the_stream_and_the_next_one_speaks(
        self, make_tts: MakeTTS
    ) -> None:
        voice = make_tts()
        stream = voice.stream(conn_options=ONCE)
        stream.push_text(TEXT)
        await anext(stream)
        await stream.aclose()
        assert [event async for event in stream] == []
        heard = await listen(voice, TEXT)
        check_events(voice, heard)
        assert "".join(heard.texts) == TEXT

    async def test_a_stream_without_text_can_be_closed(self, make_tts: MakeTTS) -> None:
        stream = make_tts().stream(conn_options=ONCE)
        await stream.aclose()
        assert stream._task.done()

    async def test_nothing_is_left_running_after_close(self, make_tts: MakeTTS) -> None:
        before = asyncio.all_tasks()
        voice = make_tts()
        voice.prewarm()
        await listen(voice, TEXT)
        stream = voice.stream(conn_options=ONCE)
        stream.push_text(TEXT)
        await anext(stream)
        await voice.aclose()
        assert not [task for task in asyncio.all_tasks() - before if _is_livekit(task)]

    async def test_silent_server_is_a_timeout_within_the_timeout(self, make_tts: MakeTTS) -> None:
        async with deaf_server() as url:
            voice = make_tts(url=url)
            heard = watch(voice)
            options = APIConnectOptions(max_retry=0, timeout=0.2)
            async with asyncio.timeout(5):
                with pytest.raises(APITimeoutError) as raised:
                    await listen(voice, TEXT, options=options, heard=heard)
        assert raised.value.retryable
        assert [error.recoverable for error in heard.errors] == [False]
        assert not heard.metrics

    async def test_absent_server_is_tried_as_often_as_asked(self, make_tts: MakeTTS) -> None:
        async with deaf_server() as url:
            pass
        voice = make_tts(url=url)
        heard = watch(voice)
        options = APIConnectOptions(max_retry=3, retry_interval=0.0, timeout=1.0)
        with pytest.raises(APIConnectionError):
            await listen(voice, TEXT, options=options, heard=heard)
        assert [error.recoverable for error in heard.errors] == [True, True, True, False]
        assert all(isinstance(error.error, APIError) for error in heard.errors)
        assert not heard.metrics


def _is_livekit(task: asyncio.Task[Any]) -> bool:
    """The engine may share the loop: its tasks are not the plugin's."""
    work = task.get_coro()
    return inspect.iscoroutine(work) and "/livekit/" in work.cr_code.co_filename
