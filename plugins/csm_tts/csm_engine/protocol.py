"""The wire between a client and the CSM engine: one WebSocket a call, one conversation on it.

The client sends `session.config` first. Then, for each reply, `input.text` once a sentence and
`input.done`; the engine answers each sentence with `audio.start`, binary PCM (s16le, mono, at the
rate that `session.config` asked for) and `audio.done`. Sentences are spoken one after the other,
so binary frames belong to the latest `audio.start`. docs/protocol.md has examples.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

SAMPLE_RATE: Final = 24_000
"""Hz. What the model makes, and what a session gets unless it asks for another rate."""

FRAME_SECONDS = 0.08
"""One Mimi frame: the grain in which an engine makes sound."""

PATH = "/v1/audio/speech/stream"
MAX_MESSAGE_BYTES = 64 * 1024
MAX_SENTENCE_CHARS = 2_000

UtteranceId = Annotated[str, Field(min_length=1, max_length=64)]

Remembers = Literal["nothing", "agent", "texts", "sounds"]
"""What a voice knows of the conversation when it speaks: no more than its own clip; what it has
said itself; the caller's words too; and how the caller sounded."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SessionConfig(_Message):
    """First message of a socket, exactly once."""

    type: Literal["session.config"] = "session.config"
    voice: str = Field(default="default", min_length=1, max_length=64)
    language: str = Field(default="en", min_length=2, max_length=16)
    sample_rate: Literal[8_000, 16_000, 24_000] = SAMPLE_RATE
    session_id: str | None = Field(default=None, min_length=1, max_length=64)
    """A conversation that was lost less than half a minute ago is taken up again by it."""
    remembers: Remembers = "agent"
    caller_rate: Literal[8_000, 16_000, 24_000] = 16_000
    """Hz of the caller's sound: binary frames, s16le mono, taken with `remembers` `sounds` only."""


class InputText(_Message):
    """One sentence of an utterance; `sentence` counts from 0 within the utterance."""

    type: Literal["input.text"] = "input.text"
    utterance: UtteranceId
    sentence: int = Field(ge=0)
    text: str = Field(min_length=1, max_length=MAX_SENTENCE_CHARS)


class InputDone(_Message):
    """No more sentences for this utterance."""

    type: Literal["input.done"] = "input.done"
    utterance: UtteranceId


class InputCancel(_Message):
    """Stop the utterance and forget what it has queued; `played_ms` is what the caller heard of it.

    After `utterance.done` it is about the memory alone: made is not heard.
    """

    type: Literal["input.cancel"] = "input.cancel"
    utterance: UtteranceId
    played_ms: int = Field(ge=0)


class ContextAppend(_Message):
    """A turn that was not spoken here, in its place among those that are.

    A caller's is that of the sound that came since the last one. Models without a memory ignore it.
    """

    type: Literal["context.append"] = "context.append"
    speaker: Literal["caller", "agent"]
    text: str = Field(min_length=1, max_length=MAX_SENTENCE_CHARS)


class ContextReset(_Message):
    """Forget what was said, in its place among the sentences that wait."""

    type: Literal["context.reset"] = "context.reset"


class SessionClose(_Message):
    """Finish what is queued, answer `session.done`, and close."""

    type: Literal["session.close"] = "session.close"


class SessionReady(_Message):
    """Answer to `session.config`."""

    type: Literal["session.ready"] = "session.ready"
    session_id: str
    model: str
    sample_rate: int
    resumed: bool = False
    """Whether the conversation of this `session_id` was found again, with all it remembers."""


class AudioStart(_Message):
    type: Literal["audio.start"] = "audio.start"
    utterance: UtteranceId
    sentence: int


FinishReason = Literal["stop", "cancelled", "failed", "length", "silence", "repetition"]
"""It was said; nobody wanted more; an `error` came before; or it was cut: at a limit, in a silence
or a repetition that would not have ended."""


class AudioDone(_Message):
    """The sentence has ended. `frames` counts 80 ms frames sent; `failed` follows an `error`."""

    type: Literal["audio.done"] = "audio.done"
    utterance: UtteranceId
    sentence: int
    finish_reason: FinishReason
    frames: int = Field(ge=0)


class UtteranceDone(_Message):
    """Every sentence of the utterance has its `audio.done`: the last message about it."""

    type: Literal["utterance.done"] = "utterance.done"
    utterance: UtteranceId
    finish_reason: Literal["stop", "cancelled"]


class SessionDone(_Message):
    type: Literal["session.done"] = "session.done"


class Failed(_Message):
    """`error`. With an utterance and a sentence: that sentence is skipped and the session goes on.

    Without: the socket is closed after it. `retryable` says whether the same request may succeed
    on a new socket.
    """

    type: Literal["error"] = "error"
    code: str
    message: str
    retryable: bool
    utterance: str | None = None
    sentence: int | None = None


ClientMessage = Annotated[
    SessionConfig
    | InputText
    | InputDone
    | InputCancel
    | ContextAppend
    | ContextReset
    | SessionClose,
    Field(discriminator="type"),
]
ServerMessage = Annotated[
    SessionReady | AudioStart | AudioDone | UtteranceDone | SessionDone | Failed,
    Field(discriminator="type"),
]
client_message: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)
server_message: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)
