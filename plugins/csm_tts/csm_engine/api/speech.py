"""`POST /v1/audio/speech`: OpenAI's shape, so that any OpenAI client can speak with this engine."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, closing

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from csm_engine.api.requests import LEFT, bounded
from csm_engine.api.sound import Said, events, media_type, spoken, unspeakable, wav_header
from csm_engine.api.wanted import MAX_BODY_BYTES, SpeechRequest, read_request
from csm_engine.model import SpeakError
from csm_engine.speaker import Speaker
from parley_serving import Gate, PeerGoneError, errors
from parley_serving.errors import ApiError
from parley_serving.gate import FullError
from parley_serving.leaving import unless_left

logger = logging.getLogger(__name__)


class Speech:
    """A request holds one of the gate's sessions while it is answered.

    `stall` is the seconds that a client may read nothing before it counts as gone.
    """

    def __init__(self, speaker: Speaker, gate: Gate, stall: float) -> None:
        self._speaker = speaker
        self._gate = gate
        self._stall = stall

    async def answer(self, request: Request) -> Response:
        """The status is sent after the first sound: until then a failure is one."""
        try:
            body = await bounded(request, MAX_BODY_BYTES).body()
            return await self._speak(request, read_request(body, self._speaker.model))
        except FullError as error:
            return errors.full(error)
        except ApiError as error:
            return errors.refusal(error)
        except SpeakError as error:
            return errors.refusal(unspeakable(error), retry_after=1 if error.retryable else None)
        except ClientDisconnect:
            return LEFT

    async def _speak(self, request: Request, wanted: SpeechRequest) -> Response:
        async with AsyncExitStack() as stack:
            stack.enter_context(self._gate.session())
            model = self._speaker.model
            conversation = stack.enter_context(closing(model.converse(wanted.manner)))
            said = Said()
            sound = spoken(self._speaker, conversation, wanted, said)
            frames = await stack.enter_async_context(aclosing(sound))
            head = wav_header(wanted.rate) if wanted.response_format == "wav" else b""
            first = await unless_left(request, anext(frames, b""))
            body = _joined(head + first, frames)
            if wanted.stream_format == "sse":
                body = events(body, wanted, said)
            return _Sound(body, media_type(wanted), stack.pop_all(), self._stall)


class _Sound(Response):
    """Frees the session and the model when the client has it all, has left, or does not read.

    Sound that breaks off ends the connection before the body's end, so that nobody takes it for
    the whole.
    """

    def __init__(
        self, body: AsyncIterator[bytes], media: str, held: AsyncExitStack, stall: float
    ) -> None:
        self._stream = StreamingResponse(body, media_type=media)
        self._held = held
        self._stall = stall

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(self._stall):
                    await send(message)
            except TimeoutError:
                raise PeerGoneError("it has stopped reading") from None

        async with self._held:
            try:
                await self._stream(scope, receive, send_in_time)
            except (ClientDisconnect, PeerGoneError) as gone:
                logger.info("client left", extra={"reason": str(gone)})
            except SpeakError:
                logger.warning("a text broke off after its first sound")


async def _joined(first: bytes, frames: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    yield first
    async for frame in frames:
        yield frame
