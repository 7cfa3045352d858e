"""A conversation on the device's thread, and what the event loop may ask of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from csm_engine.engine.ticket import Ticket
from csm_engine.model import SpeakError
from csm_engine.protocol import Remembers
from csm_engine.scheduling.playout import Playout

UNHURRIED = 1.0
"""Seconds ahead that one who is not heard live counts as, at most: he comes after those who are
and is never so far ahead that he waits."""


@dataclass(eq=False, frozen=True, slots=True)
class Talk:
    """Names a conversation for ever. `live`: it is heard as it is made."""

    voice: str
    remembers: Remembers = "nothing"
    caller_rate: int = 16_000
    live: bool = True
    playout: Playout = field(init=False)

    def __post_init__(self) -> None:
        most = float("inf") if self.live else UNHURRIED
        object.__setattr__(self, "playout", Playout(most))


@dataclass(frozen=True, slots=True)
class Speak:
    talk: Talk
    ticket: Ticket

    def fail(self, error: SpeakError) -> None:
        self.ticket.fail(error)


@dataclass(frozen=True, slots=True)
class Stop:
    """Nobody wants more of this sentence, if it is not over."""

    talk: Talk
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Cut:
    talk: Talk
    utterance: str
    played: float


@dataclass(frozen=True, slots=True)
class Append:
    talk: Talk
    speaker: Literal["caller", "agent"]
    text: str


@dataclass(frozen=True, slots=True)
class Hear:
    talk: Talk
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Reset:
    talk: Talk


@dataclass(frozen=True, slots=True)
class Close:
    talk: Talk


@dataclass(frozen=True, slots=True)
class Do:
    """Something else on the device's thread; it raises nothing. `fail` is told when it will not be
    done."""

    work: Callable[[], None]
    fail: Callable[[SpeakError], None]


Command = Speak | Stop | Cut | Append | Hear | Reset | Close | Do
