"""What a model of hearing must do. Weights belong to the `Model`; a `Decoder` is one stream's state."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from whisper_engine.protocol import Start


@dataclass(frozen=True)
class HeardWord:
    """`start` and `end` are seconds from the utterance's first sample, confidence is in [0, 1]."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Heard:
    """What an utterance sounds like. An empty text: no words, or none to be trusted."""

    text: str = ""
    words: tuple[HeardWord, ...] = ()
    confidence: float = 0.0


class HearError(Exception):
    """The model failed at this utterance; another may go well."""


class Decoder(Protocol):
    """Hears one utterance after another on one stream; its methods are called one at a time.

    All of them raise HearError.
    """

    async def feed(self, pcm: bytes) -> None:
        """More of the utterance: s16le, mono, 16 kHz. The first bytes begin one."""
        ...

    async def interim(self) -> Heard:
        """The utterance so far, quickly."""
        ...

    async def finish(self) -> Heard:
        """The utterance as if it ended here. The next `feed` begins a new one."""
        ...

    async def reset(self) -> None:
        """Forget the utterance."""
        ...


class Model(Protocol):
    """One a process, shared by all streams."""

    @property
    def name(self) -> str: ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Load, and serve one real request, before the engine says that it is ready."""
        ...

    def decoder(self, start: Start) -> AbstractAsyncContextManager[Decoder]:
        """A decoder for one stream, given back at the end."""
        ...
