"""What a row of the engine says, and what came of one step of it."""

from dataclasses import dataclass

from csm_engine.endings.ending import FinishReason


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, normalised, in a voice by name; the same seed says it in the same way."""

    voice: str
    text: str
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """Sound as s16le, perhaps none; `reason` when the row is over."""

    sound: bytes = b""
    reason: FinishReason | None = None
