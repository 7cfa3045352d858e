"""How much of a conversation fits before a sentence (csm.md §4.4)."""

from dataclasses import dataclass

from csm_engine.protocol import FRAME_SECONDS

SEGMENT_FRAMES = round(20 / FRAME_SECONDS)
"""Of a turn, at most: CSM was trained on short segments."""

_POSITIONS, _HISTORY, _RESERVE = 2048, 1100, 500
"""The released CSM's, and their shares: what is left is a voice's prompt and a sentence's words."""


@dataclass(frozen=True, slots=True)
class Budget:
    """In tokens. A frame is one.

    Args:
        history: of turns; when they are more the oldest are dropped, down to a half.
        reserve: for a sentence's own frames.
        segment: frames that are kept of a turn.
    """

    history: int
    reserve: int
    segment: int

    @classmethod
    def of(cls, positions: int) -> "Budget":
        """Of a model with so many positions: one that has more was not trained on more."""
        positions = min(positions, _POSITIONS)
        history = positions * _HISTORY // _POSITIONS
        reserve = positions * _RESERVE // _POSITIONS
        return cls(history, reserve, min(SEGMENT_FRAMES, history // 2))
