"""What a telephone line makes of a voice: 8 kHz, G.711 mu-law, lost packets."""

import numpy as np
from numpy.typing import NDArray

from whisper_engine.resampling import Resampler
from whisper_engine.whisper.task import Pcm

RATE = 8_000
PACKET = RATE // 50
"""Samples of a packet of 20 ms."""

BURST = 2.0
"""Packets lost in a row, in the mean: losses on the Internet come in bursts."""

_BIAS = 132
_CLIP = 32_635
_LOG2_FIRST_SEGMENT = 7
_TAPS = 127


def over_line(pcm: Pcm, *, loss: float, seed: int) -> Pcm:
    """What is heard at 16 kHz at the other end of a line, as long as `pcm`.

    Args:
        pcm: 16 kHz.
        loss: share of packets that never arrive, in [0, 1); they are heard as zeros.
        seed: the same one loses the same packets.
    """
    line = from_mu_law(to_mu_law(_half_rate(pcm)))
    line[np.repeat(_lost(-(-len(line) // PACKET), loss, seed), PACKET)[: len(line)]] = 0
    resampler = Resampler(RATE)
    heard = np.frombuffer(resampler.push(line.tobytes()) + resampler.flush(), np.int16)
    return np.pad(heard, (0, max(0, len(pcm) - len(heard))))[: len(pcm)]


def to_mu_law(pcm: Pcm) -> NDArray[np.uint8]:
    """ITU-T G.711: sign, segment (3 bits), step (4 bits), all inverted."""
    wide = pcm.astype(np.int32)
    sign = np.where(wide < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(wide), _CLIP) + _BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - _LOG2_FIRST_SEGMENT
    step = (magnitude >> (segment + 3)) & 0x0F
    codes: NDArray[np.int32] = ~(sign | (segment << 4) | step) & 0xFF
    return codes.astype(np.uint8)


def from_mu_law(codes: NDArray[np.uint8]) -> Pcm:
    plain = ~codes.astype(np.int32) & 0xFF
    segment, step = (plain >> 4) & 0x07, plain & 0x0F
    magnitude = (((step << 3) + _BIAS) << segment) - _BIAS
    return np.where(plain & 0x80, -magnitude, magnitude).astype(np.int16)


def _half_rate(pcm: Pcm) -> Pcm:
    """16 to 8 kHz: a windowed sinc that ends at 3.8 kHz, then every second sample."""
    at = np.arange(_TAPS) - _TAPS // 2
    cutoff = 3_600 / 16_000
    taps = 2 * cutoff * np.sinc(2 * cutoff * at) * np.blackman(_TAPS)
    low = np.convolve(pcm.astype(np.float64), taps, "full")[_TAPS // 2 :][: len(pcm)]
    return np.rint(low[::2]).clip(-32_768, 32_767).astype(np.int16)


def _lost(packets: int, loss: float, seed: int) -> NDArray[np.bool_]:
    """Two states, after Gilbert (Bell System Technical Journal 39, 1960)."""
    lost = np.zeros(packets, np.bool_)
    if not loss:
        return lost
    chance = np.random.default_rng(seed).random(packets)
    to_good = 1 / BURST
    to_bad = min(1.0, loss * to_good / (1 - loss))
    bad = False
    for index in range(packets):
        bad = chance[index] >= to_good if bad else chance[index] < to_bad
        lost[index] = bad
    return lost
