"""What `POST /v1/audio/speech` refuses, and how it ends when a side gives up."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from csm_engine.api.wanted import MAX_BODY_BYTES, MAX_TEXT_CHARS
from csm_engine.protocol import PATH
from tests.csm_tts.conftest import KEY, Engine, app_of
from tests.csm_tts.posts import HEADERS, SPEECH, pcm
from tests.csm_tts.tone import FRAME, Tone
from tests.serving.running import running


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (pcm(""), (400, "input", "at least 1")),
        (pcm("x" * (MAX_TEXT_CHARS + 1)), (400, "input", "at most 10000")),
        (pcm(" \n"), (400, "input", "no word")),
        (pcm("🙂 👍🏽"), (400, "input", "no word")),
        (pcm("\x00\x07\x1b"), (400, "input", "no word")),
        (pcm("One.", response_format="mp3"), (400, "response_format", "'pcm', 'wav' or 'mulaw'")),
        (pcm("One.", response_format="mulaw", sample_rate=24_000), (400, None, "8000 Hz")),
        (pcm("One.", sample_rate=44_100), (400, "sample_rate", "8000, 16000 or 24000")),
        (pcm("One.", speed=2), (400, "speed", "one speed")),
        (pcm("One.", seed=-1), (400, "seed", "greater")),
        (pcm("One.", temperature=5.1), (400, "temperature", "less than or equal to 5")),
        (pcm("One.", top_k=257), (400, "top_k", "less than or equal to 256")),
        (pcm("One.", voice="nobody"), (400, "voice", "no voice 'nobody'")),
        (pcm("One.", voice={"id": "nobody"}), (400, "voice", "no voice 'nobody'")),
        (pcm("One.", voice={"name": "default"}), (400, "voice", "string")),
        (pcm("One.", colour="red"), (400, "colour", "not permitted")),
        (pcm("One.", instructions="x" * 300_000), (413, None, "less at once")),
        (pcm("I am busy."), (503, None, "told to be busy")),
    ],
)
async def test_bad_requests_say_what_is_wrong(
    http: aiohttp.ClientSession,
    engine: Engine,
    body: dict[str, Any],
    answer: tuple[int, str | None, str],
) -> None:
    status, param, said = answer
    async with http.post(engine.url + SPEECH, json=body, headers=HEADERS) as response:
        assert response.status == status
        assert (response.headers.get("Retry-After") is not None) == (status == 503)
        error = (await response.json())["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["param"] == param
    assert said in error["message"]
    assert engine.gate.held == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"input": "\\ud800"}', b"\xff"])
async def test_what_is_no_json_of_ours_is_a_bad_request(
    http: aiohttp.ClientSession, engine: Engine, body: bytes
) -> None:
    async with http.post(engine.url + SPEECH, data=body, headers=HEADERS) as response:
        assert response.status == 400
        assert (await response.json())["error"]["code"] == "bad_request"


async def test_a_body_that_does_not_say_how_long_it_is_is_bounded_too(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"input": "One.", "instructions": "'
        for _ in range(MAX_BODY_BYTES // 4096 + 1):
            yield b"x" * 4096

    async with http.post(engine.url + SPEECH, data=body(), headers=HEADERS) as response:
        assert response.status == 413
        assert (await response.json())["error"]["code"] == "too_large"
    assert not engine.model.spoken


async def test_wants_the_key(http: aiohttp.ClientSession, engine: Engine) -> None:
    async with http.post(engine.url + SPEECH, json={"input": "One."}) as response:
        assert response.status == 401
    assert not engine.model.spoken


class Packed(Tone):
    def has_room(self) -> bool:
        return False


class Lost(Tone):
    broken: str | None = None  # type: ignore[assignment]


async def test_a_model_without_room_takes_no_text_and_no_call(http: aiohttp.ClientSession) -> None:
    app, _ = app_of(Packed())
    async with running(app) as server:
        async with http.post(server.url + SPEECH, json=pcm("One."), headers=HEADERS) as response:
            assert response.status == 503
            assert (await response.json())["error"]["code"] == "full"
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await http.ws_connect(server.url + PATH, headers=HEADERS)
        async with http.get(server.url + "/ready") as response:
            assert (await response.json())["room"] == 0


async def test_a_model_that_breaks_is_reported_and_asked_for_nothing(
    http: aiohttp.ClientSession,
) -> None:
    model = Lost()
    app, _ = app_of(model)
    async with running(app) as server:
        model.forget()
        model.broken = "the device is lost"
        async with http.get(server.url + "/health") as response:
            assert response.status == 503
            assert (await response.json())["reason"] == "the device is lost"
        async with http.post(server.url + SPEECH, json=pcm("One."), headers=HEADERS) as response:
            assert response.status == 503
            assert (await response.json())["error"]["code"] == "broken"
    assert not model.spoken


async def test_a_client_that_leaves_frees_the_engine(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    request = pcm("This is endless.")
    async with http.post(engine.url + SPEECH, json=request, headers=HEADERS) as response:
        await response.content.readexactly(len(FRAME))
        response.close()
    async with asyncio.timeout(5):
        await engine.model.free.wait()
        assert await engine.gate.drain(5)


async def test_a_client_that_leaves_before_the_first_sound_does_too(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    async def ask() -> None:
        async with http.post(engine.url + SPEECH, json=pcm("This is slow."), headers=HEADERS):
            pass

    asking = asyncio.create_task(ask())
    async with asyncio.timeout(5):
        await engine.model.asked.wait()
        asking.cancel()
        await engine.model.free.wait()
        await engine.gate.empty()
    assert not engine.model.made


async def test_what_fails_after_the_first_sound_is_an_event_or_a_broken_connection(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    body = pcm("This will fail.", stream_format="sse")
    async with http.post(engine.url + SPEECH, json=body, headers=HEADERS) as response:
        first, last = (json.loads(line[6:]) for line in (await response.text()).split("\n\n")[:-1])
    assert base64.b64decode(first["audio"]) == FRAME
    assert last["error"]["message"] == "told to fail"
    async with http.post(engine.url + SPEECH, json=pcm("This will fail."), headers=HEADERS) as bare:
        assert await bare.content.readexactly(len(FRAME)) == FRAME
        with pytest.raises(aiohttp.ClientPayloadError):
            await bare.read()
    assert engine.gate.held == 0


async def test_a_sentence_that_is_cut_says_so() -> None:
    app, _ = app_of(Tone(), longest=0.25)
    async with (
        running(app) as server,
        aiohttp.ClientSession(server.url, headers=HEADERS) as http,
        http.post(SPEECH, json=pcm("This is endless.", stream_format="sse")) as response,
    ):
        *_, done = (await response.text()).strip().split("\n\n")
    assert json.loads(done.removeprefix("data: "))["finish_reason"] == "length"


async def test_a_client_that_reads_nothing_is_let_go() -> None:
    model = Tone()
    app, gate = app_of(model, stall=0.2)
    async with running(app) as server:
        reader, writer = await asyncio.open_connection(*server.address, limit=1_024)
        body = json.dumps(pcm("This is endless.")).encode()
        writer.write(
            f"POST {SPEECH} HTTP/1.1\r\nHost: engine\r\nAuthorization: Bearer {KEY}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        assert b"200" in await reader.readline()
        async with asyncio.timeout(10):
            await model.free.wait()
            await gate.empty()
        writer.transport.abort()
