"""A conversation with CSM, as the event loop holds it."""

import contextlib
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Literal

from csm_engine.csm.sampler import Sampling
from csm_engine.engine.engine import Engine
from csm_engine.engine.line import Line
from csm_engine.engine.talk import Append, Close, Cut, Hear, Reset, Talk
from csm_engine.model import Manner, SpeakError
from csm_engine.protocol import FinishReason
from csm_engine.text import UnreadableError, normalise, readable, split


class CsmConversation:
    """The same sentences after the same turns sound the same."""

    def __init__(self, engine: Engine, voice: str, manner: Manner) -> None:
        """Raises ValueError for a temperature, top_k or seed that no sampler takes."""
        self.reason: FinishReason = "stop"
        self._engine = engine
        self._seed = manner.seed
        chosen = {"temperature": manner.temperature, "top_k": manner.top_k, "seed": manner.seed}
        given = {name: value for name, value in chosen.items() if value is not None}
        self._sampling = Sampling(**given)  # type: ignore[arg-type]
        self._talk = Talk(voice, manner.remembers, manner.caller_rate, manner.live)

    async def speak(self, utterance: str, text: str) -> AsyncGenerator[bytes, None]:
        """A text without words is no sound; one that is too long for a sentence is said in parts."""
        self.reason = "stop"
        for part in split(_said(text)):
            line = Line(part, self._sampled(part), utterance)
            ticket = self._engine.ticket(line)
            async with contextlib.aclosing(self._engine.speak(self._talk, ticket)) as frames:
                async for frame in frames:
                    yield frame
            self.reason = ticket.reason

    def cut(self, utterance: str, played: float) -> None:
        self._engine.tell(Cut(self._talk, utterance, played))

    def append(self, speaker: Literal["caller", "agent"], text: str) -> None:
        if any(character.isalnum() for character in text):
            self._engine.tell(Append(self._talk, speaker, " ".join(text.split())))

    def hear(self, pcm: bytes) -> None:
        self._engine.tell(Hear(self._talk, pcm))

    def reset(self) -> None:
        self._engine.tell(Reset(self._talk))

    def close(self) -> None:
        self._engine.tell(Close(self._talk))

    def _sampled(self, text: str) -> Sampling:
        """Without a seed of the client's, one of the voice and the text."""
        if self._seed is not None:
            return self._sampling
        digest = hashlib.blake2b(f"{self._talk.voice}\n{text}".encode(), digest_size=8).digest()
        return replace(self._sampling, seed=int.from_bytes(digest) >> 1)


def _said(text: str) -> str:
    """Nothing for a text without words. Raises SpeakError for what CSM cannot read."""
    if not any(character.isalnum() for character in normalise(text)):
        return ""
    try:
        return readable(text)
    except UnreadableError as error:
        raise SpeakError(str(error), retryable=False) from error
