"""One stream's decodes: from its sound to a task, and from what comes back to what is believed."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from whisper_engine.model import Heard, HearError, Kind, Request
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.whisper.batcher import Batcher, ClosedError
from whisper_engine.whisper.evidence import Limits
from whisper_engine.whisper.guards import (
    Keep,
    Retry,
    Verdict,
    better,
    judge,
    judge_interim,
    to_heard,
)
from whisper_engine.whisper.languages import LanguageLock
from whisper_engine.whisper.lengths import FULL_FRAMES, Lengths, most_tokens
from whisper_engine.whisper.metrics import DecodeMetrics
from whisper_engine.whisper.scheduler import FullError
from whisper_engine.whisper.task import Decoded, Task
from whisper_engine.whisper.tickets import Ticket

INTERIMS = frozenset({Kind.FIRST_INTERIM, Kind.INTERIM})

SOON = {
    Kind.FINAL: 0.0,
    Kind.SPECULATIVE: 0.1,
    Kind.FIRST_INTERIM: 0.5,
    Kind.INTERIM: 1.0,
    Kind.FILE: 60.0,
}
"""Seconds in which a text should be there; a later interim is of the past."""

TOKENS_A_SECOND = 4
"""Of speech as it is; only the cost of a batch is guessed from it."""


@dataclass(frozen=True)
class Decoding:
    """What the streams of a model share. `beam` is a final's; interims are greedy."""

    batcher: Batcher[Task, Decoded]
    lengths: Lengths
    limits: Limits
    metrics: DecodeMetrics
    beam: int
    clock: Callable[[], float]


@dataclass(frozen=True)
class _Turn:
    start: int
    language: str
    probability: float
    speech_seconds: float


class WhisperDecoder:
    """`previous` makes the tokens that lead a prompt from the text that was said just before."""

    def __init__(
        self,
        decoding: Decoding,
        stream: int,
        lock: LanguageLock,
        previous: Callable[[str], tuple[int, ...]],
    ) -> None:
        self._decoding = decoding
        self._stream = stream
        self._lock = lock
        self._previous = previous
        self._detects = len(lock.candidates) > 1
        self._turn: _Turn | None = None
        self._speculative: Ticket[Task] | None = None
        self._promoted = False

    async def decode(self, request: Request) -> Heard | None:
        if request.kind not in INTERIMS:  # an interim may be of a turn's end only
            self._end_turn(request)
        if request.kind is Kind.SPECULATIVE:
            self._promoted = False
        task = self._task(request)
        decoded = await self._run(request.kind, task, request)
        if decoded is None:
            return None
        if request.kind in INTERIMS:
            verdict: Verdict = judge_interim(decoded, request.speech, self._decoding.limits)
            return self._heard(decoded, verdict)
        decoded, verdict = await self._believe(request, task, decoded)
        if isinstance(verdict, Keep):  # what nobody said is in no language
            self._note_turn(request, decoded)
        return self._heard(decoded, verdict)

    def promote(self) -> None:
        self._promoted = True
        if self._speculative is not None:
            self._decoding.batcher.promote(self._speculative)

    async def _believe(
        self, request: Request, task: Task, decoded: Decoded
    ) -> tuple[Decoded, Verdict]:
        """What is doubted is decoded once more, with the length that Whisper was trained on."""
        limits, metrics = self._decoding.limits, self._decoding.metrics
        verdict = judge(decoded, request.speech, last_try=task.frames == FULL_FRAMES, limits=limits)
        if isinstance(verdict, Retry):
            metrics.fell_back(verdict.reason)
            kind = Kind.FINAL if self._promoted else request.kind
            again = await self._run(kind, replace(task, frames=FULL_FRAMES), request)
            if again is not None:
                decoded = better(decoded, again, request.speech, limits)
            verdict = judge(decoded, request.speech, last_try=True, limits=limits)
        reason = verdict.cut if isinstance(verdict, Keep) else verdict.reason
        if reason is not None:
            metrics.doubted(type(verdict).__name__.lower(), reason)
        return decoded, verdict

    async def _run(self, kind: Kind, task: Task, request: Request) -> Decoded | None:
        decoding = self._decoding
        seconds = _speech_samples(request) / SAMPLE_RATE
        ticket = Ticket(
            task,
            kind,
            self._stream,
            task.group,
            task.frames,
            decoding.clock() + SOON[kind],
            tokens=min(task.max_tokens, 2 + round(TOKENS_A_SECOND * seconds)),
        )
        decoding.metrics.asked(kind, task.frames)
        if kind is Kind.SPECULATIVE:
            self._speculative = ticket
        try:
            return await decoding.batcher.decode(ticket)
        except FullError as error:
            raise HearError("too much waits to be heard: try again later") from error
        except ClosedError as error:
            raise HearError("the engine is stopping") from error
        except Exception as error:
            raise HearError("Whisper failed at this sound") from error
        finally:
            if self._speculative is ticket:
                self._speculative = None

    def _task(self, request: Request) -> Task:
        final = request.kind not in INTERIMS
        pcm = np.frombuffer(request.pcm, np.int16)
        return Task(
            pcm=pcm,
            frames=self._decoding.lengths.frames(len(pcm), final=final),
            languages=self._lock.candidates,
            previous=self._previous(request.context),
            max_tokens=most_tokens(_speech_samples(request), self._lock.candidates),
            beam=self._decoding.beam if final else 1,
            words=final,
        )

    def _note_turn(self, request: Request, decoded: Decoded) -> None:
        seconds = _speech_samples(request) / SAMPLE_RATE
        self._turn = _Turn(request.start, decoded.language, decoded.language_probability, seconds)

    def _end_turn(self, request: Request) -> None:
        """A turn's language counts when the next one begins: its text may have been made twice."""
        turn = self._turn
        if turn is not None and request.start != turn.start:
            self._lock.saw(turn.language, turn.probability, turn.speech_seconds)
            self._turn = None

    def _heard(self, decoded: Decoded, verdict: Verdict) -> Heard:
        return to_heard(decoded, verdict, language=decoded.language if self._detects else None)


def _speech_samples(request: Request) -> int:
    return sum(span.length for span in request.speech)
