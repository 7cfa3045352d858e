"""Tells how strong sound is, on either side of a call."""

import asyncio

import numpy as np
from livekit import rtc

from agent.barge_in.loudness import Loudness
from agent.playback.room import Witness

FULL_SCALE = 32_768.0


class Metered:
    """A witness of the agent's sound, before another one."""

    def __init__(self, loudness: Loudness, other: Witness | None) -> None:
        self._loudness = loudness
        self._other = other

    def played(self, at: float, frame: rtc.AudioFrame) -> None:
        self._loudness.played(power(frame), frame.duration, at)
        if self._other:
            self._other.played(at, frame)

    def dropped(self, at: float) -> None:
        if self._other:
            self._other.dropped(at)


def silenced(loudness: Loudness, frame: rtc.AudioFrame) -> rtc.AudioFrame:
    """The caller's sound, silent where it is no more than an echo: ears that hear it through would
    put its words before the caller's."""
    now = asyncio.get_running_loop().time()
    if not loudness.heard(power(frame), frame.duration, now):
        return frame
    silence = bytes(2 * frame.samples_per_channel * frame.num_channels)
    return rtc.AudioFrame(silence, frame.sample_rate, frame.num_channels, frame.samples_per_channel)


def power(frame: rtc.AudioFrame) -> float:
    """Mean square, 1 at full scale."""
    samples = np.frombuffer(frame.data, np.int16) / FULL_SCALE
    return float(np.mean(samples**2)) if samples.size else 0.0
