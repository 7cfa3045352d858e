"""Whether somebody speaks in a stream of sound, as it comes and afterwards. Pure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sip.simulate.speech import RATE, Samples

HOP = 40
"""Samples between two levels: 5 ms."""

HOP_SECONDS = HOP / RATE

_WINDOW = 80  # 10 ms: shorter shows the pitch of a voice, longer blurs its start

SPEECH = -45.0
"""dBFS. Speech is 15 to 30 dB above it, a silent G.711 line 20 dB below."""

_FLOOR = 1e-5  # -100 dBFS, so that silence has a level


def levels(samples: Samples) -> npt.NDArray[np.float64]:
    """dBFS every `HOP` samples: level n is that of the 10 ms from n * HOP on."""
    if samples.size < _WINDOW:
        return np.zeros(0)
    energy = np.concatenate([[0.0], np.cumsum((samples / 32768.0) ** 2)])
    first = np.arange(0, samples.size - _WINDOW + 1, HOP)
    mean = (energy[first + _WINDOW] - energy[first]) / _WINDOW
    return np.asarray(20 * np.log10(np.sqrt(np.maximum(mean, 0.0)) + _FLOOR))


@dataclass(frozen=True)
class Spell:
    """A stretch of speech, in seconds from the start of what was analysed."""

    start: float
    end: float


def spells(
    level: npt.NDArray[np.float64],
    *,
    above: float = SPEECH,
    pause: float = 0.2,
    least: float = 0.06,
) -> list[Spell]:
    """Speech over `above` dBFS; pauses shorter than `pause` belong to it, spells under `least` s of sound are clicks."""
    loud = np.concatenate([[False], level > above, [False]])
    edges = np.flatnonzero(loud[1:] != loud[:-1])
    found: list[list[int]] = []  # start, end, hops of sound
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if found and (start - found[-1][1]) * HOP_SECONDS < pause:
            found[-1][1] = int(end)
            found[-1][2] += int(end - start)
        else:
            found.append([int(start), int(end), int(end - start)])
    # The last loud window ends one window after it starts, less what the next hop would have begun.
    tail = (_WINDOW - HOP) / RATE
    return [
        Spell(start * HOP_SECONDS, end * HOP_SECONDS + tail)
        for start, end, sound in found
        if sound * HOP_SECONDS >= least
    ]


@dataclass
class Ear:
    """Follows a live stream frame by frame: when did the speech that is heard now begin, when was the last."""

    least: float = 0.06
    pause: float = 0.2
    began: float | None = None
    last: float | None = None
    _sound: float = 0.0
    _candidate: float | None = None

    def feed(self, at: float, frame: Samples) -> None:
        """A frame whose first sample was heard at `at`."""
        seconds = frame.size / RATE
        loud = float(np.sqrt(np.mean((frame / 32768.0) ** 2))) > 10 ** (SPEECH / 20)
        if loud:
            if self._candidate is None or (self.last is not None and at - self.last >= self.pause):
                self._candidate, self._sound = at, 0.0
            self._sound += seconds
            self.last = at + seconds
            if self._sound >= self.least and self.began != self._candidate:
                self.began = self._candidate

    def quiet_for(self, now: float) -> float:
        """Seconds since the last sound; infinite before the first."""
        return float("inf") if self.last is None else now - self.last
