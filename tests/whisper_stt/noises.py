"""Sounds of the line and of the room that are no speech, at 16 kHz. Made here, always the same."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
SECONDS = 6

Samples = NDArray[np.int16]
Sound = NDArray[np.float64]

_ROWS, _COLUMNS = (697, 770, 852, 941), (1_209, 1_336, 1_477, 1_633)


def _times(seconds: float) -> Sound:
    return np.arange(round(seconds * RATE)) / RATE


def _every(apart: float, made: Callable[[int], Sound]) -> Sound:
    out = np.zeros(SECONDS * RATE)
    for index, start in enumerate(_starts(apart)):
        sound = made(index)[: len(out) - start]
        out[start : start + len(sound)] += sound
    return out


def _starts(apart: float) -> Iterator[int]:
    at = 0.0
    while round(at * RATE) < SECONDS * RATE:
        yield round(at * RATE)
        at += apart


def at_level(sound: Sound, dbfs: float) -> Samples:
    """With this root mean square, relative to full scale."""
    loudness = float(np.sqrt(np.mean(sound**2))) or 1.0
    scaled = sound * (32_768 * 10 ** (dbfs / 20) / loudness)
    return scaled.clip(-32_768, 32_767).astype(np.int16)


def hiss(colour: float = 0.0, seconds: float = SECONDS) -> Sound:
    """`colour`: 0 is white, 0.5 pink, 1 brown."""
    length = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(7).normal(size=length))
    falling = np.maximum(np.arange(len(spectrum)), 1.0) ** -colour
    return np.asarray(np.fft.irfft(spectrum * falling, length), np.float64)


def tones(*hertz: float, on: float = SECONDS, off: float = 0.0) -> Sound:
    """ITU-T E.180: call progress tones are one or two frequencies with a cadence."""
    at = _times(SECONDS)
    return np.asarray(sum(np.sin(2 * np.pi * pitch * at) for pitch in hertz)) * (
        at % (on + off) < on
    )


def music(base: float, *, overtones: int, vibrato: float = 0.0, decay: float = 0.5) -> Sound:
    """Notes of a pentatonic scale, two and a half a second."""
    steps = (0, 2, 4, 7, 9, 12, 9, 7)

    def note(index: int) -> Sound:
        at = _times(2.0)
        phase = 2 * np.pi * base * 2 ** (steps[index % len(steps)] / 12) * at
        phase += vibrato * np.sin(2 * np.pi * 5.5 * at)
        partials = sum(np.sin(k * phase) / k**1.2 for k in range(1, overtones + 1))
        return np.asarray(partials) * np.minimum(at / 0.01, 1) * np.exp(-at / decay)

    return _every(0.4, note)


def drums() -> Sound:
    random = np.random.default_rng(5)

    def beat(index: int) -> Sound:
        at = _times(0.3)
        if index % 2:
            return np.asarray(random.normal(size=len(at))) * np.exp(-at / 0.05)
        return 3 * np.sin(2 * np.pi * (50 + 60 * np.exp(-at / 0.03)) * at) * np.exp(-at / 0.1)

    return _every(0.5, beat)


def keypad() -> Sound:
    """All sixteen DTMF signals, 100 ms each, 100 ms apart."""

    def key(index: int) -> Sound:
        row, column = divmod(7 * index % 16, 4)
        at = _times(0.1)
        return np.sin(2 * np.pi * _ROWS[row] * at) + np.sin(2 * np.pi * _COLUMNS[column] * at)

    return _every(0.2, key)


def clicks(apart: float) -> Sound:
    return _every(apart, lambda _: np.ones(1))


def keys_typed() -> Sound:
    random = np.random.default_rng(9)
    return _every(0.15, lambda _: random.normal(size=480) * np.exp(-np.arange(480) / 100))


def breath() -> Sound:
    swell = np.clip(np.sin(2 * np.pi * 0.4 * _times(SECONDS)), 0, 1) ** 2
    return np.asarray(np.diff(hiss(0.5), prepend=0.0) * swell)


def lost_packets() -> Sound:
    """Room noise of which two packets of 20 ms in five never arrive."""
    sound = hiss(0.5)
    arrived = np.random.default_rng(3).random(len(sound) // 320) > 0.4
    return sound * np.repeat(arrived, 320)


NOISES: dict[str, Samples] = {
    "silence": np.zeros(SECONDS * RATE, np.int16),
    "quiet line": at_level(hiss(), -70),
    "hiss": at_level(hiss(), -35),
    "loud hiss": at_level(hiss(), -12),
    "room": at_level(hiss(0.5), -30),
    "wind": at_level(hiss(1.0), -22),
    "hum": at_level(tones(50, 100, 150, 250), -20),
    "clicks": at_level(clicks(1 / 3), -35),
    "typing": at_level(keys_typed(), -30),
    "breath": at_level(breath(), -35),
    "lost packets": at_level(lost_packets(), -35),
    "keypad": at_level(keypad(), -15),
    "dial tone": at_level(tones(350, 440), -19),
    "ringback, America": at_level(tones(440, 480, on=2, off=4), -19),
    "ringback, Europe": at_level(tones(425, on=1, off=4), -19),
    "ringback, Britain": at_level(tones(400, 450, on=0.4, off=0.2), -19),
    "busy": at_level(tones(480, 620, on=0.5, off=0.5), -19),
    "congestion": at_level(tones(425, on=0.25, off=0.25), -19),
    "fax calling": at_level(tones(1_100, on=0.5, off=3), -15),
    "fax answering": at_level(tones(2_100), -15),
    "hold, beeps": at_level(tones(1_400, on=0.2, off=3), -19),
    "hold, piano": at_level(music(220, overtones=6), -22),
    "hold, organ": at_level(music(220, overtones=10, decay=2.0), -22),
    "hold, flute": at_level(music(440, overtones=2, vibrato=0.8, decay=1.0), -22),
    "hold, drums": at_level(drums(), -20),
}

CELLO = at_level(music(110, overtones=8, vibrato=0.5, decay=1.0), -18)
"""Deep, rich and with vibrato: nearest to a voice."""
