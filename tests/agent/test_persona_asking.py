"""Whether the persona's voice can speak as it should, asked over real sockets."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import HttpUrl, SecretStr

from agent.config import VoiceSettings
from agent.persona import NotAskedError, Persona, PersonaError, refuse_a_wrong_voice
from csm_engine.model import UnknownVoiceError
from tests.csm_tts.conftest import KEY, app_of
from tests.csm_tts.tone import Tone
from tests.fakes.http import listening
from tests.serving.running import running

NOBODY = "http://127.0.0.1:9"


class English(Tone):
    def check(self, voice: str, language: str) -> None:
        super().check(voice, language)
        if language != "en":
            raise UnknownVoiceError(f"speaks English, not {language!r}")


@pytest.fixture
async def engine() -> AsyncIterator[VoiceSettings]:
    app, _ = app_of(English())
    async with running(app) as server:
        yield VoiceSettings(url=HttpUrl(server.url), key=SecretStr(KEY))


class Kiosk:
    """Somebody else's server: answers a list of voices as it is told to."""

    def __init__(self) -> None:
        self.body: Any = {}
        self.status = 200
        self.keys: list[str | None] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Authorization"))
        return web.json_response(self.body, status=self.status)


@pytest.fixture
async def kiosk() -> AsyncIterator[tuple[Kiosk, str]]:
    kiosk, app = Kiosk(), web.Application()
    app.router.add_get("/v1/audio/voices", kiosk.answer)
    async with listening(app) as url:
        yield kiosk, f"{url}/v1"


def persona(**said: Any) -> Persona:
    return Persona.model_validate(
        {"name": "clerk", "instructions": "Be brief.", "greeting": "Hello.", **said}
    )


async def ask(persona: Persona, own: VoiceSettings, **environment: str) -> None:
    async with aiohttp.ClientSession() as http:
        await refuse_a_wrong_voice(persona, own, http, environment)


async def test_our_engine_takes_what_it_can_speak(engine: VoiceSettings) -> None:
    await ask(persona(), engine)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"language": "de"}, r"persona clerk: language: the voice refuses: speaks English, not"),
        ({"voice": "anna"}, r"persona clerk: voice: the voice refuses: no voice 'anna'"),
    ],
)
async def test_our_engine_refuses_what_it_cannot_speak(
    engine: VoiceSettings, said: dict[str, str], complaint: str
) -> None:
    with pytest.raises(PersonaError, match=complaint):
        await ask(persona(**said), engine)


async def test_an_engine_that_is_away_or_lacks_its_key_says_nothing(engine: VoiceSettings) -> None:
    with pytest.raises(NotAskedError, match="ClientConnector"):
        await ask(persona(language="de"), VoiceSettings(url=HttpUrl(NOBODY)))
    with pytest.raises(NotAskedError, match="HTTP status 401"):
        await ask(persona(language="de"), engine.model_copy(update={"key": None}))


@pytest.mark.parametrize(
    "body",
    [
        {"voices": ["anna", "ben"]},
        {"voices": [{"id": "anna", "name": "Anna"}]},
        {"data": [{"voice_id": "anna"}]},
        ["anna"],
    ],
)
async def test_a_voice_that_another_server_lists_is_taken_and_others_refused(
    kiosk: tuple[Kiosk, str], body: Any
) -> None:
    server, url = kiosk
    server.body = body
    speech = {"url": url, "model": "m", "voice": "anna", "key": "SHELF"}
    own = VoiceSettings(url=HttpUrl(NOBODY))
    await ask(persona(speech=speech), own, AGENT_SECRET_SHELF="s3cret")
    assert server.keys == ["Bearer s3cret"]
    await ask(persona(speech={**speech, "key": None, "voice": "anna+zoe"}), own)
    with pytest.raises(PersonaError, match=r"speech\.voice: no voice 'zoe'; there are: .*anna"):
        await ask(persona(speech={**speech, "key": None, "voice": "zoe"}), own)


async def test_another_server_without_a_list_says_nothing(kiosk: tuple[Kiosk, str]) -> None:
    server, url = kiosk
    server.status = 404
    with pytest.raises(NotAskedError, match="HTTP status 404"):
        await ask(
            persona(speech={"url": url, "model": "m", "voice": "zoe"}),
            VoiceSettings(url=HttpUrl(NOBODY)),
        )
