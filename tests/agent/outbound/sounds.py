"""Tones of telephone lines and of machines on them."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from livekit import rtc

RATE = 16_000
FRAME = RATE // 50

Sound = npt.NDArray[np.int16]


def tone(*hertz: float, seconds: float, level: float = 6000.0, rate: int = RATE) -> Sound:
    """A mixture of these, each at this level, with silence before and after."""
    time = np.arange(int(seconds * rate)) / rate
    sound = sum((level * np.sin(2 * np.pi * each * time) for each in hertz), np.zeros(len(time)))
    silence = np.zeros(rate // 4)
    return np.concatenate([silence, sound, silence]).astype(np.int16)


def over_the_line(sound: Sound) -> Sound:
    """Through the G.711 mu-law companding curve."""
    scaled = sound / 32768
    coded = np.round(127 * np.sign(scaled) * np.log1p(255 * np.abs(scaled)) / np.log(256)) / 127
    heard: Sound = (np.sign(coded) * (256 ** np.abs(coded) - 1) / 255 * 32767).astype(np.int16)
    return heard


def noise(like: Sound, level: float) -> Sound:
    """White, with this RMS."""
    sound = np.random.default_rng(1).normal(scale=level, size=len(like))
    return sound.astype(np.int16)


def frames(sound: Sound) -> Iterator[rtc.AudioFrame]:
    """Of 20 ms, as the room gives them."""
    for start in range(0, len(sound), FRAME):
        piece = sound[start : start + FRAME]
        yield rtc.AudioFrame(piece.tobytes(), RATE, 1, len(piece))
