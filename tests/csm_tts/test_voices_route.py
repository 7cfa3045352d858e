"""`/v1/audio/voices`: what there is to speak in, and one more while the engine runs."""

import asyncio
import io
import shutil
import wave
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np
import openai
import pytest

from csm_engine.clip import VoiceError
from csm_engine.model import SpeakError, UnknownVoiceError
from csm_engine.protocol import Failed, SessionConfig
from parley_serving import Gate
from tests.csm_tts.conftest import KEY, app_of
from tests.csm_tts.posts import HEADERS, SPEECH, pcm
from tests.csm_tts.tone import FRAME, Tone
from tests.csm_tts.wire import wire
from tests.serving.running import running

VOICES = "/v1/audio/voices"
TEXTS = {
    "name": "eve",
    "transcript": "Hello to all.",
    "consent": "Eve allows her voice for this line, 2 May.",
    "licence": "CC0-1.0",
}


class Choir(Tone):
    """Learns any voice but a lame one, and waits for `may_learn` first; a fatal one is too much."""

    def __init__(self) -> None:
        super().__init__()
        self.known = ["ada", "ben"]
        self.asked_to_learn = asyncio.Event()
        self.may_learn = asyncio.Event()
        self.may_learn.set()

    @property
    def voices(self) -> Sequence[str]:  # type: ignore[override]
        return self.known

    def check(self, voice: str, language: str) -> None:
        if voice not in {*self.known, "default"}:
            raise UnknownVoiceError(f"no voice {voice!r}; there are {', '.join(self.known)}")

    async def add_voice(self, folder: Path) -> None:
        self.asked_to_learn.set()
        await self.may_learn.wait()
        if folder.name == "lame":
            raise VoiceError(f"{folder}/clip.wav lasts longer than this model's prompt")
        if folder.name == "late":
            raise SpeakError("the engine has stopped", retryable=True)
        if folder.name == "fatal":
            raise LookupError("a fault of the model's own")
        self.known.append(folder.name)


@dataclass(frozen=True)
class Hall:
    choir: Choir
    gate: Gate
    url: str
    root: Path


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    choir = Choir()
    app, gate = app_of(choir, voices=tmp_path)
    async with running(app) as server:
        yield Hall(choir, gate, server.url, tmp_path)


def clip(seconds: float = 1.2, *, channels: int = 1, loud: bool = True) -> bytes:
    samples = np.random.default_rng(0).normal(0, 3_000 if loud else 1, int(seconds * 24_000))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((channels, 2, 24_000, 0, "NONE", ""))
        out.writeframes(samples.astype(np.int16).tobytes())
    return file.getvalue()


def form(wav: bytes | None = None, **changed: str | None) -> aiohttp.FormData:
    data = aiohttp.FormData()
    for name, text in {**TEXTS, **changed}.items():
        if text is not None:
            data.add_field(name, text)
    data.add_field("clip", io.BytesIO(clip() if wav is None else wav), filename="clip.wav")
    return data


async def post(
    http: aiohttp.ClientSession, hall: Hall, data: aiohttp.FormData
) -> tuple[int, dict[str, str]]:
    async with http.post(hall.url + VOICES, data=data, headers=HEADERS) as response:
        body = await response.json()
    return response.status, body.get("error", body)


async def names(http: aiohttp.ClientSession, hall: Hall) -> list[str]:
    async with http.get(hall.url + VOICES, headers=HEADERS) as response:
        voices: list[str] = (await response.json())["voices"]
    return voices


async def test_a_voice_that_is_added_can_be_spoken_in_at_once(
    http: aiohttp.ClientSession, hall: Hall
) -> None:
    assert await names(http, hall) == ["ada", "ben"]
    assert await post(http, hall, form()) == (
        201,
        {"id": "eve", "name": "eve", "object": "audio.voice"},
    )
    assert await names(http, hall) == ["ada", "ben", "eve"]
    async with http.post(hall.url + SPEECH, json=pcm("One.", voice="eve"), headers=HEADERS) as got:
        assert await got.read() == FRAME
    folder = hall.root / "eve"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "clip.wav": clip(),
        "transcript.txt": b"Hello to all.\n",
        "consent.txt": b"Eve allows her voice for this line, 2 May.\n",
        "licence.txt": b"CC0-1.0\n",
    }
    assert list(hall.root.iterdir()) == [folder]


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (form(consent=None), (400, "bad_request", "consent: Field required")),
        (form(consent=" \n"), (400, "bad_request", "consent: ")),
        (form(licence=""), (400, "bad_request", "licence: ")),
        (form(colour="red"), (400, "bad_request", "colour: ")),
        (form(name="../eve"), (400, "bad_voice", "a voice's name has letters")),
        (form(name=".eve"), (400, "bad_voice", "a voice's name has letters")),
        (form(transcript="Hello " * 40), (400, "bad_voice", "clip.wav lasts 1.2 s, its transcr")),
        (form(clip(21)), (400, "bad_voice", "clip.wav lasts 21.0 s: cut it")),
        (form(clip(loud=False)), (400, "bad_voice", "clip.wav is silent")),
        (form(clip(channels=2)), (400, "bad_voice", "2 channels: mix it to mono")),
        (form(b"RIFF"), (400, "bad_voice", "is no WAV")),
        (form(b""), (400, "bad_voice", "is no WAV")),
        (form(bytes(9_000_000)), (413, "too_large", "send less at once")),
        (form(transcript="x" * 20_000), (400, "bad_form", "")),
        (form(name="lame"), (400, "bad_voice", "clip.wav lasts longer")),
        (form(name="late"), (503, "full", "the engine has stopped")),
    ],
)
async def test_what_makes_no_voice_is_refused_and_leaves_nothing(
    http: aiohttp.ClientSession,
    hall: Hall,
    data: aiohttp.FormData,
    answer: tuple[int, str, str],
) -> None:
    status, error = await post(http, hall, data)
    assert (status, error["code"]) == answer[:2]
    assert answer[2] in error["message"]
    assert str(hall.root) not in error["message"]
    assert not list(hall.root.iterdir())
    assert await names(http, hall) == ["ada", "ben"]


