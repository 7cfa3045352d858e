"""Sound that needs no engine: what the agent says when its voice may be gone, and silence."""

import wave
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Self

from livekit import rtc

FOLDER = Path(__file__).parent / "audio"
SAMPLE_RATE = 24_000
FRAME = SAMPLE_RATE // 50


@dataclass(frozen=True)
class Clip:
    """`pcm` is s16le, mono, 24 kHz."""

    text: str
    pcm: bytes

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / SAMPLE_RATE

    def frame(self) -> rtc.AudioFrame:
        """All of it in one."""
        return rtc.AudioFrame(self.pcm, SAMPLE_RATE, 1, len(self.pcm) // 2)

    @classmethod
    def silence(cls, seconds: float) -> Self:
        return cls("", bytes(2 * int(seconds * SAMPLE_RATE)))

    @classmethod
    @cache
    def load(cls, name: Literal["moment", "goodbye"]) -> Self:
        """From agent/audio: NAME.wav and the words it says in NAME.txt."""
        with wave.open(str(FOLDER / f"{name}.wav")) as file:
            form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            if form != (SAMPLE_RATE, 1, 2):
                raise ValueError(f"{name}.wav must be 24 kHz, mono, 16 bit, not {form}")
            pcm = file.readframes(file.getnframes())
        return cls((FOLDER / f"{name}.txt").read_text().strip(), pcm)


async def frames(clip: Clip) -> AsyncGenerator[rtc.AudioFrame]:
    """The clip in frames of 20 ms; the last one may be shorter."""
    for start in range(0, len(clip.pcm), 2 * FRAME):
        piece = clip.pcm[start : start + 2 * FRAME]
        yield rtc.AudioFrame(piece, SAMPLE_RATE, 1, len(piece) // 2)
