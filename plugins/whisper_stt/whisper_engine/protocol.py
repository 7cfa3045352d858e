"""The wire between a client and the Whisper engine: one WebSocket a call.

The client sends `start` first, then binary PCM (s16le, mono, 16 kHz) without pause and control
messages in between. All times are seconds of audio since `start`. docs/protocol.md has examples.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

SAMPLE_RATE = 16_000
"""Hz."""

PATH = "/v1/listen"
MAX_MESSAGE_BYTES = 128 * 1024
"""4 s of audio: a client that has more to send sends it in pieces."""

RequestId = Annotated[str, Field(min_length=1, max_length=64)]

LanguageCode = Annotated[str, Field(min_length=2, max_length=16)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Start(_Message):
    """First message of a socket, exactly once.

    `languages`: all that may be spoken, to be detected; none: only `language`.
    """

    type: Literal["start"] = "start"
    language: str = Field(default="en", min_length=2, max_length=16)
    languages: tuple[LanguageCode, ...] = Field(default=(), max_length=100)
    interim_results: bool = True
    keyterms: tuple[str, ...] = Field(default=(), max_length=100)
    prompt: str = Field(default="", max_length=1_000)


class Flush(_Message):
    """Decode what has been said since the last final, now. Answered by one `final` with this id."""

    type: Literal["flush"] = "flush"
    id: RequestId


class Cancel(_Message):
    """Forget what has been said since the last final."""

    type: Literal["cancel"] = "cancel"


class End(_Message):
    """No more audio: the engine sends what is left as a `final`, then `ended`, and closes."""

    type: Literal["end"] = "end"


class Word(_Message):
    text: str
    start: float
    end: float
    confidence: float = Field(ge=0, le=1)


class Ready(_Message):
    """Answer to `start`."""

    type: Literal["ready"] = "ready"
    session_id: str
    model: str


class SpeechStarted(_Message):
    type: Literal["speech_started"] = "speech_started"
    at: float


class SpeechEnded(_Message):
    type: Literal["speech_ended"] = "speech_ended"
    at: float


class Interim(_Message):
    """What the utterance sounds like so far; the first `stable_chars` characters will not change."""

    type: Literal["interim"] = "interim"
    text: str
    start: float
    end: float
    language: str
    confidence: float = Field(ge=0, le=1)
    stable_chars: int = Field(default=0, ge=0)


class Preflight(_Message):
    """What a `final` would say if one were asked for now; sent once a pause."""

    type: Literal["preflight"] = "preflight"
    text: str
    start: float
    end: float
    language: str
    confidence: float = Field(ge=0, le=1)


class Final(_Message):
    """`id` is the flush that asked for it, or None where the engine decided (length, a long
    silence, end).

    A flush with nothing said since the last final is answered by an empty text.
    """

    type: Literal["final"] = "final"
    id: str | None = None
    text: str
    words: tuple[Word, ...] = ()
    start: float
    end: float
    language: str
    confidence: float = Field(ge=0, le=1)


class Ended(_Message):
    """Answer to `end`; `audio_seconds` were heard on this socket."""

    type: Literal["ended"] = "ended"
    audio_seconds: float


class Failed(_Message):
    """`error`: the socket is closed after it.

    `retryable` says whether the same request may succeed on a new socket.
    """

    type: Literal["error"] = "error"
    code: str
    message: str
    retryable: bool


ClientMessage = Annotated[Start | Flush | Cancel | End, Field(discriminator="type")]
ServerMessage = Annotated[
    Ready | SpeechStarted | SpeechEnded | Interim | Preflight | Final | Ended | Failed,
    Field(discriminator="type"),
]
client_message: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)
server_message: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)
