"""Sound of a persona's own, that follows an interruption."""

import wave
from pathlib import Path

from livekit import rtc

MOST_SECONDS = 2.0
"""Of a clip: the agent's next words wait for its end."""


def load_clip(path: Path, rate: int) -> rtc.AudioFrame:
    """A WAV file, mono, 16 bit, of that rate. Raises `ValueError`, which says what it wants."""
    try:
        with wave.open(str(path)) as file:
            form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            length = file.getnframes()
            pcm = file.readframes(min(length, round(MOST_SECONDS * rate) + 1))
    except (OSError, EOFError, wave.Error) as error:
        raise ValueError(f"{path}: cannot be read as WAV: {error}") from error
    if form != (rate, 1, 2):
        raise ValueError(f"{path}: must be {rate} Hz, mono, 16 bit, not {form}")
    if not 0 < length <= MOST_SECONDS * rate:
        raise ValueError(f"{path}: must last up to {MOST_SECONDS:g} s, not {length / rate:.2f} s")
    return rtc.AudioFrame(pcm, rate, 1, length)
