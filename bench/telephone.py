"""What a telephone line makes of a voice: G.711 mu-law at 8 kHz, and the sounds of the line itself."""

import io
import subprocess
import wave

import numpy as np
import soxr
from numpy.typing import NDArray

from whisper_engine.cli.ab.line import from_mu_law, to_mu_law

Samples = NDArray[np.int16]

RATE = 16_000
LINE_RATE = 8_000


def flite(text: str, voice: str) -> Samples:
    """`text` spoken by a flite voice, at RATE. Raises CalledProcessError for an unknown voice."""
    spoken = subprocess.run(
        ["flite", "-voice", voice, "-t", text, "-o", "/dev/stdout"], check=True, capture_output=True
    )
    return read_wave(spoken.stdout)


def read_wave(data: bytes) -> Samples:
    """Mono 16-bit, at RATE."""
    with wave.open(io.BytesIO(data)) as file:
        # A pipe cannot be rewound, so flite's header may promise more than there is.
        samples = np.frombuffer(file.readframes(len(data)), np.int16)
        return resample(samples, file.getframerate(), RATE)


def resample(samples: Samples, rate: int, to: int) -> Samples:
    return samples if rate == to else soxr.resample(samples, rate, to, "VHQ").astype(np.int16)


def over_g711(samples: Samples) -> Samples:
    """Down to 8 kHz, through mu-law and back: what arrives at the other end, at RATE again."""
    line = resample(samples, RATE, LINE_RATE)
    return resample(from_mu_law(to_mu_law(line)), LINE_RATE, RATE)


def silence(seconds: float, *, noise: float = 8.0, seed: int = 0) -> Samples:
    """A line on which nobody speaks: `noise` is the standard deviation of its hiss."""
    hiss = np.random.default_rng(seed).normal(0, noise, round(seconds * RATE))
    return hiss.clip(-32_768, 32_767).astype(np.int16)


def tones(seconds: float, *hertz: float, on: float = 0.1, off: float = 0.1) -> Samples:
    """Tones together, switched on and off: DTMF, ringback, busy."""
    at = np.arange(round(seconds * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * pitch * at) for pitch in hertz) * (8_000 / len(hertz))
    return (sound * (at % (on + off) < on)).astype(np.int16)
