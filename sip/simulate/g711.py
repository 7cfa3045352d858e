"""ITU-T G.711, mu-law: what a telephone line carries."""

import numpy as np
from numpy.typing import NDArray

from sip.simulate.speech import Samples

Codes = NDArray[np.uint8]

_BIAS = 132
_CLIP = 32_635


def _decoded() -> Samples:
    codes = ~np.arange(256, dtype=np.uint8)
    segment, step = (codes.astype(np.int32) >> 4) & 7, codes.astype(np.int32) & 15
    magnitude = ((2 * step + 33) << (segment + 2)) - _BIAS
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


_TABLE = _decoded()


def decode(codes: Codes) -> Samples:
    return _TABLE[codes]


def encode(samples: Samples) -> Codes:
    wide = samples.astype(np.int32)
    magnitude = np.minimum(np.abs(wide), _CLIP) + _BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    step = (magnitude >> (segment + 3)) & 15
    sign = np.where(wide < 0, 0x80, 0)
    return np.asarray(~(sign | (segment << 4) | step) & 0xFF, np.uint8)
