"""Sound that goes up and down as speech does, and is like itself nowhere else."""

import numpy as np
import numpy.typing as npt

from sip.simulate.speech import RATE, Samples

SYLLABLE = (0.08, 0.3)
"""Seconds, at least and at most."""


def babbled(seconds: float, seed: int) -> Samples:
    random = np.random.default_rng(seed)
    pieces: list[npt.NDArray[np.float64]] = []
    while sum(piece.size for piece in pieces) < seconds * RATE:
        size = round(random.uniform(*SYLLABLE) * RATE)
        rise = np.sin(np.linspace(0, np.pi, size)) ** 0.5
        pieces.append(random.uniform(0.1, 1.0) * rise * random.normal(0, 6000, size))
    sound = np.concatenate(pieces)[: round(seconds * RATE)]
    return np.clip(sound, -32768, 32767).astype(np.int16)
