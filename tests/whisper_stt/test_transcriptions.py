"""`POST /v1/audio/transcriptions`, as OpenAI's own client and LiveKit's use it."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import numpy as np
import openai
import pytest
from livekit import rtc
from livekit.agents import stt
from livekit.plugins import openai as livekit_openai
from starlette.datastructures import FormData, UploadFile

from tests.conformance.stt import Spoken
from tests.whisper_stt.containers import container
from tests.whisper_stt.doors import HEADERS, KEY, Doors, opened, wav
from whisper_engine.api.errors import ApiError
from whisper_engine.api.uploads import Limits
from whisper_engine.api.wanted import read_form
from whisper_engine.model import Kind
from whisper_engine.protocol import SAMPLE_RATE

PATH = "/v1/audio/transcriptions"
PAUSE = bytes(3 * SAMPLE_RATE)


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    async with opened(Limits(size=4_000_000, seconds=60, at_once=2)) as engine:
        yield engine


@pytest.fixture
async def client(doors: Doors) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=doors.v1, api_key=KEY, max_retries=0) as connected:
        yield connected


@pytest.fixture
def file(pcm: bytes) -> bytes:
    return wav(pcm)


@pytest.fixture
def twice(pcm: bytes) -> bytes:
    """The question, a pause that ends the utterance, the question."""
    return wav(PAUSE + pcm + PAUSE + pcm)


class TestOpenAIClient:
    async def test_gets_a_text(self, client: openai.AsyncOpenAI, file: bytes) -> None:
        heard = await client.audio.transcriptions.create(model="counting", file=("a.wav", file))
        assert heard.text.startswith("one two")
        assert heard.usage is not None
        assert heard.usage.type == "duration"

    @pytest.mark.parametrize("kind", ["stereo wav", "mp3"])
    async def test_may_send_any_container(
        self, client: openai.AsyncOpenAI, question: Spoken, kind: str
    ) -> None:
        data = container(kind, np.frombuffer(question.pcm, np.int16), question.rate)
        heard = await client.audio.transcriptions.create(model="counting", file=("a", data))
        assert heard.text.startswith("one two three")

    async def test_gets_words_and_segments(self, client: openai.AsyncOpenAI, twice: bytes) -> None:
        heard = await client.audio.transcriptions.create(
            model="counting",
            file=("a.wav", twice),
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
        assert heard.words is not None
        assert heard.segments is not None
        assert heard.language == "en"
        assert heard.duration == pytest.approx(len(twice) / 2 / SAMPLE_RATE, abs=0.01)
        first, second = heard.segments
        assert heard.text == f"{first.text} {second.text}"
        assert 1.0 < first.start < first.end < second.start < second.end < heard.duration
        assert [word.word for word in heard.words] == heard.text.split()
        assert heard.words[0].start == first.start

    async def test_gets_subtitles(self, client: openai.AsyncOpenAI, twice: bytes) -> None:
        srt = await client.audio.transcriptions.create(
            model="counting", file=("a.wav", twice), response_format="srt"
        )
        assert srt.count(" --> ") == 2
        assert srt.startswith("1\n00:00:0")
        vtt = await client.audio.transcriptions.create(
            model="counting", file=("a.wav", twice), response_format="vtt"
        )
        assert vtt.startswith("WEBVTT\n\n00:00:0")

    async def test_gets_plain_text(self, client: openai.AsyncOpenAI, file: bytes) -> None:
        text = await client.audio.transcriptions.create(
            model="counting", file=("a.wav", file), response_format="text"
        )
        assert text.startswith("one two")

    async def test_gets_each_utterance_as_it_is_heard(
        self, client: openai.AsyncOpenAI, twice: bytes
    ) -> None:
        stream = await client.audio.transcriptions.create(
            model="counting", file=("a.wav", twice), stream=True
        )
        events = [event async for event in stream]
        assert [event.type for event in events] == [
            "transcript.text.delta",
            "transcript.text.delta",
            "transcript.text.done",
        ]
        deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
        assert events[-1].type == "transcript.text.done"
        assert "".join(deltas) == events[-1].text

    async def test_hints_reach_the_model(
        self, client: openai.AsyncOpenAI, doors: Doors, file: bytes
    ) -> None:
        await client.audio.transcriptions.create(
            model="counting",
            file=("a.wav", file),
            language="fr",
            prompt="A restaurant.",
            temperature=0,
            extra_body={"keywords": ["Parley", "bouillabaisse"]},
        )
        (start,) = doors.model.started_with
        assert (start.language, start.prompt) == ("fr", "A restaurant.")
        assert start.keyterms == ("Parley", "bouillabaisse")

    async def test_hears_which_languages_there_are(
        self, client: openai.AsyncOpenAI, file: bytes
    ) -> None:
        with pytest.raises(openai.BadRequestError, match="en and fr"):
            await client.audio.transcriptions.create(
                model="counting", file=("a.wav", file), language="tlh"
            )

    async def test_hears_which_model_there_is(
        self, client: openai.AsyncOpenAI, file: bytes
    ) -> None:
        with pytest.raises(openai.NotFoundError, match="ask for 'counting'"):
            await client.audio.transcriptions.create(model="whisper-9", file=("a.wav", file))

    async def test_hears_of_a_failure_before_and_after_the_first_text(
        self, client: openai.AsyncOpenAI, doors: Doors, pcm: bytes, twice: bytes
    ) -> None:
        doors.model.broken = True
        with pytest.raises(openai.InternalServerError, match="fallen off the bus"):
            await client.audio.transcriptions.create(model="counting", file=("a.wav", twice))
        doors.model.broken = False
        cut = wav(pcm + 4 * PAUSE + pcm)[:-1_000]
        stream = await client.audio.transcriptions.create(
            model="counting", file=("a.wav", cut), stream=True
        )
        with pytest.raises(openai.APIError, match="breaks off"):
            _ = [event async for event in stream]


async def test_livekits_plugin_recognizes_with_it(
    client: openai.AsyncOpenAI, question: Spoken
) -> None:
    ears = livekit_openai.STT(client=client, model="counting", language="en")
    frame = rtc.AudioFrame(question.pcm, question.rate, 1, len(question.pcm) // 2)
    event = await ears.recognize(frame)
    await ears.aclose()
    assert event.type is stt.SpeechEventType.FINAL_TRANSCRIPT
    assert event.alternatives[0].text.startswith("one two three")


async def test_silence_is_no_text_and_no_decode(client: openai.AsyncOpenAI, doors: Doors) -> None:
    heard = await client.audio.transcriptions.create(
        model="counting", file=("a.wav", wav(bytes(10 * SAMPLE_RATE)))
    )
    assert heard.text == ""
    assert not doors.model.requests


async def test_long_speech_is_cut_to_what_a_decode_holds(
    client: openai.AsyncOpenAI, doors: Doors, pcm: bytes
) -> None:
    speech = pcm[: 2 * round(1.8 * SAMPLE_RATE)] * 20
    await client.audio.transcriptions.create(model="counting", file=("a.wav", wav(speech)))
    first, *others = doors.model.requests
    assert others
    for request in doors.model.requests:
        assert request.kind is Kind.FILE
        assert len(request.pcm) // 2 <= 20.5 * SAMPLE_RATE
        assert all(span.end <= len(request.pcm) // 2 for span in request.speech)
    assert not first.context
    assert others[0].context.startswith("one two")


def form(data: bytes | None, **fields: str) -> aiohttp.FormData:
    body = aiohttp.FormData()
    if data is not None:
        body.add_field("file", io.BytesIO(data), filename="call.wav")
    for name, value in fields.items():
        body.add_field(name, value)
    return body


async def refused(http: aiohttp.ClientSession, url: str, body: Any) -> tuple[int, dict[str, Any]]:
    async with http.post(url + PATH, data=body, headers=HEADERS) as response:
        return response.status, (await response.json())["error"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": "docx"}, "response_format"),
        ({"temperature": "0.7"}, "temperature"),
        ({"colour": "red"}, "colour"),
        ({"include[]": "logprobs"}, "include"),
        ({"language": "x"}, "language"),
        ({"prompt": "x" * 1_001}, "prompt"),
        ({"timestamp_granularities[]": "word"}, None),
        ({"stream": "true", "response_format": "srt"}, None),
    ],
)
def test_bad_fields_are_named(fields: dict[str, str], param: str) -> None:
    upload = UploadFile(io.BytesIO(b"sound"), filename="call.wav")
    with pytest.raises(ApiError) as raised:
        read_form(FormData([("file", upload), *fields.items()]), "counting")
    assert raised.value.status == 400
    assert raised.value.param == param
    assert raised.value.body["type"] == "invalid_request_error"


async def test_a_bad_field_costs_no_decode(
    http: aiohttp.ClientSession, doors: Doors, file: bytes
) -> None:
    status, error = await refused(http, doors.url, form(file, response_format="docx"))
    assert (status, error["param"]) == (400, "response_format")
    assert not doors.model.requests


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (wav(b""), 400),
        (b"hello " * 1_000, 415),
        (wav(bytes(2 * SAMPLE_RATE))[:-1_000], 400),
        (wav(bytes(2 * 61 * SAMPLE_RATE)), 413),
        (bytes(6_000_000), 413),
        (None, 400),
    ],
    ids=["empty", "soundless", "text", "truncated", "too long", "too large", "missing"],
)
async def test_bad_files_are_refused_and_the_next_one_is_heard(
    http: aiohttp.ClientSession, doors: Doors, file: bytes, data: bytes | None, status: int
) -> None:
    got, error = await refused(http, doors.url, form(data))
    assert (got, error["param"]) == (status, "file")
    async with http.post(doors.url + PATH, data=form(file), headers=HEADERS) as response:
        assert (await response.json())["text"].startswith("one two")


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=x"]
)
async def test_a_body_that_is_no_form_is_refused(
    http: aiohttp.ClientSession, doors: Doors, kind: str
) -> None:
    headers = {**HEADERS, "Content-Type": kind}
    async with http.post(doors.url + PATH, data=b"{}", headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["error"]["message"]


async def test_a_file_of_unknown_length_is_refused_while_it_comes(
    http: aiohttp.ClientSession, doors: Doors
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        while True:
            yield bytes(1 << 16)

    headers = {**HEADERS, "Content-Type": "multipart/form-data; boundary=x"}
    async with (
        asyncio.timeout(10),
        http.post(doors.url + PATH, data=endless(), headers=headers) as response,
    ):
        assert response.status == 413


async def test_wants_the_key(http: aiohttp.ClientSession, doors: Doors, file: bytes) -> None:
    async with http.post(doors.url + PATH, data=form(file)) as response:
        assert response.status == 401
    assert not doors.model.requests


@pytest.mark.parametrize("stream", ["false", "true"])
async def test_a_client_that_leaves_stops_the_work(
    http: aiohttp.ClientSession, doors: Doors, twice: bytes, stream: str
) -> None:
    doors.model.may_work.clear()
    sent = asyncio.create_task(
        http.post(doors.url + PATH, data=form(twice, stream=stream), headers=HEADERS).__aenter__()
    )
    async with asyncio.timeout(5):
        await doors.model.waits.wait()
        assert doors.model.lent == 1
        sent.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sent
    await doors.model.lends(0)
    assert len(doors.model.requests) == 1


async def test_uploads_have_a_limit_of_their_own(
    http: aiohttp.ClientSession, doors: Doors, file: bytes
) -> None:
    doors.model.may_work.clear()
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(_heard(http, doors, file))
        await doors.model.lends(2)
        async with http.post(doors.url + PATH, data=form(file), headers=HEADERS) as response:
            assert response.status == 503
            assert response.headers["Retry-After"]
        assert doors.gate.held == 0
        doors.model.may_work.set()
    await _heard(http, doors, file)


async def test_an_engine_that_stops_takes_none(
    http: aiohttp.ClientSession, doors: Doors, file: bytes
) -> None:
    assert await doors.gate.drain(1)
    status, error = await refused(http, doors.url, form(file))
    assert (status, error["code"]) == (503, "full")


async def _heard(http: aiohttp.ClientSession, doors: Doors, file: bytes) -> None:
    async with http.post(doors.url + PATH, data=form(file), headers=HEADERS) as response:
        assert response.status == 200
