"""What the scheduler orders: decodes that are wanted, and batches of them."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from whisper_engine.model import Kind
from whisper_engine.whisper.cost import Shape

PayloadT = TypeVar("PayloadT")


@dataclass(frozen=True, eq=False)
class Ticket(Generic[PayloadT]):
    """One decode that is wanted; equal only to itself.

    Args:
        stream: whose it is.
        group: only tickets of one group share a batch.
        frames: length of the encoder's input in mel frames; equal within a group.
        deadline: when the text should be there, by the clock of `now`. Of one kind the oldest runs
            first. An interim is dropped when it has passed, nothing else is.
        tokens: how many its text is likely to have.
    """

    payload: PayloadT
    kind: Kind
    stream: int
    group: Hashable
    frames: int
    deadline: float
    tokens: int = 16


@dataclass(frozen=True)
class Item(Generic[PayloadT]):
    """`kind` is the ticket's, or what it became; `waited` is in seconds."""

    ticket: Ticket[PayloadT]
    kind: Kind
    waited: float


@dataclass(frozen=True, eq=False)
class Batch(Generic[PayloadT]):
    """The first item is the one that it is run for.

    `need` in (0, 1] is the share of the batch's time that it would have taken in a batch as large
    as is allowed. Idle workers run small batches, so that the time spent does not show the load.
    """

    items: tuple[Item[PayloadT], ...]
    shape: Shape
    need: float

    @property
    def kind(self) -> Kind:
        return self.items[0].kind
