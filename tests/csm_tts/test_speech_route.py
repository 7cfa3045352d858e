"""`POST /v1/audio/speech`, as OpenAI's own client and LiveKit's use it."""

import asyncio
import contextlib
import io
import wave
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest
from livekit.plugins import openai as livekit_openai

from tests.conformance.tts import ONCE
from tests.csm_tts.conftest import KEY, Engine
from tests.csm_tts.tone import FRAME

PATH = "/v1/audio/speech"
HEADERS = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
async def client(engine: Engine) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=engine.url + "/v1", api_key=KEY, max_retries=0
    ) as connected:
        yield connected


class TestOpenAIClient:
    async def test_gets_pcm(self, client: openai.AsyncOpenAI) -> None:
        speech = await client.audio.speech.create(
            model="csm", voice="default", input="One two three.", response_format="pcm"
        )
        assert speech.content == FRAME * 3

    async def test_gets_a_wav(self, client: openai.AsyncOpenAI) -> None:
        speech = await client.audio.speech.create(
            model="csm", voice="default", input="One two.", response_format="wav", instructions="-"
        )
        with wave.open(io.BytesIO(speech.content)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
            assert file.readframes(1_000_000) == FRAME * 2

    async def test_hears_of_a_failure_as_a_status(self, client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.InternalServerError, match="told to refuse"):
            await client.audio.speech.create(model="csm", voice="default", input="I refuse.")

    async def test_hears_that_the_engine_is_full(
        self, client: openai.AsyncOpenAI, engine: Engine
    ) -> None:
        with contextlib.ExitStack() as calls:
            for _ in range(engine.gate.limit):
                calls.enter_context(engine.gate.session())
            with pytest.raises(openai.InternalServerError) as raised:
                await client.audio.speech.create(model="csm", voice="default", input="One.")
        assert raised.value.status_code == 503
        assert raised.value.response.headers["retry-after"]

    async def test_can_be_livekits(self, client: openai.AsyncOpenAI) -> None:
        voice = livekit_openai.TTS(
            client=client, model="csm", voice="default", response_format="pcm"
        )
        async with voice.synthesize("One two three.", conn_options=ONCE) as stream:
            frame = await stream.collect()
        await voice.aclose()
        assert frame.data.tobytes().startswith(FRAME * 3)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"input": ""}, 400),
        ({"input": "x" * 3_000}, 400),
        ({"input": "One.", "response_format": "mp3"}, 400),
        ({"input": "One.", "speed": 2}, 400),
        ({"input": "One.", "voice": "nobody"}, 400),
        ({"input": "One.", "colour": "red"}, 400),
        ({"input": "One.", "instructions": "x" * 100_000}, 413),
        ({"input": "I refuse."}, 500),
        ({"input": "This is mute.", "response_format": "pcm"}, 200),
    ],
)
async def test_bad_requests_say_what_is_wrong(
    http: aiohttp.ClientSession, engine: Engine, body: dict[str, Any], status: int
) -> None:
    async with http.post(engine.url + PATH, json=body, headers=HEADERS) as response:
        assert response.status == status
        if status != 200:
            assert (await response.json())["error"]["message"]
    assert engine.gate.held == 0


async def test_wants_the_key(http: aiohttp.ClientSession, engine: Engine) -> None:
    async with http.post(engine.url + PATH, json={"input": "One."}) as response:
        assert response.status == 401
    assert not engine.model.spoken


async def test_a_client_that_leaves_frees_the_engine(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    request = {"input": "This is endless.", "response_format": "pcm"}
    async with http.post(engine.url + PATH, json=request, headers=HEADERS) as response:
        await response.content.readexactly(len(FRAME))
        response.close()
    async with asyncio.timeout(5):
        await engine.model.free.wait()
        assert await engine.gate.drain(5)


async def test_metrics_count_sentences_and_first_frames(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    request = {"input": "One.", "response_format": "pcm"}
    async with http.post(engine.url + PATH, json=request, headers=HEADERS) as response:
        await response.read()
    async with http.get(engine.url + "/metrics", headers=HEADERS) as response:
        text = await response.text()
    assert 'parley_csm_sentences_total{finish_reason="stop"} 2.0' in text  # one warmed it up
    assert "parley_csm_first_frame_seconds_count 2.0" in text