async def test_a_model_that_fails_leaves_nothing_either(
    http: aiohttp.ClientSession, hall: Hall
) -> None:
    status, error = await post(http, hall, form(name="fatal"))
    assert (status, error["code"]) == (500, "internal_error")
    assert not list(hall.root.iterdir())
    async with aiohttp.ClientSession() as another:
        assert (await post(another, hall, form()))[0] == 201


async def test_a_clip_must_be_a_file(http: aiohttp.ClientSession, hall: Hall) -> None:
    data = aiohttp.FormData(TEXTS, default_to_multipart=True)
    status, error = await post(http, hall, data)
    assert (status, error["code"], error["param"]) == (400, "no_clip", "clip")


async def test_a_voice_is_never_overwritten(http: aiohttp.ClientSession, hall: Hall) -> None:
    await post(http, hall, form())
    status, error = await post(http, hall, form(clip(1.3)))
    assert (status, error["code"], error["param"]) == (409, "voice_exists", "name")
    assert (hall.root / "eve" / "clip.wav").read_bytes() == clip()


async def test_one_is_added_at_a_time_and_none_by_an_engine_that_stops(
    http: aiohttp.ClientSession, hall: Hall
) -> None:
    hall.choir.may_learn.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(post(http, hall, form()))
        await hall.choir.asked_to_learn.wait()
        status, error = await post(http, hall, form(name="fay"))
        assert (status, error["message"]) == (503, "another voice is being added")
        hall.choir.may_learn.set()
    assert first.result()[0] == 201
    await hall.gate.drain(1)
    status, error = await post(http, hall, form(name="fay"))
    assert (status, error["message"]) == (503, "the engine is stopping")


async def test_a_folder_that_cannot_be_written_is_said(
    http: aiohttp.ClientSession, hall: Hall
) -> None:
    shutil.rmtree(hall.root)
    status, error = await post(http, hall, form())
    assert (status, error["code"]) == (500, "unwritable")
    assert error["message"] == "the folder of voices cannot be written: No such file or directory"


async def test_a_model_that_learns_none_says_what_to_run(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    for model, settings in ((Tone(), {"voices": tmp_path}), (Choir(), {})):
        app, gate = app_of(model, **settings)
        async with running(app) as server:
            status, error = await post(http, Hall(Choir(), gate, server.url, tmp_path), form())
        assert (status, error["code"]) == (400, "fixed_voices")
        assert "CSM_VOICES" in error["message"]


async def test_the_key_is_wanted(http: aiohttp.ClientSession, hall: Hall) -> None:
    async with http.get(hall.url + VOICES) as response:
        assert response.status == 401
    async with http.post(hall.url + VOICES, data=form()) as response:
        assert response.status == 401


async def test_an_unknown_voice_is_refused_with_the_list_by_every_door(
    http: aiohttp.ClientSession, hall: Hall
) -> None:
    listed = "no voice 'eve'; there are ada, ben"
    async with openai.AsyncOpenAI(base_url=hall.url + "/v1", api_key=KEY) as client:
        with pytest.raises(openai.BadRequestError, match=listed) as raised:
            await client.audio.speech.create(model="csm", voice="eve", input="One.")
    assert (raised.value.code, raised.value.param) == ("unknown_voice", "voice")
    async with wire(http, hall.url) as client:
        await client.send(SessionConfig(voice="eve"))
        refused = await client.receive()
    assert isinstance(refused, Failed)
    assert (refused.code, refused.message) == ("unknown_voice", listed)
