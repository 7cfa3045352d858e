"""The part of OpenAI's Realtime wire (GA, transcription sessions) that this engine speaks.

Fields that it does not know are passed over, as OpenAI does with clients older than itself;
`session.updated` says what is in force.
"""

import base64
import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Format(_Part):
    """`rate`: OpenAI has 24,000 only; here it may be any that the resampler knows."""

    type: Literal["audio/pcm"] = "audio/pcm"
    rate: int = 24_000


class Transcription(_Part):
    """Without a language it is detected among all that the model hears."""

    model: str | None = None
    language: str | None = None
    languages: tuple[str, ...] | None = None
    keywords: tuple[str, ...] | None = None
    prompt: str | None = None


class ServerVad(_Part):
    """`prefix_padding_ms` is taken and not used: what is decoded begins 400 ms before the speech."""

    type: Literal["server_vad"] = "server_vad"
    threshold: float = Field(default=0.4, gt=0, lt=1)
    prefix_padding_ms: int = 400
    silence_duration_ms: int = Field(default=500, ge=128, le=10_000)


class AudioInput(_Part):
    """`turn_detection` null: a buffer ends only where the client commits it."""

    format: Format = Format()
    transcription: Transcription = Transcription()
    turn_detection: ServerVad | None = ServerVad()


class Audio(_Part):
    input: AudioInput = AudioInput()


class Session(_Part):
    type: Literal["transcription"] = "transcription"
    audio: Audio = Audio()


class _ClientEvent(_Part):
    event_id: str | None = Field(default=None, max_length=512)


class SessionUpdate(_ClientEvent):
    """Fields that are left out keep their values."""

    type: Literal["session.update"]
    session: Session


def _decoded(audio: object) -> bytes:
    """Strictly: what pydantic's own decoder skips would be noise."""
    if not isinstance(audio, str):
        raise ValueError("sound comes as base64 in a string")  # noqa: TRY004
    return base64.b64decode(audio, validate=True)


class Append(_ClientEvent):
    type: Literal["input_audio_buffer.append"]
    audio: Annotated[bytes, BeforeValidator(_decoded)]


class Commit(_ClientEvent):
    type: Literal["input_audio_buffer.commit"]


class Clear(_ClientEvent):
    type: Literal["input_audio_buffer.clear"]


ClientEvent = Annotated[SessionUpdate | Append | Commit | Clear, Field(discriminator="type")]
client_event: TypeAdapter[ClientEvent] = TypeAdapter(ClientEvent)


StateKind = Literal["session.created", "session.updated"]


def new_id() -> str:
    """Of an event to the client."""
    return f"event_{uuid.uuid4().hex}"


class _ServerEvent(BaseModel):
    model_config = ConfigDict(frozen=True)

    event_id: str


class SessionState(_ServerEvent):
    """`session`: with its id, what is in force."""

    type: StateKind
    session: dict[str, object]


class SpeechStarted(_ServerEvent):
    type: Literal["input_audio_buffer.speech_started"] = "input_audio_buffer.speech_started"
    item_id: str
    audio_start_ms: int


class SpeechStopped(_ServerEvent):
    type: Literal["input_audio_buffer.speech_stopped"] = "input_audio_buffer.speech_stopped"
    item_id: str
    audio_end_ms: int


class Committed(_ServerEvent):
    type: Literal["input_audio_buffer.committed"] = "input_audio_buffer.committed"
    item_id: str
    previous_item_id: str | None = None


class Cleared(_ServerEvent):
    type: Literal["input_audio_buffer.cleared"] = "input_audio_buffer.cleared"


class ItemAdded(_ServerEvent):
    type: Literal["conversation.item.added"] = "conversation.item.added"
    previous_item_id: str | None = None
    item: dict[str, object]


class Delta(_ServerEvent):
    type: Literal["conversation.item.input_audio_transcription.delta"] = (
        "conversation.item.input_audio_transcription.delta"
    )
    item_id: str
    content_index: int = 0
    delta: str


class Completed(_ServerEvent):
    type: Literal["conversation.item.input_audio_transcription.completed"] = (
        "conversation.item.input_audio_transcription.completed"
    )
    item_id: str
    content_index: int = 0
    transcript: str
    languages: tuple[dict[str, str], ...] = ()
    usage: dict[str, object]


class Error(_ServerEvent):
    type: Literal["error"] = "error"
    error: dict[str, str | None]
