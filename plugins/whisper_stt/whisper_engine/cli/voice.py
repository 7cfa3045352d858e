"""A voice without words, made of pulses and formants: speech to a voice detector, and free of data."""

import numpy as np
from numpy.typing import NDArray

from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.whisper.task import Pcm

SYLLABLE = 0.22
"""Seconds."""

VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (570, 840, 2410),
    (300, 870, 2240),
    (530, 1840, 2480),
)
"""Formants in Hz: a, i, o, u, e of men (Peterson and Barney 1952, table II)."""

BANDWIDTHS = (80, 90, 120)
_PITCH = 120.0
_LOUDEST = 12_000

_Sound = NDArray[np.float64]


def voice(seconds: float, seed: int = 0) -> Pcm:
    """Syllables of one vowel each, gliding over, at 16 kHz. The same ones for the same seed."""
    random = np.random.default_rng(seed)
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    place = at / SYLLABLE
    index, within = place.astype(int), place % 1
    vowels = np.array(VOWELS)[random.integers(0, len(VOWELS), int(seconds / SYLLABLE) + 2)]
    glide = np.clip((within - 0.6) / 0.4, 0, 1)[:, None]
    formants = vowels[index] * (1 - glide) + vowels[index + 1] * glide
    sound = _pulses(at) + random.normal(0, 0.01, len(at))
    for number, bandwidth in enumerate(BANDWIDTHS):
        sound = _resonate(sound, formants[:, number], bandwidth)
    sound *= 0.15 + np.sin(np.pi * within)
    pcm: Pcm = (sound / np.abs(sound).max() * _LOUDEST).astype(np.int16)
    return pcm


def _pulses(at: _Sound) -> _Sound:
    """One a period of a pitch that wanders."""
    pitch = _PITCH * (1 + 0.08 * np.sin(2 * np.pi * 0.7 * at) + 0.03 * np.sin(2 * np.pi * 3 * at))
    cycles = np.floor(np.cumsum(pitch) / SAMPLE_RATE)
    return np.diff(cycles, prepend=0.0)


def _resonate(sound: _Sound, hertz: _Sound, bandwidth: float) -> _Sound:
    """Two poles at `hertz`, which may move from sample to sample."""
    radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
    turn = (2 * radius * np.cos(2 * np.pi * hertz / SAMPLE_RATE)).tolist()
    out = sound.tolist()
    last = before = 0.0
    for index, feedback in enumerate(turn):
        last, before = out[index] + feedback * last - radius**2 * before, last
        out[index] = last
    return np.array(out)
