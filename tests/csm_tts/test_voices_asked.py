"""`/v1/audio/voices?language=…`: whether a voice could speak, asked before there is anything to say."""

import aiohttp
import pytest

from csm_engine.model import UnknownVoiceError
from tests.csm_tts.conftest import app_of
from tests.csm_tts.posts import HEADERS
from tests.csm_tts.tone import Tone
from tests.serving.running import running


class English(Tone):
    voices = ("ada",)

    def check(self, voice: str, language: str) -> None:
        if voice not in {"ada", "default"} or not language.startswith("en"):
            raise UnknownVoiceError(f"{voice!r} in {language!r} is too much for it")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 200, None),
        ("?language=en-GB", 200, None),
        ("?language=en&voice=ada", 200, None),
        ("?language=en&voice=zoe", 400, "unknown_voice"),
        ("?language=de", 400, "unknown_language"),
    ],
)
async def test_who_asks_is_told_what_could_not_be_spoken(
    http: aiohttp.ClientSession, query: str, status: int, code: str | None
) -> None:
    app, _ = app_of(English())
    async with (
        running(app) as server,
        http.get(f"{server.url}/v1/audio/voices{query}", headers=HEADERS) as response,
    ):
        assert response.status == status
        assert (await response.json()).get("error", {}).get("code") == code
