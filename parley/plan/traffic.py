"""What a telephone call asks of the models, per second of talk. Assumptions, in one place. Pure."""

import math
from dataclasses import dataclass

SPOKEN = 0.45
"""Share of a call in which the agent speaks (csm.md §4.8)."""

SIGMAS = 2.33
"""So many standard deviations above the mean: one moment in a hundred has more voices."""


@dataclass(frozen=True)
class Traffic:
    """A call's. Decodes are Whisper's (whisper.md §5: 38 % talk, interims 0.4 s apart), the rest is
    the language model's: a turn every ten seconds, half of them asked twice because the caller went
    on, and a summary of what the last answer added to the prompt."""

    interims: float = 0.95
    finals: float = 0.3
    requests: float = 0.15
    fresh_tokens: int = 120
    """Of a prompt, behind what the prefix cache has."""
    said_tokens: int = 40
    first_sentence: int = 16
    """Tokens until something can be spoken."""
    first_words: float = 1.0
    """Seconds that these may take."""


TELEPHONE = Traffic()


def voices(calls: int) -> int:
    """That speak at once in so many calls, but for one moment in a hundred."""
    if calls <= 1:
        return calls
    spread = SIGMAS * math.sqrt(calls * SPOKEN * (1 - SPOKEN))
    return min(calls, math.ceil(calls * SPOKEN + spread))
