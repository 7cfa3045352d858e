"""A voice's clip: 16-bit mono WAV, checked for what would make a bad voice of it."""

import io
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from csm_engine.audio import SAMPLE_BYTES, Resampler
from csm_engine.endings.level import dbfs

SHORTEST, LONGEST = 1.0, 20.0
"""Seconds. A prompt takes a position for each 80 ms, and CSM was trained on short segments."""

LEAST_RATE = 16_000
"""Hz. A telephone's sound makes a telephone's voice."""

MOST_RATE = 192_000

SILENT = -45.0
"""dBFS of the whole."""


class VoiceError(ValueError):
    """A voice's folder cannot be used; the message names the file and the fix."""


def read_clip(path: Path, rate: int) -> NDArray[np.int16]:
    """The file's samples at `rate` Hz, an array of its own. Raises VoiceError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise VoiceError(f"{path} cannot be read ({error.strerror})") from None
    return clip_of(data, path, rate)


def clip_of(data: bytes, name: str | Path, rate: int) -> NDArray[np.int16]:
    """The samples of a WAV file, called `name` in errors, at `rate` Hz. Raises VoiceError."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            form = file.getparams()
            pcm = file.readframes(file.getnframes())
    except (EOFError, wave.Error) as error:
        raise VoiceError(f"{name} is no WAV of 16-bit samples ({error}): convert it") from None
    if form.nchannels != 1:
        raise VoiceError(f"{name} has {form.nchannels} channels: mix it to mono")
    if form.sampwidth != SAMPLE_BYTES:
        raise VoiceError(f"{name} has {8 * form.sampwidth}-bit samples: convert it to 16-bit")
    if not LEAST_RATE <= form.framerate <= MOST_RATE:
        raise VoiceError(
            f"{name} has {form.framerate} Hz: record at {LEAST_RATE} or more, {MOST_RATE} at most"
        )
    samples = np.frombuffer(pcm[: len(pcm) // SAMPLE_BYTES * SAMPLE_BYTES], np.int16).copy()
    _check_sound(name, samples, form.framerate)
    return (
        samples if form.framerate == rate else _resampled(samples.tobytes(), form.framerate, rate)
    )


def _check_sound(name: str | Path, samples: NDArray[np.int16], rate: int) -> None:
    if not SHORTEST <= (seconds := len(samples) / rate) <= LONGEST:
        raise VoiceError(
            f"{name} lasts {seconds:.1f} s: cut it to {SHORTEST:g} to {LONGEST:g} s (8 to 15 is best)"
        )
    if dbfs(samples.astype(np.float32) / np.float32(32768)) < SILENT:
        raise VoiceError(f"{name} is silent: record it again, louder")


def _resampled(pcm: bytes, rate: int, wanted: int) -> NDArray[np.int16]:
    resampler = Resampler(rate, wanted)
    return np.frombuffer(resampler.push(pcm) + resampler.finish(), np.int16).copy()
