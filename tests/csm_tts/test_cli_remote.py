"""`speak --url`: over a real socket, with the tone model behind it."""

import asyncio
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.csm_tts.command_line import run
from tests.csm_tts.conftest import KEY, Engine
from tests.csm_tts.tone import FRAME
from tests.serving.running import running

Speak = Callable[..., Awaitable[str]]
"""URL, text and options → what is said of it, once the status is as it should be."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.wav"


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSM_LISTEN__KEY", KEY)


@pytest.fixture
def spoken(out: Path, capsys: pytest.CaptureFixture[str]) -> Speak:
    async def speak(url: str, text: str, *options: object) -> str:
        words = ("speak", text, "-o", out, "--url", url, *options)
        assert await asyncio.to_thread(run, *words) == 0
        return capsys.readouterr().err

    return speak


@pytest.fixture
def failed(out: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Speak]:
    """In one sentence, and nothing is written."""

    async def speak(url: str, text: str, *options: object) -> str:
        words = ("speak", text, "-o", out, "--url", url, *options)
        assert await asyncio.to_thread(run, *words) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        return said

    yield speak
    assert not out.exists()


@pytest.mark.usefixtures("keyed")
async def test_an_engine_speaks_into_a_file(engine: Engine, spoken: Speak, out: Path) -> None:
    assert (await spoken(engine.url, "one two three")).startswith("0.24 s of sound")
    with wave.open(str(out)) as file:
        assert file.readframes(file.getnframes()) == 3 * FRAME


@pytest.mark.usefixtures("keyed")
async def test_what_an_engine_refuses_is_told(engine: Engine, failed: Speak) -> None:
    assert "the engine refused: told to refuse" in await failed(engine.url, "refuse")
    assert "no voice 'eve'" in await failed(engine.url, "one", "--voice", "eve")
    assert "the engine " in await failed(engine.url, "fail")
    assert "nothing was spoken" in await failed(engine.url, "mute")


async def test_a_missing_key_is_told(engine: Engine, failed: Speak) -> None:
    assert "the engine refused" in await failed(engine.url, "one")


async def test_an_engine_that_is_not_there_is_named(failed: Speak) -> None:
    url = "http://127.0.0.1:9"
    assert f"there is no engine at {url}" in await failed(url, "one")
    for wrong in ("127.0.0.1:9", "http://", "http://[", "http://a:b", "file:///etc/passwd"):
        assert f"{wrong} is no engine's address" in await failed(wrong, "one")


DELTA = '{"type": "speech.audio.delta", "audio": "AAAA"}'


@pytest.fixture
async def scripted() -> AsyncIterator[tuple[str, list[dict[str, object]]]]:
    """An engine that keeps what it is asked, and answers with the text that it should speak."""
    asked: list[dict[str, object]] = []

    async def answer(request: Request) -> Response:
        asked.append(await request.json())
        return Response("".join(f"data: {line}\n\n" for line in str(asked[-1]["input"]).split("|")))

    app = Starlette(routes=[Route("/v1/audio/speech", answer, methods=["POST"])])
    async with running(app) as server:
        yield server.url, asked


async def test_what_was_chosen_is_asked_for(
    scripted: tuple[str, list[dict[str, object]]], spoken: Speak
) -> None:
    url, asked = scripted
    done = '{"type": "speech.audio.done", "finish_reason": "length"}'
    said = await spoken(f"{url}/", f"{DELTA}|{done}", "--seed", 7, "--top-k", 20)
    assert said.endswith("finish reason length\n")
    chosen = {"voice": "default", "seed": 7, "top_k": 20, "response_format": "pcm"}
    assert asked[0] | chosen == asked[0]
    assert "temperature" not in asked[0]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (DELTA, "broke off in the middle"),
        ('{"type": "error", "error": {"message": "fell off the bus"}}', "fell off the bus"),
        ('{"type": "speech.audio.delta"}', "no event of speech"),
        ('{"type": "speech.audio.delta", "audio": "?"}', "no event of speech"),
        ("hello", "no event of speech"),
    ],
)
async def test_a_reply_that_does_not_end_well_is_no_file(
    scripted: tuple[str, list[dict[str, object]]], failed: Speak, answer: str, says: str
) -> None:
    assert says in await failed(scripted[0], answer)
