"""Sound that goes out beneath what the caller says: noises, and the line's echo. Pure."""

import numpy as np
import numpy.typing as npt

from sip.simulate.speech import RATE, Samples


class Under:
    """Waits to be sent, frame by frame; silent when nothing waits."""

    def __init__(self) -> None:
        self._waiting: npt.NDArray[np.int32] = np.zeros(0, dtype=np.int32)

    def play(self, sound: Samples) -> None:
        """From the next frame on, over whatever waits already."""
        longer = np.zeros(max(self._waiting.size, sound.size), dtype=np.int32)
        longer[: self._waiting.size] = self._waiting
        longer[: sound.size] += sound
        self._waiting = longer

    def append(self, sound: Samples, *, delay: float) -> None:
        """After all that waits, or after `delay` seconds where nothing does."""
        pause = 0 if self._waiting.size else round(delay * RATE)
        silence = np.zeros(pause, dtype=np.int32)
        self._waiting = np.concatenate([self._waiting, silence, sound.astype(np.int32)])

    def take(self, samples: int) -> npt.NDArray[np.int32]:
        frame = np.zeros(samples, dtype=np.int32)
        due, self._waiting = self._waiting[:samples], self._waiting[samples:]
        frame[: due.size] = due
        return frame


def mixed(frame: Samples, *others: npt.NDArray[np.int32]) -> Samples:
    """Clipped, as a telephone would."""
    total = frame.astype(np.int32)
    for other in others:
        total += other
    return np.clip(total, -32768, 32767).astype(np.int16)


def quieter(sound: Samples, decibels: float) -> Samples:
    return np.asarray(sound * 10 ** (-decibels / 20)).astype(np.int16)
