"""From a sentence to frames at a session's rate, counted and cut at a limit."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from dataclasses import dataclass

from csm_engine.audio import reframed
from csm_engine.metrics import Metrics
from csm_engine.model import Conversation, Manner, Model, SpeakError
from csm_engine.protocol import FRAME_SECONDS, SAMPLE_RATE, FinishReason
from csm_engine.watermark import Stage
from parley_serving.telemetry import span


@dataclass
class Progress:
    """Of one sentence: what can be said of it whenever and however it ends."""

    frames: int = 0
    reason: FinishReason = "cancelled"


class Speaker:
    """The model as sessions use it. `stage` is what each sentence passes through, if any."""

    def __init__(
        self, model: Model, metrics: Metrics, longest: float, stage: Stage | None = None
    ) -> None:
        self.model = model
        self.stage = stage
        self._metrics = metrics
        self._most_frames = max(1, int(longest / FRAME_SECONDS))

    async def speak(
        self,
        conversation: Conversation,
        text: str,
        progress: Progress,
        *,
        utterance: str = "",
        rate: int = SAMPLE_RATE,
    ) -> AsyncGenerator[bytes, None]:
        """Frames of FRAME_SECONDS at `rate` Hz. Raises SpeakError; close it to cancel."""
        asked = time.perf_counter()
        ended = Progress()
        sound = self._made(conversation, utterance, text, ended)
        if self.stage is not None:
            sound = self.stage(sound)
        with span("sentence") as trace:
            try:
                async with aclosing(reframed(sound, SAMPLE_RATE, rate)) as frames:
                    async for frame in frames:
                        progress.frames += 1
                        if progress.frames == 1:
                            self._metrics.first_frame(time.perf_counter() - asked)
                            trace.happened("first frame")
                        yield frame
                progress.reason = ended.reason
            except SpeakError:
                progress.reason = "failed"
                raise
            finally:
                self._metrics.sentence(progress.reason)
                trace.note(frames=progress.frames, finish_reason=progress.reason)

    async def _made(
        self, conversation: Conversation, utterance: str, text: str, ended: Progress
    ) -> AsyncGenerator[bytes, None]:
        """The model's own frames, as many as a sentence may have."""
        async with aclosing(conversation.speak(utterance, text)) as frames:
            async for frame in frames:
                if ended.frames == self._most_frames:
                    ended.reason = "length"
                    return
                ended.frames += 1
                yield frame
        ended.reason = conversation.reason

    async def warm(self) -> None:
        """One real sentence, so that the first caller does not pay for what is made once."""
        with closing(self.model.converse(Manner(remembers="nothing"))) as conversation:
            async with aclosing(self.speak(conversation, "Ready.", Progress())) as frames:
                async for _ in frames:
                    pass
