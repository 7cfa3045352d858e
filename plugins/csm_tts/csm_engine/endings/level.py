"""How loud a piece of sound is."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.float32]
"""Samples of one channel from -1 to 1."""


def dbfs(pcm: NDArray[np.floating[Any]]) -> float:
    """Level of the RMS of samples from -1 to 1, where a full-scale square wave has 0;
    -inf for silence, for no samples, and for what is not a number."""
    if not pcm.size:
        return -math.inf
    return of_power(float(np.mean(np.square(pcm, dtype=np.float64))))


def of_power(mean_square: float) -> float:
    """The same, from the mean of the squares."""
    return 10 * math.log10(mean_square) if 0 < mean_square < math.inf else -math.inf
