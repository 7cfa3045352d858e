"""A conversation for models that remember nothing: each sentence stands alone."""

from collections.abc import AsyncGenerator, Callable
from typing import Literal

from csm_engine.protocol import FinishReason


class Stateless:
    """`speak` is the model's own, of a text alone."""

    reason: FinishReason = "stop"

    def __init__(self, speak: Callable[[str], AsyncGenerator[bytes, None]]) -> None:
        self._speak = speak

    def speak(self, utterance: str, text: str) -> AsyncGenerator[bytes, None]:
        return self._speak(text)

    def cut(self, utterance: str, played: float) -> None:
        pass

    def append(self, speaker: Literal["caller", "agent"], text: str) -> None:
        pass

    def hear(self, pcm: bytes) -> None:
        pass

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass
