"""A step that was asked for and has not come back yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from csm_engine.context.context import Context
from csm_engine.csm.sampler import Sampling
from csm_engine.endings.ending import Ending
from csm_engine.model import SpeakError


@dataclass(eq=False, slots=True)
class Row:
    """A sentence in its slot.

    `tokens` [T, hidden] are read after what its context has; the last is the first step's input,
    and `start` its position. `frames` count, in order; the first `lead` of them were not sent.
    """

    slot: int
    voice: int
    context: Context
    sampling: Sampling
    tokens: Tensor
    start: int
    ending: Ending
    over: bool = False
    lead: int = 0
    frames: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Flight:
    """`failed` are rows that had no room to step."""

    rows: Sequence[Row]
    failed: Sequence[tuple[Row, SpeakError]]
    codes: Callable[[], Tensor] | None = None
    sound: Callable[[], Tensor] | None = None
    power: Callable[[], Tensor] | None = None
