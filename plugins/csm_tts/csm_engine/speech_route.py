"""`POST /v1/audio/speech`: OpenAI's shape, so that any OpenAI client can speak with this engine."""

import base64
import json
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, closing
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from csm_engine.audio import SAMPLE_BYTES
from csm_engine.model import Manner, SpeakError, UnknownVoiceError
from csm_engine.protocol import MAX_MESSAGE_BYTES, MAX_SENTENCE_CHARS, SAMPLE_RATE
from csm_engine.speaker import Progress, Speaker
from parley_serving import Gate, RefusedError
from parley_serving.gate import FullError

_MEDIA = {"pcm": f"audio/pcm;rate={SAMPLE_RATE}", "wav": "audio/wav"}
_UNKNOWN_LENGTH = 0xFFFF_FFFF


class SpeechRequest(BaseModel):
    """What OpenAI clients send. `instructions` and `model` are taken and not used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: str = Field(min_length=1, max_length=MAX_SENTENCE_CHARS)
    voice: str = Field(default="default", min_length=1, max_length=64)
    language: str = Field(default="en", min_length=2, max_length=16)
    response_format: Literal["pcm", "wav"] = "wav"
    stream_format: Literal["audio", "sse"] = "audio"
    speed: float = Field(default=1.0, ge=1.0, le=1.0)
    model: str = ""
    instructions: str | None = None


def speech_route(speaker: Speaker, gate: Gate) -> Route:
    """The route. A request holds one of the gate's sessions while it is answered."""

    async def speech(request: Request) -> Response:
        try:
            wanted = SpeechRequest.model_validate_json(await _body(request))
            speaker.model.check(wanted.voice, wanted.language)
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in problem["loc"])
            return _refusal(400, "bad_request", f"{where}: {problem['msg']}")
        except RefusedError as error:
            return _refusal(413, error.code, str(error))
        except UnknownVoiceError as error:
            return _refusal(400, "unknown_voice", str(error))
        async with AsyncExitStack() as stack:
            try:
                stack.enter_context(gate.session())
                conversation = stack.enter_context(closing(speaker.model.converse(_manner(wanted))))
                sound = speaker.speak(conversation, wanted.input, Progress())
                frames = await stack.enter_async_context(aclosing(sound))
                first = await anext(frames, b"")  # before the status is sent: it may still fail
            except FullError as error:
                return _refusal(503, "full", str(error), retry_after=error.retry_after)
            except SpeakError as error:
                return _refusal(500, "speak_failed", str(error))
            head = wav_header() if wanted.response_format == "wav" else b""
            body, media = _joined(head + first, frames), _MEDIA[wanted.response_format]
            if wanted.stream_format == "sse":
                body, media = _as_events(body), "text/event-stream"
            return _Sound(body, media, stack.pop_all())

    return Route("/v1/audio/speech", speech, methods=["POST"])


def _manner(wanted: SpeechRequest) -> Manner:
    return Manner(voice=wanted.voice, language=wanted.language, remembers="nothing", live=False)


def wav_header() -> bytes:
    """Of a stream whose length nobody knows yet: both sizes say "to the end"."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", _UNKNOWN_LENGTH, b"WAVE", b"fmt ", 16, 1, 1),
        *(SAMPLE_RATE, SAMPLE_RATE * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES),
        *(b"data", _UNKNOWN_LENGTH),
    )


class _Sound(Response):
    """Frees the session and the model when the client has it all, or has left."""

    def __init__(self, body: AsyncIterator[bytes], media: str, held: AsyncExitStack) -> None:
        self._stream = StreamingResponse(body, media_type=media)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await self._stream(scope, receive, send)


async def _joined(first: bytes, frames: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    yield first
    async for frame in frames:
        yield frame


async def _as_events(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in body:
        yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()})
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    yield _event({"type": "speech.audio.done", "usage": usage})


def _event(content: Mapping[str, object]) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_MESSAGE_BYTES:
            raise RefusedError("too_large", f"a request may have {MAX_MESSAGE_BYTES} bytes")
    return body


def _refusal(status: int, code: str, message: str, *, retry_after: int | None = None) -> Response:
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else None
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)
