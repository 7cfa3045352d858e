"""`POST /v1/audio/speech`, as OpenAI's own client and LiveKit's use it."""

import base64
import contextlib
import io
import json
import wave
from collections.abc import AsyncIterator

import aiohttp
import openai
import pytest
from livekit.plugins import openai as livekit_openai
from prometheus_client import CollectorRegistry, Gauge

from csm_engine.api.wanted import MAX_TEXT_CHARS, PART_CHARS
from csm_engine.audio import Resampler, to_mulaw
from tests.conformance.tts import ONCE
from tests.csm_tts.conftest import KEY, Engine, app_of
from tests.csm_tts.posts import HEADERS, SPEECH, pcm
from tests.csm_tts.tone import FRAME, Tone
from tests.serving.running import running


@pytest.fixture
async def client(engine: Engine) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=engine.url + "/v1", api_key=KEY, max_retries=0
    ) as connected:
        yield connected


def at(rate: int, pcm: bytes) -> bytes:
    resampler = Resampler(24_000, rate)
    return resampler.push(pcm) + resampler.finish()


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

    async def test_hears_a_text_that_cannot_be_said_as_its_own_mistake(
        self, client: openai.AsyncOpenAI
    ) -> None:
        with pytest.raises(openai.BadRequestError, match="told to refuse") as raised:
            await client.audio.speech.create(model="csm", voice="default", input="I refuse.")
        assert raised.value.code == "speak_failed"
        assert raised.value.param == "input"

    async def test_hears_that_the_engine_is_full(
        self, client: openai.AsyncOpenAI, engine: Engine
    ) -> None:
        with contextlib.ExitStack() as calls:
            for _ in range(engine.gate.limit):
                calls.enter_context(engine.gate.session())
            with pytest.raises(openai.InternalServerError) as raised:
                await client.audio.speech.create(model="csm", voice="default", input="One.")
        assert raised.value.status_code == 503
        assert raised.value.type == "server_error"
        assert raised.value.response.headers["retry-after"]

    async def test_streams_the_same_bytes_bare_and_in_events(
        self, client: openai.AsyncOpenAI
    ) -> None:
        streams = client.audio.speech.with_streaming_response
        async with streams.create(
            model="csm", voice={"id": "default"}, input="One two three.", response_format="pcm"
        ) as bare:
            assert bare.headers["content-type"] == "audio/pcm;rate=24000"
            pcm = b"".join([chunk async for chunk in bare.iter_bytes()])
        async with streams.create(
            model="csm",
            voice="default",
            input="One two three.",
            response_format="pcm",
            stream_format="sse",
        ) as sse:
            lines = [line async for line in sse.iter_lines() if line]
        *deltas, done = (json.loads(line.removeprefix("data: ")) for line in lines)
        assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
        assert b"".join(base64.b64decode(delta["audio"]) for delta in deltas) == pcm == FRAME * 3
        assert done == {
            "type": "speech.audio.done",
            "usage": {"input_tokens": 14, "output_tokens": 3, "total_tokens": 17},
            "finish_reason": "stop",
        }

    @pytest.mark.parametrize("rate", [8_000, 16_000])
    async def test_may_ask_for_another_rate(self, client: openai.AsyncOpenAI, rate: int) -> None:
        speech = await client.audio.speech.create(
            model="csm", voice="default", input="One.", extra_body={"sample_rate": rate}
        )
        with wave.open(io.BytesIO(speech.content)) as file:
            assert file.getframerate() == rate
            assert file.readframes(1_000_000) == at(rate, FRAME)

    async def test_may_ask_for_a_telephones_sound(self, client: openai.AsyncOpenAI) -> None:
        speech = await client.audio.speech.create(
            model="csm", voice="default", input="One.", extra_body={"response_format": "mulaw"}
        )
        assert speech.response.headers["content-type"] == "audio/basic"
        assert speech.content == to_mulaw(at(8_000, FRAME))


@pytest.mark.parametrize(
    ("response_format", "model"),
    [("pcm", "gpt-4o-mini-tts"), ("wav", "gpt-4o-mini-tts"), ("pcm", "tts-1"), ("wav", "tts-1")],
)
async def test_livekits_own_plugin_speaks_with_it(
    engine: Engine, response_format: str, model: str
) -> None:
    """It asks for events, but of `tts-1` for bare sound."""
    voice = livekit_openai.TTS(
        base_url=engine.url + "/v1",
        api_key=KEY,
        model=model,
        voice="default",
        response_format=response_format,
    )
    async with voice.synthesize("One two three.", conn_options=ONCE) as stream:
        frame = await stream.collect()
    await voice.aclose()
    assert frame.sample_rate == 24_000
    assert frame.data.tobytes().startswith(FRAME * 3)


async def test_a_text_that_makes_no_sound_is_no_failure(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    body = pcm("This is mute.", stream_format="sse")
    async with http.post(engine.url + SPEECH, json=body, headers=HEADERS) as response:
        done = json.loads((await response.text()).removeprefix("data: "))
    assert done["type"] == "speech.audio.done"
    assert done["usage"]["output_tokens"] == 0


async def test_a_long_text_is_said_in_parts_that_know_of_each_other(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    text = "We are open from nine to five. " * (MAX_TEXT_CHARS // 31)
    async with http.post(engine.url + SPEECH, json=pcm(text), headers=HEADERS) as response:
        sound = await response.read()
    assert sound == FRAME * len(text.split())
    assert " ".join(engine.model.spoken) == text.strip()
    assert max(map(len, engine.model.spoken)) <= PART_CHARS
    (manner,) = engine.model.manners
    assert manner.remembers == "agent"


async def test_how_to_say_it_reaches_the_model(http: aiohttp.ClientSession, engine: Engine) -> None:
    body = pcm("One.", seed=7, temperature=0.5, top_k=0, language="en-GB")
    async with http.post(engine.url + SPEECH, json=body, headers=HEADERS) as response:
        await response.read()
    (manner,) = engine.model.manners
    assert (manner.seed, manner.temperature, manner.top_k) == (7, 0.5, 0)
    assert (manner.language, manner.remembers, manner.live) == ("en-GB", "nothing", False)


async def test_metrics_count_sentences_and_first_frames(
    http: aiohttp.ClientSession, engine: Engine
) -> None:
    request = {"input": "One.", "response_format": "pcm"}
    async with http.post(engine.url + SPEECH, json=request, headers=HEADERS) as response:
        await response.read()
    async with http.get(engine.url + "/metrics", headers=HEADERS) as response:
        text = await response.text()
    assert 'parley_csm_sentences_total{finish_reason="stop"} 2.0' in text  # one warmed it up
    assert "parley_csm_first_frame_seconds_count 2.0" in text


class Counting(Tone):
    def __init__(self) -> None:
        super().__init__()
        self.metrics = CollectorRegistry()
        Gauge("of_the_model", "Its own.", registry=self.metrics).set(7)


async def test_metrics_show_the_models_own(http: aiohttp.ClientSession) -> None:
    app, _ = app_of(Counting())
    async with (
        running(app) as server,
        http.get(server.url + "/metrics", headers=HEADERS) as response,
    ):
        text = await response.text()
    assert "of_the_model 7.0" in text
    assert "parley_csm_sessions 0.0" in text
