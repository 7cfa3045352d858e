"""How loud each side of a recording is, piece by piece: what its picture is drawn from."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import av
import numpy as np
import numpy.typing as npt

Peaks = npt.NDArray[np.float64]

RATE = 8000
"""Samples a second that are looked at."""

STEP = RATE // 20
"""Samples of which one peak is kept while the sound is read: 50 ms."""

LONGEST = 4 * 3600
"""Seconds of a recording; what is beyond is not drawn."""

FULL = 32_768.0

KEPT = 32
"""Waveforms that are remembered: a page is looked at more than once."""

AT_ONCE = 2
"""Recordings that are read at once: each takes a core."""


class NotSoundError(Exception):
    """The file holds no sound that can be read."""


class BusyError(Exception):
    """So many recordings are being read that this one would take a core from the calls."""


@dataclass(frozen=True)
class Waveform:
    """The greatest amplitude of each piece, 0 to 1; pieces have the same length, all of them
    together are `seconds`."""

    seconds: float
    caller: tuple[float, ...]
    agent: tuple[float, ...]


def read_waveform(source: str | IO[bytes], pieces: int) -> Waveform:
    """Of a stereo file: the caller left, the agent right. It blocks, about a second for an hour.

    Raises `NotSoundError`.
    """
    peaks, samples = [], 0
    rest = np.zeros((2, 0), np.int16)
    try:
        with av.open(source, "r") as container:
            resampler = av.AudioResampler(format="s16p", layout="stereo", rate=RATE)
            for frame in container.decode(audio=0):
                for piece in resampler.resample(frame):
                    samples += piece.samples
                    rest = np.concatenate((rest, piece.to_ndarray()), axis=1)
                whole = rest.shape[1] // STEP * STEP
                peaks.append(_peaks(rest[:, :whole].reshape(2, -1, STEP)))
                rest = rest[:, whole:]
                if samples >= LONGEST * RATE:
                    break
    except (av.FFmpegError, IndexError) as error:
        raise NotSoundError(type(error).__name__) from error
    if rest.shape[1]:
        peaks.append(_peaks(rest[:, None, :]))
    found = np.concatenate(peaks, axis=1) if peaks else np.zeros((2, 0))
    caller, agent = (_fewer(side, pieces) for side in found)
    return Waveform(round(samples / RATE, 3), caller, agent)


@dataclass
class Waveforms:
    """Remembers the last ones. From any thread; raises `BusyError` rather than wait."""

    _known: OrderedDict[tuple[str, int], Waveform] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _readers: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))

    def of(self, name: str, pieces: int, open_: Callable[[], str | IO[bytes]]) -> Waveform:
        """`name` is the recording's, which never changes. Raises what `open_` does, too."""
        key = (name, pieces)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        if not self._readers.acquire(blocking=False):
            raise BusyError
        try:
            found = read_waveform(open_(), pieces)
        finally:
            self._readers.release()
        with self._lock:
            self._known[key] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found


def file_source(path: Path) -> Callable[[], str]:
    return lambda: str(path)


def _peaks(samples: npt.NDArray[np.int16]) -> Peaks:
    """Along the last axis. Of -32768 there is no absolute value in 16 bits."""
    loudest: Peaks = np.abs(samples.astype(np.int32)).max(axis=-1) / FULL
    return loudest


def _fewer(peaks: Peaks, pieces: int) -> tuple[float, ...]:
    """At most so many, each the greatest of its share."""
    if not len(peaks):
        return ()
    starts = np.unique(
        np.linspace(0, len(peaks), min(pieces, len(peaks)), endpoint=False, dtype=int)
    )
    return tuple(round(float(peak), 3) for peak in np.maximum.reduceat(peaks, starts))
