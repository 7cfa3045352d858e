"""The last sound of a sentence: trimmed, and faded so that it does not end in a click."""

import numpy as np

from csm_engine.endings.ending import Guards
from csm_engine.endings.level import Pcm, dbfs

WINDOW = 0.010
"""Seconds in which a level is measured."""

KEPT = 0.080
"""Seconds of the silence that are left after the last sound: a final consonant is soft."""

FADE = 0.015
"""Seconds."""


def tail(pcm: Pcm, rate: int, *, below: float = Guards.silence) -> Pcm:
    """What was not sent when the sentence ended, with its silence (dBFS) cut and its end faded.

    `rate` in Hz. A new array of the same samples or fewer.
    """
    return faded(trimmed(pcm, rate, below=below), rate)


def trimmed(pcm: Pcm, rate: int, *, below: float = Guards.silence) -> Pcm:
    """Without the silence at the end, but for KEPT seconds of it."""
    window = max(1, round(WINDOW * rate))
    end = len(pcm)
    while end > 0 and dbfs(pcm[max(0, end - window) : end]) < below:
        end = max(0, end - window)
    return pcm[: min(len(pcm), end + round(KEPT * rate))].copy()


def faded(pcm: Pcm, rate: int) -> Pcm:
    """Down to zero over the last FADE seconds along half a cosine."""
    count = min(len(pcm), round(FADE * rate))
    out = pcm.copy()
    if count:
        fall = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, count + 1) / count)
        out[-count:] *= fall.astype(np.float32)
    return out
