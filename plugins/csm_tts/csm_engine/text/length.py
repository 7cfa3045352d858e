"""How long a text should sound, and when its generation has run away (csm.md §5)."""

import math
import re

_WORDS_PER_SECOND = 2.5
_SLACK = 2.0
"""A slow speaker takes twice as long."""
_PAUSE_SECONDS = 1.5
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def expected_seconds(text: str) -> float:
    """Seconds of speech in a normalised text; the parts of "twenty-five" count as words."""
    return len(_WORD.findall(text)) / _WORDS_PER_SECOND


def frame_cap(text: str, frame_seconds: float) -> int:
    """Frames after which generation is stopped: CSM may miss its end of speech.

    Raises ValueError for a frame that lasts no time.
    """
    if not frame_seconds > 0:
        raise ValueError(f"frame_seconds={frame_seconds}: give the codec's, 0.08 for Mimi")
    seconds = _SLACK * expected_seconds(text) + _PAUSE_SECONDS
    return math.ceil(round(seconds / frame_seconds, 6))
