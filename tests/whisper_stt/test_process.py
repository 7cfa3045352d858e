"""The engine as its own process: killed and stopped while it hears, and started with bad settings."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
from livekit.agents import APIConnectOptions
from livekit.agents.stt import SpeechEventType
from livekit.plugins import whisper_stt

from tests.conformance.stt import Spoken, finals, push, rest, said, until, watch
from tests.serving.process import SECONDS, engine_process, free_port

pytestmark = pytest.mark.engine

KEY = "sesame"
PATIENT = APIConnectOptions(max_retry=200, retry_interval=0.05, timeout=5.0)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def ears(port: int) -> AsyncIterator[whisper_stt.STT]:
    async with aiohttp.ClientSession() as http:
        ears = whisper_stt.STT(f"http://127.0.0.1:{port}", key=KEY, http_session=http)
        yield ears
        await ears.aclose()


def engine(port: int, folder: Path) -> AbstractAsyncContextManager[Process]:
    phrases = folder / "phrases.txt"
    phrases.write_text("what is the weather in Paris\nwhat are your opening hours\n")
    return engine_process(
        "whisper_engine",
        port,
        WHISPER_LISTEN__PORT=str(port),
        WHISPER_LISTEN__KEY=KEY,
        WHISPER_PHRASES=str(phrases),
    )


async def test_killed_in_mid_word_its_successor_hears_the_whole_question(
    ears: whisper_stt.STT, port: int, question: Spoken, tmp_path: Path
) -> None:
    frames = list(question.then_silence().frames())
    reported = watch(ears)
    async with ears.stream(conn_options=PATIENT) as stream:
        async with engine(port, tmp_path) as process:
            for frame in frames[:100]:
                stream.push_frame(frame)
            events = await until(stream, SpeechEventType.START_OF_SPEECH)
            process.kill()
            await process.wait()
        for frame in frames[100:]:
            stream.push_frame(frame)
        stream.end_input()
        async with engine(port, tmp_path):
            events += await rest(stream)
    assert said(events) == question.words.lower()
    assert len(finals(events)) == 1
    assert reported.errors
    assert all(error.recoverable for error in reported.errors)


async def test_sigterm_hears_out_who_is_speaking(
    ears: whisper_stt.STT, port: int, question: Spoken, tmp_path: Path
) -> None:
    async with engine(port, tmp_path) as process:
        async with ears.stream(conn_options=PATIENT) as stream:
            push(stream, question)
            await until(stream, SpeechEventType.START_OF_SPEECH)
            process.send_signal(signal.SIGTERM)
            push(stream, Spoken(b"", question.rate, "").then_silence())
            stream.flush()
            events = await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
            assert said(events) == question.words.lower()
        async with asyncio.timeout(SECONDS):
            assert await process.wait() == 0


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"WHISPER_LISTEN__HOST": "0.0.0.0"}, "needs a key"),
        ({"WHISPER_PHRASES": "/nowhere.txt"}, "WHISPER_PHRASES"),
        ({"WHISPER_DEVICE": "tpu"}, "WHISPER_DEVICE"),
    ],
)
async def test_bad_settings_refuse_to_start(settings: dict[str, str], complaint: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "whisper_engine", "serve"),
        env=os.environ | settings,
        stderr=PIPE,
    )
    async with asyncio.timeout(SECONDS):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert complaint in errors.decode()
    assert len(errors.decode().splitlines()) == 1


async def test_a_model_that_is_not_there_is_named_in_one_sentence() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "whisper_engine", "serve"),
        env=os.environ | {"WHISPER_MODEL": "parrot", "WHISPER_LISTEN__PORT": str(free_port())},
        stderr=PIPE,
    )
    async with asyncio.timeout(SECONDS):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert "cannot start: no model named parrot" in errors.decode()
    assert "Traceback" not in errors.decode()
