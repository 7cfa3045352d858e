"""`STT(model=…)`: one engine for all processes, gone after the last, however they end."""

import asyncio
import fcntl
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APITimeoutError
from livekit.agents.stt import SpeechEventType
from livekit.plugins import whisper_stt
from livekit.plugins.whisper_stt.local.folder import RUNNING, Folder, settings_of
from livekit.plugins.whisper_stt.socket import Address

from tests.conformance.stt import ONCE, Spoken, push, rest, said, until, watch
from tests.whisper_stt.local_user import SILENCE

pytestmark = pytest.mark.engine

SECONDS = 25.0
LINGER = 0.2
USER = Path(__file__).with_name("local_user.py")


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the engine and its users meet."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@asynccontextmanager
async def user() -> AsyncIterator[Process]:
    """A process for which the engine has heard something; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(USER), str(LINGER)), stdin=PIPE, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(SECONDS):
            assert await process.stdout.readline() == b"heard\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def folder() -> Folder:
    return Folder(settings_of("rehearsal", None, os.environ))


def running() -> Address | None:
    """Of the engine that runs. Its key is another one with each."""
    vacancy = folder().vacancy()
    if vacancy is None:
        return folder().address()
    os.close(vacancy)
    return None


async def ended() -> None:
    """The system says so: it takes back the lock of the process that held it."""
    path = folder().path / RUNNING
    with path.open() as file:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)


@asynccontextmanager
async def local(http: aiohttp.ClientSession, **options: Any) -> AsyncIterator[whisper_stt.STT]:
    settings = {"model": "rehearsal", "linger": LINGER, "http_session": http, **options}
    ears = whisper_stt.STT(**settings)
    try:
        yield ears
    finally:
        await ears.aclose()
        await ended()


async def test_processes_share_one_engine_that_ends_with_the_last_however_it_ends() -> None:
    async with user() as first, user() as second:
        shared = running()
        assert shared is not None
        first.kill()
        await first.wait()
        async with user() as third:
            assert running() == shared
            assert third.stdin is not None
            third.stdin.close()
            assert await third.wait() == 0
        assert running() == shared
        second.kill()
        await ended()
    assert running() is None


async def test_an_engine_that_lingers_is_found_by_the_next(http: aiohttp.ClientSession) -> None:
    patient = APIConnectOptions(max_retry=0, timeout=20.0)
    async with local(http, linger=2.0) as first, local(http, linger=2.0) as next_one:
        await first.recognize(SILENCE, conn_options=patient)
        shared = running()
        await first.aclose()
        await next_one.recognize(SILENCE, conn_options=patient)
        assert running() == shared


async def test_prewarm_starts_it_and_the_first_words_wait_for_it(
    http: aiohttp.ClientSession, question: Spoken
) -> None:
    async with local(http) as ears:
        ears.prewarm()
        assert folder().vacancy() is None
        async with ears.stream(conn_options=APIConnectOptions(max_retry=0, timeout=20)) as stream:
            push(stream, question.then_silence())
            stream.end_input()
            assert said(await rest(stream)) == question.words.lower()
        assert ears.model == "rehearsal"


async def test_a_start_that_takes_long_is_met_again_at_the_next_try(
    http: aiohttp.ClientSession,
) -> None:
    async with local(http) as ears:
        reported = watch(ears)
        hurried = APIConnectOptions(max_retry=0, timeout=0.05)
        with pytest.raises(APITimeoutError, match="still starting"):
            await ears.recognize(SILENCE, conn_options=hurried)
        begun = folder().vacancy()
        patient = APIConnectOptions(max_retry=100, retry_interval=0.05, timeout=0.5)
        await ears.recognize(SILENCE, conn_options=patient)
        assert begun is None
    assert all(isinstance(error.error, APITimeoutError) for error in reported.errors)


async def test_an_engine_that_is_killed_in_mid_call_is_replaced(
    http: aiohttp.ClientSession, question: Spoken
) -> None:
    async with local(http) as ears:
        options = APIConnectOptions(max_retry=3, retry_interval=0.05, timeout=20.0)
        async with ears.stream(conn_options=options) as stream:
            push(stream, question)
            await until(stream, SpeechEventType.START_OF_SPEECH)
            killed = running()
            for child in psutil.Process().children():
                if str(folder().path) in child.cmdline():
                    child.kill()
            push(stream, Spoken(b"", question.rate, "").then_silence())
            stream.end_input()
            events = await rest(stream)
        assert said(events) == question.words.lower()
        assert running() not in {killed, None}


async def test_an_engine_that_refuses_its_settings_says_why_and_is_not_tried_again(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHISPER_EARS", "two")
    async with local(http) as ears:
        reported = watch(ears)
        options = APIConnectOptions(max_retry=3, retry_interval=0.0, timeout=20.0)
        with pytest.raises(APIConnectionError, match="WHISPER_EARS: there is no such setting"):
            await ears.recognize(SILENCE, conn_options=options)
    assert [error.recoverable for error in reported.errors] == [False]


async def test_a_model_that_there_is_not_is_named(http: aiohttp.ClientSession) -> None:
    ears = whisper_stt.STT(model="no-such-model", linger=LINGER, http_session=http)
    with pytest.raises(APIConnectionError, match="cannot start: no model named no-such-model"):
        await ears.recognize(SILENCE, conn_options=APIConnectOptions(max_retry=0, timeout=20.0))
    await ears.aclose()


async def test_a_folder_that_others_may_enter_is_not_trusted(
    http: aiohttp.ClientSession, runtime: Path
) -> None:
    meeting = runtime / "whisper_stt"
    meeting.mkdir()
    meeting.chmod(0o755)
    ears = whisper_stt.STT(model="rehearsal", http_session=http)
    ears.prewarm()
    with pytest.raises(APIConnectionError, match="XDG_RUNTIME_DIR"):
        await ears.recognize(SILENCE, conn_options=ONCE)


def test_who_asks_for_another_model_device_or_setting_gets_another_engine() -> None:
    environment = {"WHISPER_BEAM": "2", "WHISPER_LISTEN__PORT": "9", "PATH": "/bin"}
    settings = settings_of("base.en", "cpu", environment)
    assert settings == {
        "WHISPER_BEAM": "2",
        "WHISPER_MODEL": "base.en",
        "WHISPER_DEVICE": "cpu",
    }
    variants = [settings, settings_of("base.en", None, environment), settings_of("tiny", None, {})]
    assert len({Folder(variant).path for variant in variants}) == 3
    assert Folder(dict(reversed(settings.items()))).path == Folder(settings).path


@pytest.mark.parametrize(
    ("model", "missing", "install"),
    [
        ("base.en", "ctranslate2", 'pip install "livekit-plugins-whisper-stt[engine]"'),
        ("rehearsal", "pocketsphinx", 'pip install "livekit-plugins-whisper-stt[rehearsal]"'),
    ],
)
async def test_without_the_extra_it_says_what_to_install(
    model: str, missing: str, install: str
) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from livekit.plugins import whisper_stt\n"
        f"whisper_stt.STT(model={model!r})"
    )
    said_last = (await output_of(program, expect=1)).splitlines()[-1]
    assert said_last.startswith("ValueError")
    assert missing in said_last
    assert install in said_last


async def test_importing_starts_nothing() -> None:
    program = (
        "import threading, livekit.agents\n"
        "before = threading.active_count()\n"
        "from livekit.plugins import whisper_stt\n"
        "assert threading.active_count() == before\n"
        "import psutil; assert not psutil.Process().children()"
    )
    assert await output_of(program, expect=0) == ""


async def test_bad_combinations_are_refused(http: aiohttp.ClientSession) -> None:
    with pytest.raises(ValueError, match="key="):
        whisper_stt.STT(model="rehearsal", key="x", http_session=http)
    with pytest.raises(ValueError, match="linger"):
        whisper_stt.STT(model="rehearsal", linger=0, http_session=http)


async def output_of(program: str, *, expect: int) -> str:
    """Of Python running this; what it wrote to stderr."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stderr=PIPE)
    async with asyncio.timeout(SECONDS):
        _, errors = await process.communicate()
    assert process.returncode == expect, errors.decode()
    return errors.decode()
