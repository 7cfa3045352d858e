"""What a model must do to speak behind this engine."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from csm_engine.protocol import FinishReason, Remembers


class SpeakError(Exception):
    """One sentence could not be spoken; the model is ready for the next."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class UnknownVoiceError(Exception):
    """The model has no such voice or language."""


@dataclass(frozen=True)
class Manner:
    """How a conversation is to be held. `caller_rate` in Hz; None leaves a choice to the model."""

    voice: str = "default"
    language: str = "en"
    remembers: Remembers = "agent"
    caller_rate: int = 16_000
    live: bool = True
    """Whether it is heard as it is made: then little is made ahead of the ear."""
    seed: int | None = None
    temperature: float | None = None
    top_k: int | None = None


class Conversation(Protocol):
    """Speaks one sentence at a time. Nothing of it is left after `close`."""

    @property
    def reason(self) -> FinishReason:
        """How the latest sentence ended, once its sound has ended."""
        ...

    def speak(self, utterance: str, text: str) -> AsyncGenerator[bytes, None]:
        """The sentence as s16le mono at `protocol.SAMPLE_RATE`, in frames of `FRAME_SECONDS`.

        The last frame may be shorter: nothing is padded. Closing the generator cancels the work
        within a frame. Raises `SpeakError`.
        """
        ...

    def cut(self, utterance: str, played: float) -> None:
        """Of the utterance no more than `played` seconds were heard: the rest was never said."""
        ...

    def append(self, speaker: Literal["caller", "agent"], text: str) -> None:
        """A turn that was not spoken here; a caller's sound is what `hear` took since the last."""
        ...

    def hear(self, pcm: bytes) -> None:
        """The caller's sound, as it comes, s16le mono at the manner's `caller_rate`."""
        ...

    def reset(self) -> None:
        """Forget what was said."""
        ...

    def close(self) -> None: ...


class Model(Protocol):
    """Speaks sentences, for many conversations at once."""

    @property
    def name(self) -> str:
        """Shown to clients, in `/ready` and in metrics."""
        ...

    @property
    def voices(self) -> Sequence[str]:
        """Names that `check` knows; none where any name will do."""
        ...

    @property
    def broken(self) -> str | None:
        """Why it will never speak again in this process; None while it may."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Hold the model loaded; everything it owns ends with the block."""
        ...

    def check(self, voice: str, language: str) -> None:
        """Raise `UnknownVoiceError` for what no conversation could use."""
        ...

    def has_room(self) -> bool:
        """Whether one more conversation would not make those that are held run dry."""
        ...

    def converse(self, manner: Manner) -> Conversation:
        """Begin a conversation. Its voice and language have passed `check`."""
        ...
