"""Log-mel features, one item at a time: an item's scale is that of its own loudest frame."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from whisper_engine.whisper.lengths import FRAME_SAMPLES
from whisper_engine.whisper.task import Task

Padding = Literal["audio", "mel"]
"""What fills an input up: silence behind the audio, as in training, or zeros behind its features, as
faster-whisper does."""

_FULL_SCALE = 32768.0


class Features:
    """Safe to share between threads: of faster-whisper's extractor only what does not change is used."""

    def __init__(self, mels: int, padding: Padding = "audio") -> None:
        self._padding = padding
        self._extractor = FeatureExtractor(feature_size=mels)

    def batch(self, tasks: Sequence[Task]) -> NDArray[np.float32]:
        """Features [tasks, mels, frames]. Raises ValueError when a task's audio exceeds its frames."""
        # CTranslate2 takes contiguous arrays only.
        return np.ascontiguousarray([self._one(task) for task in tasks], dtype=np.float32)

    def _one(self, task: Task) -> NDArray[np.float32]:
        samples = task.frames * FRAME_SAMPLES
        if len(task.pcm) > samples:
            raise ValueError(f"{len(task.pcm)} samples do not fit into {task.frames} frames")
        heard = -(-len(task.pcm) // FRAME_SAMPLES)
        frames = heard if self._padding == "mel" else task.frames
        audio = np.zeros(frames * FRAME_SAMPLES, np.float32)
        audio[: len(task.pcm)] = task.pcm / np.float32(_FULL_SCALE)
        features: NDArray[np.float32] = self._extractor(audio, padding=0)
        return np.pad(features, ((0, 0), (0, task.frames - frames)))
