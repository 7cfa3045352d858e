"""Keys heard as tones in the caller's sound (ITU-T Q.23), where a line does not send them as events."""

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

RATE = 16_000
WINDOW, HOP = RATE // 50, RATE // 100
"""Samples: 20 ms, which tells 697 Hz from 770, every 10 ms."""

ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")

PURE = 0.75
"""Least part of a window's energy that lies in its two tones: that of a telephone whose tones are 1 % off.
Loud speech was found to have 0.65."""
TWIST = 6.3
"""Most by which one tone is stronger than the other: 8 dB (Q.24 asks for 4 to 8)."""
QUIET = 100.0
"""Loudness (root mean square) under which nothing is a key: -50 dB of full scale."""
LASTS = 3
"""Windows that agree: a tone of 50 ms has them."""

_AT = np.arange(WINDOW)[:, None] * np.array(ROWS + COLUMNS)
_WAVES = np.exp(-2j * np.pi * _AT / RATE)


class Tones:
    """Of one call. Each key is told once, however long it is pressed."""

    def __init__(self) -> None:
        self._rest: NDArray[np.float64] = np.zeros(0)
        self._last = ""
        self._agree = 0
        self._down = ""

    def hear(self, frame: rtc.AudioFrame) -> str:
        """Keys that were pressed in it. The frame is mono, of `RATE`."""
        sound = np.concatenate([self._rest, np.frombuffer(frame.data, np.int16)])
        pressed, at = "", 0
        while at + WINDOW <= sound.size:
            pressed += self._next(key_in(sound[at : at + WINDOW]))
            at += HOP
        self._rest = sound[at:]
        return pressed

    def _next(self, key: str) -> str:
        self._agree = self._agree + 1 if key == self._last else 1
        self._last = key
        if self._agree < LASTS or key == self._down:
            return ""
        self._down = key
        return key


def key_in(sound: NDArray[np.float64]) -> str:
    """The key whose tones fill a window; an empty string where none does."""
    energy = float(sound @ sound)
    if energy < QUIET**2 * sound.size:
        return ""
    power = np.abs(sound @ _WAVES) ** 2 * 2 / (sound.size * energy)  # parts of the energy
    row, column = int(power[:4].argmax()), int(power[4:].argmax())
    low, high = float(power[row]), float(power[4 + column])
    if low + high < PURE or max(low, high) > TWIST * min(low, high):
        return ""
    return KEYS[row][column]
