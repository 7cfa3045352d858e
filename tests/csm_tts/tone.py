"""A model whose every frame can be counted: a tone, one frame a word."""

import asyncio
import math
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from csm_engine.model import Manner, SpeakError, UnknownVoiceError
from csm_engine.protocol import FRAME_SECONDS, SAMPLE_RATE
from csm_engine.stateless import Stateless

SAMPLES = round(SAMPLE_RATE * FRAME_SECONDS)
FRAME = struct.pack(
    f"<{SAMPLES}h",
    *(round(9_000 * math.sin(math.tau * 300 * i / SAMPLE_RATE)) for i in range(SAMPLES)),
)


class Tone:
    """Obeys its text: a sentence with "fail" in it fails after its first frame, "refuse" before it, as one
    with "busy" does for a while, "mute" makes no sound, "endless" never ends, "wait" waits for `go` after each frame and "slow" before the first.
    """

    name = "tone"
    voices = ("default",)
    broken = None

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.manners: list[Manner] = []
        self.told: list[tuple[object, ...]] = []
        self.made = 0
        self.speaking = 0
        self.asked = asyncio.Event()
        self.go = asyncio.Event()
        self.first = asyncio.Event()
        self.free = asyncio.Event()

    def forget(self) -> None:
        self.spoken.clear()
        self.manners.clear()
        self.told.clear()
        self.made = 0
        self.asked.clear()
        self.first.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    def check(self, voice: str, language: str) -> None:
        if voice != "default":
            raise UnknownVoiceError(f"no voice {voice!r}")

    def has_room(self) -> bool:
        return True

    def converse(self, manner: Manner) -> Stateless:
        self.manners.append(manner)
        return Remembered(self)

    async def speak(self, text: str) -> AsyncGenerator[bytes, None]:
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
        if "busy" in text:
            raise SpeakError("told to be busy", retryable=True)
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


class Remembered(Stateless):
    """Lets the model's `told` know, in order, what a conversation was told."""

    def __init__(self, model: Tone) -> None:
        super().__init__(model.speak)
        self._told = model.told

    def cut(self, utterance: str, played: float) -> None:
        self._told.append(("cut", utterance, played))

    def append(self, speaker: Literal["caller", "agent"], text: str) -> None:
        self._told.append(("append", speaker, text))

    def hear(self, pcm: bytes) -> None:
        self._told.append(("hear", len(pcm)))

    def reset(self) -> None:
        self._told.append(("reset",))

    def close(self) -> None:
        self._told.append(("close",))
