"""Finds an answering machine's beep in the callee's sound. Pure; times are seconds of that sound."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WINDOW, HOP = 0.064, 0.016
"""Seconds. The window keeps apart what call-progress tones are mixed of: 40 Hz at the least."""
PIECES = 8
"""Of a window, whose levels are compared."""

LOWEST, HIGHEST = 390.0, 2050.0
"""Hz of beeps."""
CALL_PROGRESS, NEAR = 425.0, 8.0
"""Hz: the ringback and busy tone of most of Europe, Asia and South America (ITU-T E.180)."""

QUIETEST = 100.0
"""RMS of s16 samples, -50 dBFS."""
PURE, AROUND = 0.85, 2
"""Of a window's energy that is within so many bins of its peak."""
STEADY = 2.0
"""Ratio between the loudest and the quietest piece of a window."""
DRIFT = 0.006
"""By which the pitch may change while it sounds; a voice's does more."""
SHORTEST, LONGEST = 0.13, 2.5
"""Seconds. A longer tone is a line's, not a machine's."""

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Beep:
    hertz: float
    start: float
    end: float


@dataclass
class _Tone:
    hertz: list[float]
    start: float
    end: float

    def goes_on(self, hertz: float) -> bool:
        low, high = min(*self.hertz, hertz), max(*self.hertz, hertz)
        return high - low <= DRIFT * low


class BeepDetector:
    """Of one call, at one sample rate."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._size, self._hop = int(WINDOW * sample_rate), int(HOP * sample_rate)
        self._shape = np.hanning(self._size)
        self._waiting: Samples = np.zeros(0)
        self._at = 0  # samples before the first that waits
        self._tone: _Tone | None = None

    def hear(self, samples: npt.NDArray[np.int16]) -> Beep | None:
        """The beep that has ended in this piece of sound, mono."""
        found = None
        self._waiting = np.concatenate([self._waiting, samples.astype(np.float64)])
        while len(self._waiting) >= self._size:
            found = self._take(self._waiting[: self._size]) or found
            self._waiting = self._waiting[self._hop :]
            self._at += self._hop
        return found

    def _take(self, window: Samples) -> Beep | None:
        hertz = self._pitch(window)
        if hertz is not None and self._tone is not None and self._tone.goes_on(hertz):
            self._tone.hertz.append(hertz)
            self._tone.end = self._at / self._rate + WINDOW
            return None
        ended, self._tone = self._tone, None
        if hertz is not None:
            start = self._at / self._rate
            self._tone = _Tone([hertz], start, start + WINDOW)
        return _beep(ended) if ended else None

    def _pitch(self, window: Samples) -> float | None:
        """Of a window that is one steady tone, Hz."""
        levels = np.sqrt([np.mean(piece**2) for piece in np.array_split(window, PIECES)])
        if levels.min() < QUIETEST or levels.max() > STEADY * levels.min():
            return None
        power = np.abs(np.fft.rfft((window - window.mean()) * self._shape)) ** 2
        peak = int(power.argmax())
        if not AROUND <= peak < len(power) - AROUND:
            return None
        if power[peak - AROUND : peak + AROUND + 1].sum() < PURE * power.sum():
            return None
        hertz = (peak + _offset(power[peak - 1 : peak + 2])) * self._rate / self._size
        return hertz if LOWEST <= hertz <= HIGHEST else None


def _offset(power: Samples) -> float:
    """Of the true peak, in bins from the middle one: a parabola through the logarithms."""
    left, middle, right = np.log(power + 1e-9)
    curve = left - 2 * middle + right
    return float((left - right) / (2 * curve)) if curve else 0.0


def _beep(tone: _Tone) -> Beep | None:
    hertz = float(np.median(tone.hertz))
    if not SHORTEST <= tone.end - tone.start <= LONGEST or abs(hertz - CALL_PROGRESS) < NEAR:
        return None
    return Beep(hertz, tone.start, tone.end)
