"""An engine with the tone model behind a real socket, and TTS objects that speak with it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from livekit.plugins import csm_tts
from pydantic import SecretStr

from csm_engine.config import Settings
from csm_engine.model import Model
from csm_engine.server import make_service
from parley_serving import Gate, ListenSettings, build_app
from tests.conformance.tts import MakeTTS
from tests.csm_tts.tone import Tone
from tests.serving.running import Running, running

KEY = "sesame"


@dataclass(frozen=True)
class Engine:
    model: Tone
    gate: Gate
    server: Running

    @property
    def url(self) -> str:
        return self.server.url


def app_of(model: Model, **settings: Any) -> tuple[Any, Gate]:
    listen = ListenSettings(port=1, key=SecretStr(KEY), max_sessions=4)
    service = make_service(model, Settings(**{"listen": listen, **settings}))
    return build_app(service), service.gate


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    model = Tone()
    app, gate = app_of(model)
    async with running(app) as server:
        model.forget()  # the warm request
        yield Engine(model, gate, server)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def url(engine: Engine) -> str:
    """Of the engine that `make_tts` speaks with unless told otherwise."""
    return engine.url


@pytest.fixture
async def make_tts(url: str, http: aiohttp.ClientSession) -> AsyncIterator[MakeTTS]:
    made: list[csm_tts.TTS] = []

    def make(**options: Any) -> csm_tts.TTS:
        voice = csm_tts.TTS(**{"url": url, "key": KEY, "http_session": http, **options})
        made.append(voice)
        return voice

    yield make
    for voice in made:
        await voice.aclose()
