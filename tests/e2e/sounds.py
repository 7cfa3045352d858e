"""Sounds that are not speech, as samples at the telephone's rate. Levels are dBFS."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from sip.simulate.speech import RATE, Samples

KEYS = "123A456B789C*0#D"
LOW = (697, 770, 852, 941)  # Hz, a row of the keypad
HIGH = (1209, 1336, 1477, 1633)  # Hz, a column (ITU-T Q.23)

TONE = 1000  # Hz
SECONDS = 30
"""Of the tone; a source that ends sends no packets."""


def white_noise(seconds: float, level: float) -> Samples:
    return _at(level, _random().normal(size=round(seconds * RATE)))


def pink_noise(seconds: float, level: float) -> Samples:
    """Much as a street sounds: as loud in each octave."""
    spectrum = np.fft.rfft(_random().normal(size=round(seconds * RATE)))
    spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
    spectrum[0] = 0.0
    return _at(level, np.fft.irfft(spectrum))


def hum(seconds: float, level: float) -> Samples:
    """The mains, with overtones."""
    time = np.arange(round(seconds * RATE)) / RATE
    overtones = [np.sin(2 * np.pi * 50 * n * time) / n for n in (1, 2, 3, 4, 6)]
    return _at(level, np.sum(overtones, axis=0))


def clatter(seconds: float, level: float) -> Samples:
    """Dishes, or a keyboard: eight short bursts a second."""
    random = _random()
    sound = np.zeros(round(seconds * RATE))
    burst = np.exp(-np.arange(80) / 15.0)
    for at in random.integers(0, sound.size - burst.size, round(8 * seconds)):
        sound[at : at + burst.size] += random.normal(size=burst.size) * burst
    return _at(level, sound)


def keypad(keys: str, level: float) -> Samples:
    """Each key for 120 ms, as tones in the sound."""
    time = np.arange(round(0.12 * RATE)) / RATE
    pause = np.zeros(round(0.1 * RATE))
    pieces = []
    for key in keys:
        row, column = divmod(KEYS.index(key), len(HIGH))
        pieces += [np.sin(2 * np.pi * LOW[row] * time) + np.sin(2 * np.pi * HIGH[column] * time)]
        pieces += [pause]
    return _at(level, np.concatenate(pieces))


def tone(rate: int) -> Samples:
    at = np.arange(SECONDS * rate) / rate
    return np.asarray(8000 * np.sin(2 * np.pi * TONE * at)).astype(np.int16)


def loudest(folder: Path) -> float:
    """The frequency in the last half second that baresip heard, in Hz; 0 while it is silent."""
    for path in folder.glob("dump-*-dec.wav"):
        data = path.read_bytes()
        rate = int.from_bytes(data[24:28], "little")
        heard = np.frombuffer(data[44 : len(data) // 2 * 2], "<i2")[-rate // 2 :]
        if heard.size == rate // 2 and np.abs(heard).mean() > 500:
            power = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
            return float(power.argmax() * rate / heard.size)
    return 0.0


def _random() -> np.random.Generator:
    return np.random.default_rng(20)


def _at(level: float, sound: npt.NDArray[np.float64]) -> Samples:
    loud = sound / np.std(sound) * 32768 * 10 ** (level / 20)
    return np.clip(loud, -32768, 32767).astype(np.int16)
