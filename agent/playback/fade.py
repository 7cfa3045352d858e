"""Sound that ends without a click. Pure."""

from collections.abc import Sequence

import numpy as np
from livekit import rtc


def faded(pieces: Sequence[rtc.AudioFrame], seconds: float, start: float = 1.0) -> rtc.AudioFrame:
    """The first `seconds` of the pieces, or all there is, going from `start` down to nothing.

    Frames are mono int16 of one rate, at least one. The gain falls as a square, so that the ear
    takes it for even: after two thirds of the time it is 20 dB down.
    """
    rate = pieces[0].sample_rate
    samples = np.concatenate([np.frombuffer(piece.data, np.int16) for piece in pieces])
    samples = samples[: max(1, round(seconds * rate))]
    gain = start * np.linspace(1.0, 0.0, len(samples)) ** 2
    return rtc.AudioFrame(np.rint(samples * gain).astype(np.int16).tobytes(), rate, 1, len(samples))


def cut(frame: rtc.AudioFrame, seconds: float) -> list[rtc.AudioFrame]:
    """The frame in pieces of so many seconds; the last one may be shorter."""
    step = 2 * round(seconds * frame.sample_rate)
    pcm = bytes(frame.data)
    pieces = [pcm[start : start + step] for start in range(0, len(pcm), step)]
    return [rtc.AudioFrame(piece, frame.sample_rate, 1, len(piece) // 2) for piece in pieces]
