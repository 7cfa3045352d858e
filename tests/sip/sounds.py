"""Sounds whose starts and ends are known to the sample."""

import numpy as np

from sip.simulate.speech import RATE, Samples


def tone(seconds: float, *, level: float = -20.0, pitch: float = 440.0) -> Samples:
    """A sine of `level` dBFS (RMS)."""
    at = np.arange(round(seconds * RATE)) / RATE
    peak = 32768 * 10 ** (level / 20) * np.sqrt(2)
    return np.asarray(peak * np.sin(2 * np.pi * pitch * at)).astype(np.int16)


def silence(seconds: float) -> Samples:
    """What G.711 makes of nothing: noise of one step."""
    steps = np.random.default_rng(1).integers(-8, 9, round(seconds * RATE))
    return steps.astype(np.int16)


def babble(seconds: float, *, seed: int = 0) -> Samples:
    """Sound with the ups and downs of speech, so that two recordings of it can be aligned."""
    noise = np.random.default_rng(seed)
    syllables = [
        tone(
            noise.uniform(0.08, 0.25), level=noise.uniform(-30, -14), pitch=noise.uniform(150, 900)
        )
        for _ in range(round(seconds * 12))
    ]
    return np.concatenate(syllables)[: round(seconds * RATE)]


def laid(seconds: float, *pieces: tuple[float, Samples]) -> Samples:
    """`seconds` of a silent line with each piece at its time."""
    line = silence(seconds)
    for at, sound in pieces:
        first = round(at * RATE)
        line[first : first + sound.size] = sound
    return line
