"""The engine's one place where sound changes its rate or its grain."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import numpy as np
import soxr

from csm_engine.protocol import FRAME_SECONDS

SAMPLE_BYTES = 2

_MULAW_BIAS = 132
_MULAW_MOST = 32_767 - _MULAW_BIAS
_BIASED_BITS = 8
"""Of the bias, and so of all that lies in the lowest of the eight segments."""


async def reframed(
    sound: AsyncGenerator[bytes, None], rate: int, wanted: int
) -> AsyncGenerator[bytes, None]:
    """s16le mono in pieces of any size at `rate` → frames of FRAME_SECONDS at `wanted` Hz.

    Each frame leaves as soon as it is whole; the last one is as long as what is left.
    """
    resampler = Resampler(rate, wanted) if rate != wanted else None
    cutter = _Cutter(round(wanted * FRAME_SECONDS) * SAMPLE_BYTES)
    async with aclosing(sound):
        async for piece in sound:
            for frame in cutter.whole(resampler.push(piece) if resampler else piece):
                yield frame
    for frame in cutter.whole(resampler.finish() if resampler else b""):
        yield frame
    if cutter.rest:
        yield cutter.rest


class Resampler:
    """s16le mono from one rate to another, in pieces, without seams."""

    def __init__(self, rate: int, wanted: int) -> None:
        self._stream = soxr.ResampleStream(rate, wanted, 1, dtype="int16")

    def push(self, pcm: bytes) -> bytes:
        return self._convert(pcm, last=False)

    def finish(self) -> bytes:
        """What the filter still held. Nothing may be pushed after it."""
        return self._convert(b"", last=True)

    def _convert(self, pcm: bytes, *, last: bool) -> bytes:
        out: bytes = self._stream.resample_chunk(np.frombuffer(pcm, np.int16), last=last).tobytes()
        return out


def to_mulaw(pcm: bytes) -> bytes:
    """s16le to ITU-T G.711's mu-law, a byte a sample: sign, segment and step, all bits inverted."""
    samples = np.frombuffer(pcm, np.int16).astype(np.int32)
    biased = np.minimum(np.abs(samples), _MULAW_MOST) + _MULAW_BIAS
    segment = np.frexp(biased)[1] - _BIASED_BITS
    step = (biased >> (segment + 3)) & 0x0F
    codes = np.where(samples < 0, 0x80, 0) | (segment << 4) | step
    return bytes((codes ^ 0xFF).astype(np.uint8))


class _Cutter:
    def __init__(self, size: int) -> None:
        self._size = size
        self.rest = b""

    def whole(self, pcm: bytes) -> Iterator[bytes]:
        held = self.rest + pcm
        end = len(held) - len(held) % self._size
        self.rest = held[end:]
        for start in range(0, end, self._size):
            yield held[start : start + self._size]
