"""An engine with the counting model behind a real socket, and STT objects that hear with it."""

import math
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import soxr
from livekit.plugins import whisper_stt
from pydantic import SecretStr
from starlette.applications import Starlette

from parley_serving import Gate, ListenSettings, build_app
from tests.conformance.stt import MakeSTT, Spoken
from tests.serving.running import Running, running
from tests.whisper_stt.counting import Counting
from whisper_engine.config import Settings
from whisper_engine.model import Model
from whisper_engine.protocol import MAX_MESSAGE_BYTES, SAMPLE_RATE
from whisper_engine.server import make_service

KEY = "sesame"
QUESTION = Path(__file__).parent.parent / "data" / "audio" / "weather_question.wav"


@dataclass(frozen=True)
class Engine:
    model: Counting
    gate: Gate
    server: Running

    @property
    def url(self) -> str:
        return self.server.url


def app_of(model: Model) -> tuple[Starlette, Gate]:
    """Nothing is too late to be worth an interim: these clients do not wait for the clock."""
    listen = ListenSettings(port=1, key=SecretStr(KEY), max_sessions=4)
    service = make_service(model, Settings(listen=listen), behind=math.inf)
    return build_app(service), service.gate


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    model = Counting()
    app, gate = app_of(model)
    async with running(app, max_message=MAX_MESSAGE_BYTES) as server:
        yield Engine(model, gate, server)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def url(engine: Engine) -> str:
    """Of the engine that `make_stt` hears with unless told otherwise."""
    return engine.url


@pytest.fixture
async def make_stt(url: str, http: aiohttp.ClientSession) -> AsyncIterator[MakeSTT]:
    made: list[whisper_stt.STT] = []

    def make(**options: Any) -> whisper_stt.STT:
        ears = whisper_stt.STT(**{"url": url, "key": KEY, "http_session": http, **options})
        made.append(ears)
        return ears

    yield make
    for ears in made:
        await ears.aclose()


@pytest.fixture(scope="session")
def question() -> Spoken:
    """A real voice, at 24 kHz."""
    with wave.open(str(QUESTION)) as file:
        pcm = file.readframes(file.getnframes())
        return Spoken(pcm, file.getframerate(), "what is the weather in Paris")


@pytest.fixture(scope="session")
def pcm(question: Spoken) -> bytes:
    """The question as the engine takes it, with half a second of silence after it."""
    samples = np.frombuffer(question.pcm, np.int16)
    return bytes(soxr.resample(samples, question.rate, SAMPLE_RATE)) + bytes(SAMPLE_RATE)


@pytest.fixture
def spoken(question: Spoken) -> Spoken:
    """To the counting model the question is so many words."""
    return Spoken(question.pcm, question.rate, "one two three four")
