"""From a sentence to frames at a session's rate, counted and cut at a limit."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from csm_engine.audio import reframed
from csm_engine.metrics import Metrics
from csm_engine.model import Model, SpeakError
from csm_engine.protocol import FRAME_SECONDS, SAMPLE_RATE, FinishReason


@dataclass(frozen=True)
class Manner:
    """How a session wants to be spoken to. `rate` in Hz."""

    voice: str
    language: str
    rate: int = SAMPLE_RATE


@dataclass
class Progress:
    """Of one sentence: what can be said of it whenever and however it ends."""

    frames: int = 0
    reason: FinishReason = "cancelled"


class Speaker:
    """The model as sessions use it."""

    def __init__(self, model: Model, metrics: Metrics, longest: float) -> None:
        self.model = model
        self._metrics = metrics
        self._most_frames = max(1, int(longest / FRAME_SECONDS))

    async def speak(
        self, text: str, manner: Manner, progress: Progress
    ) -> AsyncGenerator[bytes, None]:
        """Frames of FRAME_SECONDS at the manner's rate. Raises SpeakError; close it to cancel."""
        asked = time.perf_counter()
        sound = self.model.speak(text, voice=manner.voice, language=manner.language)
        try:
            async with aclosing(reframed(sound, SAMPLE_RATE, manner.rate)) as frames:
                async for frame in frames:
                    if progress.frames == self._most_frames:
                        progress.reason = "length"
                        return
                    progress.frames += 1
                    if progress.frames == 1:
                        self._metrics.first_frame(time.perf_counter() - asked)
                    yield frame
            progress.reason = "stop"
        except SpeakError:
            progress.reason = "failed"
            raise
        finally:
            self._metrics.sentence(progress.reason)

    async def warm(self) -> None:
        """One real sentence, so that the first caller does not pay for what is made once."""
        manner = Manner(voice="default", language="en")
        async with aclosing(self.speak("Ready.", manner, Progress())) as frames:
            async for _ in frames:
                pass
