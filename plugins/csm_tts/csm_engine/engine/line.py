"""What a row of the engine says, and what came of one step of it."""

from dataclasses import dataclass, field

from csm_engine.csm.sampler import Sampling
from csm_engine.endings.ending import FinishReason


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, normalised, of an utterance; the same seed says it in the same way."""

    text: str
    sampling: Sampling = field(default_factory=Sampling)
    utterance: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """Sound as s16le, perhaps none; `reason` when the row is over."""

    sound: bytes = b""
    reason: FinishReason | None = None
