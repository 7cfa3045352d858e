"""What a telephone line does to a voice: 8 kHz, mu-law or A-law, and packets that do not arrive."""

from typing import Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from whisper_engine.cli.ab.line import from_mu_law, to_mu_law
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.resampling import Resampler

LINE_RATE = 8_000
PACKET = LINE_RATE // 50
"""Samples: 20 ms."""

Law = Literal["mu", "a"]

_FLIPPED = 0x55


def to_a_law(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """ITU-T G.711, table 1: sign, segment and step of the 13 upper bits, even bits inverted."""
    wide = samples.astype(np.int32) >> 3
    positive = wide >= 0
    magnitude = np.where(positive, wide, -wide - 1)
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    step = (magnitude >> np.maximum(segment, 1)) & 0x0F
    codes = np.where(positive, 0x80, 0) | (segment << 4) | step
    return np.asarray(codes ^ _FLIPPED, np.uint8)


def from_a_law(codes: NDArray[np.uint8]) -> NDArray[np.int16]:
    """The middle of each step."""
    plain = codes.astype(np.int32) ^ _FLIPPED
    segment, step = (plain >> 4) & 0x07, plain & 0x0F
    middle = (step << 4) + 8
    magnitude = np.where(segment > 0, (middle + 0x100) << np.maximum(segment - 1, 0), middle)
    return np.where(plain & 0x80, magnitude, -magnitude).astype(np.int16)


def coded(samples: NDArray[np.int16], law: Law) -> NDArray[np.int16]:
    """There and back, at the line's rate."""
    if law == "mu":
        return from_mu_law(to_mu_law(samples))
    return from_a_law(to_a_law(samples))


def lossy(samples: NDArray[np.int16], share: float, seed: int = 0) -> NDArray[np.int16]:
    """`share` of the packets lost and concealed by zeros."""
    lost = np.random.default_rng(seed).random(len(samples) // PACKET + 1) < share
    return np.where(np.repeat(lost, PACKET)[: len(samples)], np.int16(0), samples)


def over_the_line(
    samples: NDArray[np.int16], rate: int, *, law: Law = "mu", loss: float = 0.0
) -> bytes:
    """A voice of any rate as the engine gets it: s16le, 16 kHz."""
    line = soxr.resample(samples, rate, LINE_RATE).astype(np.int16)
    up = Resampler(LINE_RATE)
    return up.push(lossy(coded(line, law), loss).tobytes()) + up.flush()


def seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / SAMPLE_RATE
