"""Sound files as whole arrays."""

from pathlib import Path

import av
import numpy as np
from faster_whisper import decode_audio

from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.whisper.task import Pcm


class SoundError(Exception):
    """The file cannot be read; the message names it."""


def load(path: Path) -> Pcm:
    """Mono, 16 kHz, of any file that PyAV reads. Raises SoundError."""
    try:
        sound = decode_audio(str(path), sampling_rate=SAMPLE_RATE)
    except (av.error.FFmpegError, OSError) as error:
        raise SoundError(f"{path}: not a sound that can be read") from error
    samples: Pcm = (sound * 32_767).astype(np.int16)
    return samples
