"""What a model of hearing must do. Weights belong to the `Model`; a `Decoder` is of one stream."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the scheduler needs this module, and its simulation runs where pydantic is not
    from whisper_engine.protocol import Start


class Kind(IntEnum):
    """Why a text is wanted, most urgent first."""

    FINAL = 0
    SPECULATIVE = 1
    """The text of a final before it is asked for; worth nothing once speech goes on."""
    FIRST_INTERIM = 2
    INTERIM = 3
    FILE = 4
    """Of an uploaded file: when nothing else waits, but never dropped."""


@dataclass(frozen=True)
class Span:
    """[start, end) in samples."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Request:
    """One decode of what has been said since the last final, or of the last part of it.

    Args:
        pcm: s16le, mono, 16 kHz, from before the speech to shortly after it.
        start: where `pcm` begins in the stream, in samples. Two requests with one start are of one
            utterance, the later one being at least as long.
        speech: where the voice detector heard speech, in samples of `pcm`, in order. Never empty.
        context: what was said just before `pcm` in the same turn, when a long turn was cut there.
    """

    kind: Kind
    pcm: bytes
    start: int
    speech: tuple[Span, ...]
    context: str = ""


@dataclass(frozen=True)
class HeardWord:
    """`start` and `end` are seconds from the first sample of `pcm`, confidence is in [0, 1]."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Heard:
    """What was said. An empty text: no words, or none to be trusted.

    `language` is None when it is the one that the stream was started with.
    """

    text: str = ""
    words: tuple[HeardWord, ...] = ()
    confidence: float = 0.0
    language: str | None = None


@dataclass(frozen=True)
class Pace:
    """What a model has time for at present; asked anew for each decision.

    Args:
        interim: seconds of speech from one interim to the next; None: no more of them.
        first_interim: whether an utterance's first interim is worth a decode.
        speculative: whether texts are made before they are asked for.
        pause: seconds of silence after which such a text is begun. Short ones come often inside a
            turn, and cost a decode each.
        tail: seconds after the last speech that a decode is given: no more than the shortest pause, or
            a text would depend on when it was prepared.
    """

    interim: float | None = 0.3
    first_interim: bool = True
    speculative: bool = True
    pause: float = 0.128
    tail: float = 0.128


class HearError(Exception):
    """The model failed at this utterance; another may go well."""


class UnknownLanguageError(Exception):
    """The stream asks for a language that the model lacks. The message names those it has."""


class Decoder(Protocol):
    """`decode` may be called while an earlier call waits; cancelling a call drops it."""

    async def decode(self, request: Request) -> Heard | None:
        """None: dropped, as out of date or for lack of time; never a FINAL or a FILE.

        Raises HearError.
        """
        ...

    def promote(self) -> None:
        """The SPECULATIVE decode in hand is wanted now: it is as urgent as a FINAL."""
        ...


class Model(Protocol):
    """One a process, shared by all streams."""

    @property
    def name(self) -> str: ...

    @property
    def languages(self) -> tuple[str, ...]:
        """All that it hears, at least one."""
        ...

    @property
    def pace(self) -> Pace: ...

    @property
    def has_room(self) -> bool:
        """Whether one more stream would still be heard in time."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Load, and serve one real request, before the engine says that it is ready."""
        ...

    def decoder(self, start: "Start") -> AbstractAsyncContextManager[Decoder]:
        """A decoder for one stream, given back at the end. Raises UnknownLanguageError."""
        ...
