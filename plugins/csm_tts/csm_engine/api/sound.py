"""Sound in the shapes that a reply may have: PCM, WAV or mu-law, bare or in events."""

import base64
import json
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from csm_engine.api.wanted import Format, SpeechRequest
from csm_engine.audio import SAMPLE_BYTES, to_mulaw
from csm_engine.model import Conversation, SpeakError
from csm_engine.protocol import FinishReason
from csm_engine.speaker import Progress, Speaker
from parley_serving.errors import ApiError

_UNKNOWN_LENGTH = 0xFFFF_FFFF


@dataclass
class Said:
    """Of a whole text. `frames` are of 80 ms; `reason` is the first that is not `stop`."""

    frames: int = 0
    reason: FinishReason = "stop"


async def spoken(
    speaker: Speaker, conversation: Conversation, wanted: SpeechRequest, said: Said
) -> AsyncGenerator[bytes, None]:
    """The text's parts one after the other, encoded, a frame at a time. Raises SpeakError."""
    for part in wanted.parts:
        progress = Progress()
        sound = speaker.speak(conversation, part, progress, rate=wanted.rate)
        async with aclosing(sound) as frames:
            async for frame in frames:
                yield to_mulaw(frame) if wanted.response_format == "mulaw" else frame
        said.frames += progress.frames
        if said.reason == "stop":
            said.reason = progress.reason


def media_type(wanted: SpeechRequest) -> str:
    if wanted.stream_format == "sse":
        return "text/event-stream"
    media: dict[Format, str] = {
        "pcm": f"audio/pcm;rate={wanted.rate}",
        "wav": "audio/wav",
        "mulaw": "audio/basic",
    }
    return media[wanted.response_format]


def wav_header(rate: int) -> bytes:
    """Of a stream whose length nobody knows yet: both sizes say "to the end"."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", _UNKNOWN_LENGTH, b"WAVE", b"fmt ", 16, 1, 1),
        *(rate, rate * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES),
        *(b"data", _UNKNOWN_LENGTH),
    )


async def events(
    sound: AsyncIterator[bytes], wanted: SpeechRequest, said: Said
) -> AsyncIterator[bytes]:
    """OpenAI's. What fails after the first sound is an event, for the status has been sent.

    `usage` counts what there is to count: characters in, frames of 80 ms out.
    """
    try:
        async for piece in sound:
            if piece:
                yield _event(
                    {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}
                )
    except SpeakError as error:
        yield _event({"error": unspeakable(error).body})
        return
    usage = {
        "input_tokens": len(wanted.input),
        "output_tokens": said.frames,
        "total_tokens": len(wanted.input) + said.frames,
    }
    yield _event({"type": "speech.audio.done", "usage": usage, "finish_reason": said.reason})


def unspeakable(error: SpeakError) -> ApiError:
    """The text's fault, or the engine's."""
    if error.retryable:
        return ApiError(503, "speak_failed", str(error))
    return ApiError(400, "speak_failed", str(error), "input")


def _event(content: Mapping[str, object]) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()
