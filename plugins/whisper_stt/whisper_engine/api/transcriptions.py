"""`POST /v1/audio/transcriptions`: OpenAI's shape, so that any OpenAI client can send a file."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, closing
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from parley_serving import Gate
from parley_serving.gate import FullError
from parley_serving.leaving import unless_left
from whisper_engine.api import errors, formats
from whisper_engine.api.errors import ApiError
from whisper_engine.api.files import Cutter, Said, hear, transcript_of
from whisper_engine.api.uploads import Limits, UploadError, pieces
from whisper_engine.api.wanted import Wanted, read_form
from whisper_engine.model import HearError, Model, UnknownLanguageError
from whisper_engine.protocol import Start

logger = logging.getLogger(__name__)

PATH = "/v1/audio/transcriptions"
MAX_FIELDS = 64
MAX_FIELD_BYTES = 16 * 1024


class Transcriptions:
    """The route's ASGI app. Uploads have a limit of their own: they take no call's place."""

    def __init__(self, model: Model, draining: asyncio.Event, limits: Limits) -> None:
        self._model = model
        self._draining = draining
        self._limits = limits
        self._room = Gate(limits.at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, _bounded(receive, self._limits.size))
        async with AsyncExitStack() as held:
            try:
                response = await self._response(request, held)
                await response(scope, receive, send)
            except ClientDisconnect:
                logger.info("client left")

    async def _response(self, request: Request, held: AsyncExitStack) -> Response:
        try:
            return await self._answer(request, held)
        except FullError as error:
            return errors.full(error)
        except ApiError as error:
            return errors.refusal(error)
        except UnknownLanguageError as error:
            return errors.refusal(ApiError(400, "unknown_language", str(error), "language"))
        except HearError as error:
            logger.exception("the model failed")
            return errors.refusal(ApiError(500, "hear_failed", str(error)))

    async def _answer(self, request: Request, held: AsyncExitStack) -> Response:
        if self._draining.is_set():
            raise FullError("the engine is stopping", retry_after=5)
        held.enter_context(self._room.session())
        if int(request.headers.get("content-length", 0)) > _most(self._limits.size):
            raise _too_large(self._limits.size)
        try:
            form = await held.enter_async_context(
                request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES)
            )
        except HTTPException as error:
            raise ApiError(400, "bad_form", error.detail) from error
        wanted, start, file = read_form(form, self._model.name)
        decoder = await held.enter_async_context(self._model.decoder(start))
        sound = held.enter_context(closing(pieces(file, self._limits)))
        cutter = Cutter()
        said = await held.enter_async_context(aclosing(hear(sound, cutter, decoder)))
        work = _Work(wanted, start, cutter, said)
        if wanted.stream:
            first = await unless_left(request, anext(said, None))
            return StreamingResponse(work.events(first), media_type="text/event-stream")
        return await unless_left(request, work.response())


@dataclass(frozen=True)
class _Work:
    """One upload, about to be heard."""

    wanted: Wanted
    start: Start
    cutter: Cutter
    said: AsyncGenerator[Said, None]

    async def response(self) -> Response:
        """Raises ApiError and HearError."""
        said = [part async for part in self.said]
        transcript = transcript_of(said, self.cutter.seconds, self.start.language)
        match self.wanted.response_format:
            case "json":
                return JSONResponse(formats.as_json(transcript))
            case "text":
                return PlainTextResponse(formats.as_text(transcript))
            case "srt":
                return PlainTextResponse(formats.as_srt(transcript))
            case "vtt":
                return PlainTextResponse(formats.as_vtt(transcript), media_type="text/vtt")
            case "verbose_json":
                return JSONResponse(formats.as_verbose_json(transcript, self.wanted.detail))

    async def events(self, first: Said | None) -> AsyncIterator[bytes]:
        """An error that comes after the first text is an event, for the status has been sent."""
        text = first.heard.text if first else ""
        if text:
            yield _event({"type": "transcript.text.delta", "delta": text})
        try:
            async for part in self.said:
                delta = f" {part.heard.text}"
                text += delta
                yield _event({"type": "transcript.text.delta", "delta": delta})
        except ApiError as error:
            yield _event({"error": error.body})
        except HearError as error:
            logger.exception("the model failed")
            yield _event({"error": ApiError(500, "hear_failed", str(error)).body})
        else:
            yield _event({"type": "transcript.text.done", "text": text})


def _event(content: Mapping[str, object]) -> bytes:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n".encode()


def _bounded(receive: Receive, size: int) -> Receive:
    """Raises UploadError once the body is longer than a file of `size` and its form."""
    got = 0

    async def receive_some() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > _most(size):
            raise _too_large(size)
        return message

    return receive_some


def _most(size: int) -> int:
    """Bytes of a body with a file of `size`."""
    return size + MAX_FIELDS * MAX_FIELD_BYTES


def _too_large(size: int) -> UploadError:
    message = f"a file may have {size} bytes: send the sound compressed, or in parts"
    return UploadError(413, "too_large", message, "file")
