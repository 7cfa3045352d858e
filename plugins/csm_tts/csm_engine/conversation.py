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

SHORT_WORDS = 3
"""Of a text that CSM's kin babble on (csm.md §5): it is sampled less freely, unless told how."""

SHORT = Sampling(temperature=0.7, top_k=30)


class CsmConversation:
    """The same sentences after the same turns sound the same."""

    def __init__(self, engine: Engine, voice: str, manner: Manner) -> None:
        """Raises ValueError for a temperature, top_k or seed that no sampler takes."""
        self.reason: FinishReason = "stop"
        self._engine = engine
        self._seed = manner.seed
        self._sampling, self._short = _sampled(Sampling(), manner), _sampled(SHORT, manner)
        self._talk = Talk(voice, manner.remembers, manner.caller_rate, manner.live)

    async def speak(self, utterance: str, text: str) -> AsyncGenerator[bytes, None]:
        """A text without words is no sound; one that is too long for a sentence is said in parts."""
        self.reason = "stop"
        for part in split(_said(text)):
            line = Line(part, self._sampling_of(part), utterance)
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

    def _sampling_of(self, text: str) -> Sampling:
        """Without a seed of the client's, one of the voice and the text."""
        sampling = self._short if len(text.split()) < SHORT_WORDS else self._sampling
        if self._seed is not None:
            return sampling
        digest = hashlib.blake2b(f"{self._talk.voice}\n{text}".encode(), digest_size=8).digest()
        return replace(sampling, seed=int.from_bytes(digest) >> 1)


def _sampled(usual: Sampling, manner: Manner) -> Sampling:
    """Raises ValueError."""
    return replace(
        usual,
        temperature=usual.temperature if manner.temperature is None else manner.temperature,
        top_k=usual.top_k if manner.top_k is None else manner.top_k,
        seed=usual.seed if manner.seed is None else manner.seed,
    )


def _said(text: str) -> str:
    """Nothing for a text without words. Raises SpeakError for what CSM cannot read."""
    if not any(character.isalnum() for character in normalise(text)):
        return ""
    try:
        return readable(text)
    except UnreadableError as error:
        raise SpeakError(str(error), retryable=False) from error
