"""Both sides of a call on one time line. Pure: times are passed in, in seconds on any steady clock."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

CALLER, AGENT = 0, 1
"""Left and right."""

TOGETHER = 0.1
"""Seconds by which a piece may be early or late and still follow the one before without a hole:
frames of one stream arrive unevenly, and their own length is the better clock."""


@dataclass
class _Channel:
    pieces: list[tuple[int, Samples]] = field(default_factory=list)
    """Samples since the start of the tape, and what is heard from there."""
    end: int = 0
    """Of the last piece."""


class Tape:
    """Holds what has been put and not yet been taken. Silence is wherever nothing was put.

    `start` is when the tape begins; `rate` in samples a second.
    """

    def __init__(self, start: float, rate: int) -> None:
        self._start = start
        self._rate = rate
        self._taken = 0
        self._channels = (_Channel(), _Channel())

    def put(self, channel: int, at: float, samples: Samples) -> None:
        """Mono sound that is heard from `at` on."""
        side = self._channels[channel]
        begin = self._sample(at)
        if side.end and abs(begin - side.end) <= TOGETHER * self._rate:
            begin = side.end
        side.pieces.append((begin, samples))
        side.end = begin + len(samples)

    def cut(self, channel: int, at: float) -> None:
        """What was put from `at` on was not heard after all."""
        side, end = self._channels[channel], max(self._sample(at), self._taken)
        kept = ((begin, samples[: end - begin]) for begin, samples in side.pieces if begin < end)
        side.pieces = list(kept)
        side.end = min(side.end, end)

    def take(self, until: float) -> Samples:
        """The next samples, up to `until`. Shape (n, 2). What is put before it later is lost."""
        end = max(self._sample(until), self._taken)
        block = np.zeros((end - self._taken, 2), np.int32)
        for number, side in enumerate(self._channels):
            for begin, samples in _split(side, end):
                first = max(self._taken - begin, 0)
                at = max(begin - self._taken, 0)
                rest = samples[first:]
                block[at : at + len(rest), number] += rest
        self._taken = end
        return np.clip(block, -32_768, 32_767).astype(np.int16)

    def _sample(self, at: float) -> int:
        return max(0, round((at - self._start) * self._rate))


def _split(side: _Channel, end: int) -> Iterator[tuple[int, Samples]]:
    """What is before `end`; the rest stays."""
    pieces, side.pieces = side.pieces, []
    for begin, samples in pieces:
        if begin < end:
            yield begin, samples[: end - begin]
        if begin + len(samples) > end:
            cut = max(end - begin, 0)
            side.pieces.append((begin + cut, samples[cut:]))
