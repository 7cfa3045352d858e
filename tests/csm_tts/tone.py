"""A model whose every frame can be counted: a tone, one frame a word."""

import asyncio
import math
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from csm_engine.model import SpeakError, UnknownVoiceError
from csm_engine.protocol import FRAME_SECONDS, SAMPLE_RATE

SAMPLES = round(SAMPLE_RATE * FRAME_SECONDS)
FRAME = struct.pack(
    f"<{SAMPLES}h",
    *(round(9_000 * math.sin(math.tau * 300 * i / SAMPLE_RATE)) for i in range(SAMPLES)),
)


class Tone:
    """Obeys its text: a sentence with "fail" in it fails after its first frame, "refuse" before it,
    "mute" makes no sound, "endless" never ends, "wait" waits for `go` after each frame and "slow" before the first.
    """

    name = "tone"

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.made = 0
        self.speaking = 0
        self.asked = asyncio.Event()
        self.go = asyncio.Event()
        self.first = asyncio.Event()
        self.free = asyncio.Event()

    def forget(self) -> None:
        self.spoken.clear()
        self.made = 0
        self.asked.clear()
        self.first.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    def check(self, voice: str, language: str) -> None:
        if voice != "default":
            raise UnknownVoiceError(f"no voice {voice!r}")

    async def speak(self, text: str, *, voice: str, language: str) -> AsyncGenerator[bytes, None]:
        self.spoken.append(text)
        self.asked.set()
        self.speaking += 1
        self.free.clear()
        try:
            async for frame in self._frames(text):
                self.made += 1
                self.first.set()
                yield frame
        finally:
            self.speaking -= 1
            self.free.set()

    async def _frames(self, text: str) -> AsyncGenerator[bytes, None]:
        if "refuse" in text:
            raise SpeakError("told to refuse", retryable=False)
        if "mute" in text:
            return
        if "slow" in text:
            await self.go.wait()
        count = 0
        while "endless" in text or count < len(text.split()):
            await asyncio.sleep(0)
            yield FRAME
            count += 1
            if "fail" in text:
                raise SpeakError("told to fail", retryable=True)
            if "wait" in text:
                await self.go.wait()
