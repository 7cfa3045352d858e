"""So many conversations at once, and what they heard when."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass

from csm_engine.audio import SAMPLE_BYTES
from csm_engine.cli.figures import Quantiles
from csm_engine.model import Conversation, Manner, SpeakError
from csm_engine.protocol import SAMPLE_RATE
from csm_engine.speaker import Progress, Speaker

TEXTS = (
    "Good morning, how can I help you?",
    "We are open until five today.",
    "I will put you through to a colleague.",
    "Your table for two is booked.",
)


@dataclass(frozen=True)
class Said:
    """One sentence: seconds until its first frame, and what was made. `failed` says why it was not."""

    first: float | None
    frames: int
    seconds: float
    failed: str | None = None


@dataclass(frozen=True)
class Round:
    """All sentences of some conversations at once; `wall` and `sound` are seconds."""

    conversations: int
    sentences: int
    failed: int
    frames: int
    sound: float
    wall: float
    first: Quantiles
    why: str | None

    @property
    def real_time_factor(self) -> float | None:
        """Of all sound together: below 1, it was made in less time than it lasts."""
        return self.wall / self.sound if self.sound else None

    @property
    def frames_a_second(self) -> float:
        return self.frames / self.wall

    @property
    def frame_seconds(self) -> float | None:
        """How long each conversation waited for a frame, on the whole: a frame of each came then."""
        return self.conversations * self.wall / self.frames if self.frames else None


async def hold(speaker: Speaker, conversations: int, *, sentences: int, voice: str) -> Round:
    """Each speaks its sentences one after the other. Raises UnknownVoiceError."""
    speaker.model.check(voice, Manner.language)
    began = time.perf_counter()
    said = await asyncio.gather(
        *(_converse(speaker, voice, number, sentences) for number in range(conversations))
    )
    return summed(
        [one for each in said for one in each], conversations, time.perf_counter() - began
    )


def summed(said: Sequence[Said], conversations: int, wall: float) -> Round:
    failures = [one.failed for one in said if one.failed is not None]
    return Round(
        conversations=conversations,
        sentences=len(said),
        failed=len(failures),
        frames=sum(one.frames for one in said),
        sound=sum(one.seconds for one in said),
        wall=wall,
        first=Quantiles.of(one.first for one in said if one.first is not None),
        why=failures[0] if failures else None,
    )


async def _converse(speaker: Speaker, voice: str, number: int, sentences: int) -> list[Said]:
    # Not live: nobody listens, so that nothing is held back for an ear.
    manner = Manner(voice=voice, live=False, seed=number)
    with closing(speaker.model.converse(manner)) as conversation:
        texts = [TEXTS[(number + turn) % len(TEXTS)] for turn in range(sentences)]
        return [await _say(speaker, conversation, text) for text in texts]


async def _say(speaker: Speaker, conversation: Conversation, text: str) -> Said:
    asked = time.perf_counter()
    first: float | None = None
    progress, size, failed = Progress(), 0, None
    try:
        async with aclosing(speaker.speak(conversation, text, progress)) as frames:
            async for frame in frames:
                if first is None:
                    first = time.perf_counter() - asked
                size += len(frame)
    except SpeakError as error:
        failed = str(error)
    return Said(first, progress.frames, size / (SAMPLE_RATE * SAMPLE_BYTES), failed)
