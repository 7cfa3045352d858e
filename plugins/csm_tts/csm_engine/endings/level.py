"""How loud a piece of sound is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.float32]
"""Samples of one channel from -1 to 1."""


def dbfs(pcm: NDArray[np.floating[Any]]) -> float:
    """Level of the RMS of samples from -1 to 1, where a full-scale square wave has 0;
    -inf for silence, for no samples, and for what is not a number."""
    if not pcm.size:
        return -np.inf
    power = float(np.mean(np.square(pcm, dtype=np.float64)))
    return 10 * float(np.log10(power)) if power > 0 and np.isfinite(power) else -np.inf
