"""Sounds without words that a caller's side makes, as samples at the telephone's rate."""

import numpy as np

from sip.simulate.script import VOICE
from sip.simulate.speech import RATE, Samples, spoken

_SENTENCE = "the other people in the room are talking about something else all the time"
BED_LEVEL = -38.0
"""dBFS of a clatter in the background."""


async def murmur(seconds: float) -> Samples:
    """A voice in which nobody finds a word: speech played backwards.

    What a voice detector hears in a cough, a laugh or a television is less than this.
    Raises SpeechError.
    """
    backwards = (await spoken(_SENTENCE, VOICE))[::-1]
    loud = backwards[backwards != 0]
    size = round(seconds * RATE)
    return _softened(np.tile(loud, 1 + size // loud.size)[:size])


def clatter(seconds: float, seed: int, level: float = BED_LEVEL) -> Samples:
    """Dishes, or a keyboard: short bursts, eight a second, at `level` dBFS."""
    random = np.random.default_rng(seed)
    size = max(round(seconds * RATE), 160)
    sound = np.zeros(size)
    burst = np.exp(-np.arange(80) / 15.0)
    for at in random.integers(0, size - burst.size, max(1, round(8 * seconds))):
        sound[at : at + burst.size] += random.normal(size=burst.size) * burst
    loud = sound / np.std(sound) * 32768 * 10 ** (level / 20)
    return np.clip(loud, -32768, 32767).astype(np.int16)


def _softened(sound: Samples) -> Samples:
    """Without the clicks of a sound that is cut out of another."""
    edge = min(sound.size // 4, RATE // 50)
    ramp = np.ones(sound.size)
    ramp[:edge] = np.linspace(0.0, 1.0, edge)
    ramp[sound.size - edge :] = np.linspace(1.0, 0.0, edge)
    return (sound * ramp).astype(np.int16)
