"""What a model must do to speak behind this engine."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class SpeakError(Exception):
    """One sentence could not be spoken; the model is ready for the next."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class UnknownVoiceError(Exception):
    """The model has no such voice or language."""


class Model(Protocol):
    """Speaks sentences, for many conversations at once."""

    @property
    def name(self) -> str:
        """Shown to clients, in `/ready` and in metrics."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Hold the model loaded; everything it owns ends with the block."""
        ...

    def check(self, voice: str, language: str) -> None:
        """Raise `UnknownVoiceError` for what `speak` could not use."""
        ...

    def speak(self, text: str, *, voice: str, language: str) -> AsyncGenerator[bytes, None]:
        """The sentence as s16le mono at `protocol.SAMPLE_RATE`, in frames of `FRAME_SECONDS`.

        The last frame may be shorter: nothing is padded. Closing the generator cancels the work
        within a frame. Raises `SpeakError`.
        """
        ...
