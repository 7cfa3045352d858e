"""Sound of any usual rate to the 16 kHz that the engine hears, a piece at a time.

A polyphase FIR: linear phase, a Kaiser-windowed sinc (Oppenheim and Schafer, Discrete-Time Signal
Processing, 3rd ed., §7.5.3) that looks 1.9 ms to each side. Measured: 1.875 ms held back at 8, 24
and 48 kHz; at 8 kHz ripple under 0.02 dB to 3.5 kHz and images 60 dB down above 4.5 kHz; at 24 and
48 kHz ripple under 0.02 dB to 7.5 kHz, and what would fold from above 8.5 kHz 65 dB down.
"""

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from whisper_engine.protocol import SAMPLE_RATE

RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000)
"""Hz. What telephones, browsers and files have."""

_REACH = 0.001875
_REJECTION = 60.0
_ONE = 1 << 20
"""Coefficients are whole numbers of this: their sums are exact in float64, so that how a sound is
cut into pieces cannot show in the last bit."""
_BLOCK = 4096
"""Outputs made at once, which bounds what a long piece takes of memory."""

_Samples = NDArray[np.float64]


class Resampler:
    """One stream's sound, s16le mono of `rate` Hz, to 16 kHz.

    Sample n of the output is the sound at n / 16,000 s: nothing is shifted, the last 1.875 ms wait
    for what follows. 16 kHz passes as it is. Raises ValueError for a rate not in `RATES`.
    """

    def __init__(self, rate: int) -> None:
        if rate not in RATES:
            raise ValueError(f"a rate of {rate} Hz is not known: send one of {RATES}")
        self.rate = rate
        common = gcd(rate, SAMPLE_RATE)
        self._up, self._down = SAMPLE_RATE // common, rate // common
        self._reach = 0 if rate == SAMPLE_RATE else int(_REACH * rate)
        self._received, self._made = 0, 0
        self._first, self._kept = 1 - self._reach, self._silence()

    @property
    def delay(self) -> float:
        """Seconds of sound that wait for what follows them."""
        return self._reach / self.rate

    def push(self, pcm: bytes) -> bytes:
        """What can be said of the sound so far. Raises ValueError for half a sample."""
        if len(pcm) % 2:
            raise ValueError("sound comes as whole 16-bit samples")
        if self.rate == SAMPLE_RATE:
            return pcm
        samples = np.frombuffer(pcm, "<i2").astype(np.float64)
        self._received += len(samples)
        self._kept = np.concatenate([self._kept, samples])
        return self._make(self._due(self._received - self._reach))

    def flush(self) -> bytes:
        """The rest, as if silence followed. What is pushed next begins a new sound."""
        if self.rate == SAMPLE_RATE:
            return b""
        self._kept = np.concatenate([self._kept, np.zeros(self._reach)])
        pcm = self._make(self._due(self._received))
        self._received, self._made = 0, 0
        self._first, self._kept = 1 - self._reach, self._silence()
        return pcm

    def _silence(self) -> _Samples:
        """What came before the first sample."""
        return np.zeros(max(0, self._reach - 1))

    def _due(self, before: int) -> int:
        """How many outputs lie before this input sample."""
        return max(0, -(-before * self._up // self._down))

    def _make(self, until: int) -> bytes:
        blocks = [
            self._filtered(begin, min(begin + _BLOCK, until))
            for begin in range(self._made, until, _BLOCK)
        ]
        self._made = max(self._made, until)
        oldest = self._made * self._down // self._up - self._reach + 1
        self._kept = self._kept[oldest - self._first :]
        self._first = oldest
        return b"".join(blocks)

    def _filtered(self, begin: int, end: int) -> bytes:
        base, phase = np.divmod(np.arange(begin, end) * self._down, self._up)
        table = _phases(self.rate, self._up, self._reach)
        windows = np.lib.stride_tricks.sliding_window_view(self._kept, table.shape[1])
        near = windows[base - self._reach + 1 - self._first]
        sums = near @ table[0] if self._up == 1 else np.einsum("nt,nt->n", near, table[phase])
        pcm: NDArray[np.int16] = np.rint(sums / _ONE).clip(-32_768, 32_767).astype("<i2")
        return pcm.tobytes()


@lru_cache(maxsize=len(RATES))
def _phases(rate: int, up: int, reach: int) -> NDArray[np.float64]:
    """[up, 2 * reach]: what each input sample around an output counts for, by the output's phase."""
    offsets = np.arange(1 - reach, reach + 1) - np.arange(up)[:, None] / up
    beta = 0.1102 * (_REJECTION - 8.7)
    inside = np.clip(1 - (offsets / reach) ** 2, 0, None)
    window = np.where(np.abs(offsets) < reach, np.i0(beta * np.sqrt(inside)), 0.0)
    ideal = np.sinc(offsets * min(1.0, SAMPLE_RATE / rate)) * window
    table: NDArray[np.float64] = np.rint(ideal / ideal.sum(axis=1, keepdims=True) * _ONE)
    # Each phase must carry a constant sound alike, or it becomes a tone at a fraction of 16 kHz.
    nearest = np.abs(offsets).argmin(axis=1)
    table[np.arange(up), nearest] += _ONE - table.sum(axis=1)
    return table
