"""`POST /v1/audio/speech` with a CSM behind it: what it is asked for, and what it cannot read."""

import shutil
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from csm_engine.api import wanted
from csm_engine.csm import sampler
from csm_engine.csm_model import CsmModel
from tests.csm_tts.conftest import app_of
from tests.csm_tts.csm_folders import (
    TRANSCRIPT,
    Folders,
    csm_settings,
    noise,
    write_folders,
    write_wav,
)
from tests.csm_tts.posts import HEADERS, SPEECH, pcm
from tests.serving.running import running

pytestmark = pytest.mark.engine

MORNING = "Good morning."


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return write_folders(tmp_path_factory.mktemp("csm"))


@pytest.fixture
async def url(folders: Folders) -> AsyncIterator[str]:
    app, _ = app_of(CsmModel(csm_settings(folders)), voices=folders.voices)
    async with running(app) as server:
        yield server.url


async def said(http: aiohttp.ClientSession, url: str, text: str, **fields: Any) -> tuple[int, Any]:
    async with http.post(url + SPEECH, json=pcm(text, **fields), headers=HEADERS) as response:
        if response.status == 200:
            return 200, await response.read()
        return response.status, (await response.json())["error"]


def test_the_bounds_are_the_samplers() -> None:
    assert (wanted.MAX_TEMPERATURE, wanted.MAX_TOP_K) == (
        sampler.MAX_TEMPERATURE,
        sampler.MAX_TOP_K,
    )


async def test_a_seed_makes_the_same_again_and_another_something_else(
    http: aiohttp.ClientSession, url: str
) -> None:
    first, again, other, greedy = [
        await said(http, url, MORNING, **fields)
        for fields in ({"seed": 1}, {"seed": 1}, {"seed": 2}, {"seed": 1, "temperature": 0})
    ]
    assert first[0] == 200
    assert first[1]
    assert again == first
    assert other != first
    assert greedy != first


@pytest.mark.parametrize(
    ("text", "param", "says"),
    [
        ("Доброе утро", "input", "English only"),
        ("早上好", "input", "English only"),
        ("🙂", "input", "no word"),
    ],
)
async def test_what_it_cannot_read_is_the_texts_fault(
    http: aiohttp.ClientSession, url: str, text: str, param: str, says: str
) -> None:
    status, error = await said(http, url, text)
    assert (status, error["param"]) == (400, param)
    assert says in error["message"]


async def test_voices_and_languages_that_it_lacks_are_named(
    http: aiohttp.ClientSession, url: str
) -> None:
    async with http.get(url + "/v1/audio/voices", headers=HEADERS) as response:
        assert (await response.json())["voices"] == ["ada", "ben"]
    status, error = await said(http, url, MORNING, voice="eve")
    assert (status, error["code"], error["param"]) == (400, "unknown_voice", "voice")
    assert "there are ada, ben" in error["message"]
    status, error = await said(http, url, MORNING, language="de")
    assert (status, error["code"], error["param"]) == (400, "unknown_language", "language")


async def test_a_voice_that_is_added_speaks_as_itself(
    http: aiohttp.ClientSession, url: str, folders: Folders
) -> None:
    form = aiohttp.FormData({"name": "eve", "consent": "Noise.", "licence": "CC0-1.0"})
    form.add_field("transcript", TRANSCRIPT)
    write_wav(folders.voices.parent / "eve.wav", noise(1.2, seed=7))
    form.add_field("clip", (folders.voices.parent / "eve.wav").read_bytes(), filename="eve.wav")
    async with http.post(url + "/v1/audio/voices", data=form, headers=HEADERS) as response:
        assert response.status == 201, await response.text()
    status, sound = await said(http, url, MORNING, voice="eve", seed=1)
    assert status == 200
    assert sound
    assert sound != (await said(http, url, MORNING, voice="ada", seed=1))[1]
    shutil.rmtree(folders.voices / "eve")
