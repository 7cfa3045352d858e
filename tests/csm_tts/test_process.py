"""The engine as its own process, killed and stopped while it speaks."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import aiohttp
import psutil
import pytest
from livekit.agents import APIConnectionError
from livekit.plugins import csm_tts

from tests.conformance.tts import ONCE, check_events, listen
from tests.serving.process import SECONDS, engine_process, free_port

pytestmark = pytest.mark.engine

KEY = "sesame"
STORY = "It was a long day and nobody came to the shop until the evening had come " * 20


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def voice(port: int) -> AsyncIterator[csm_tts.TTS]:
    async with aiohttp.ClientSession() as http:
        voice = csm_tts.TTS(f"http://127.0.0.1:{port}", key=KEY, http_session=http, max_lead=0.2)
        yield voice
        await voice.aclose()


def engine(port: int) -> AbstractAsyncContextManager[Process]:
    return engine_process("csm_engine", port, CSM_LISTEN__PORT=str(port), CSM_LISTEN__KEY=KEY)


async def test_killed_in_a_sentence_is_an_error_and_its_successor_speaks(
    voice: csm_tts.TTS, port: int
) -> None:
    async with engine(port) as process:
        (program,) = psutil.Process(process.pid).children()
        async with voice.stream(conn_options=ONCE) as stream:
            stream.push_text(STORY)
            stream.end_input()
            await anext(stream)
            process.kill()
            with pytest.raises(APIConnectionError) as raised:
                async for _ in stream:
                    pass
        assert not raised.value.retryable
        with pytest.raises(APIConnectionError):
            await listen(voice, "Hello there.")
        psutil.wait_procs([program], timeout=SECONDS)
        assert not program.is_running(), "espeak-ng outlived its engine"
    async with engine(port):
        check_events(voice, await listen(voice, "Hello there."))


async def test_sigterm_finishes_what_is_being_spoken(voice: csm_tts.TTS, port: int) -> None:
    async with engine(port) as process:
        async with voice.stream(conn_options=ONCE) as stream:
            stream.push_text("This will be finished. And this")
            first = await anext(stream)
            process.send_signal(signal.SIGTERM)
            stream.push_text(" too.")
            stream.end_input()
            seconds = first.frame.duration + sum([event.frame.duration async for event in stream])
        assert seconds > 1.5
        async with asyncio.timeout(SECONDS):
            assert await process.wait() == 0


async def test_bad_settings_refuse_to_start() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "csm_engine", "serve"),
        env={**os.environ, "CSM_LISTEN__HOST": "0.0.0.0"},
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(SECONDS):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert "needs a key" in errors.decode()
    assert len(errors.decode().splitlines()) == 1
