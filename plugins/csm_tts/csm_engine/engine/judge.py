"""What is made of a row's frame: sound, or an end. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from csm_engine.endings.ending import Verdict
from csm_engine.endings.level import of_power
from csm_engine.endings.tail import faded, tail
from csm_engine.engine.flight import Row
from csm_engine.engine.line import Made

_SCALE = np.float32(32768)

Samples = NDArray[np.int16]


def judge(row: Row, codes: Sequence[int], sound: Samples, power: float, rate: int) -> Made:
    verdict = row.ending.codes(codes)
    if verdict is Verdict.SEND:
        row.frames.append(list(codes))
        verdict = row.ending.sound(of_power(power))
    reason = row.ending.reason
    match verdict:
        case Verdict.SEND:
            return Made(_bytes(sound))
        case Verdict.SKIP:
            row.lead += 1
            return Made()
        case Verdict.END_AFTER:
            return Made(_s16le(faded(_floats(sound), rate)), reason)
        case Verdict.END:
            # In place of its own end's frame the codec made what still rings.
            rings = _s16le(tail(_floats(sound), rate)) if reason == "stop" else b""
            return Made(rings, reason)


def _floats(sound: Samples) -> NDArray[np.float32]:
    return sound.astype(np.float32) / _SCALE


def _s16le(pcm: NDArray[np.float32]) -> bytes:
    return _bytes(np.round(pcm * _SCALE).astype(np.int16))


def _bytes(sound: Samples) -> bytes:
    return sound.astype("<i2", copy=False).tobytes()
