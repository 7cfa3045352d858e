"""What is said in a file: its sound is cut as a call's would be, and decoded when no call waits."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from whisper_engine.api.formats import Segment, Transcript, segments
from whisper_engine.model import Decoder, Heard, Kind, Request
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.streaming.hearing import FinalDue, Hearing, Policy, Utterance
from whisper_engine.streaming.requests import Requests
from whisper_engine.streaming.sound import Sound
from whisper_engine.streaming.vad import WINDOW, Vad

POLICY = Policy(linger=1.0)
"""Nobody waits for an answer, so a pause must be longer than a breath to end an utterance."""

_ResultT = TypeVar("_ResultT")

TAIL = 0.15
"""Seconds after the last speech that a decode is given: a file's rest is known."""


@dataclass(frozen=True)
class Said:
    """`start` and `end` of the speech, and `offset` of the words' times, are seconds of the file."""

    heard: Heard
    start: float
    end: float
    offset: float


@dataclass(frozen=True)
class _Cut:
    """`goes_on`: it was cut for its length."""

    utterance: Utterance
    request: Request
    goes_on: bool


class Cutter:
    """A file's sound to utterances of at most 20 s. Holds no more sound than one of them."""

    def __init__(self) -> None:
        self._sound = Sound()
        self._vad = Vad()
        self._hearing = Hearing(POLICY)
        self._requests = Requests(self._sound)

    @property
    def seconds(self) -> float:
        return self._sound.end / SAMPLE_RATE

    def push(self, pcm: bytes) -> list[_Cut]:
        """The utterances that this ends. Some 2 ms of work for a second of sound."""
        self._sound.add(pcm)
        begin = self._hearing.position
        whole = (self._sound.end - begin) // WINDOW * WINDOW
        cuts = [
            self._cut(due.utterance, due.cut)
            for probability in self._vad.probabilities(self._sound.read(begin, begin + whole))
            for due in self._hearing.step(probability)
            if isinstance(due, FinalDue)
        ]
        self._sound.forget_before(self._hearing.keep_from)
        return cuts

    def end(self) -> list[_Cut]:
        """The utterance that was open."""
        utterance = self._hearing.take()
        return [self._cut(utterance, False)] if utterance else []

    def _cut(self, utterance: Utterance, goes_on: bool) -> _Cut:
        until = self._hearing.position
        return _Cut(utterance, self._requests.whole(Kind.FILE, utterance, until, TAIL), goes_on)


async def hear(
    sound: Iterator[bytes], cutter: Cutter, decoder: Decoder
) -> AsyncGenerator[Said, None]:
    """What is said in `sound`, one decode at a time. Empty texts are left out.

    Raises HearError, and what `sound` raises.
    """
    context = ""
    while True:
        cuts = await _in_thread(lambda: _next_cuts(sound, cutter))
        for cut in cuts if cuts is not None else cutter.end():
            heard = await decoder.decode(replace(cut.request, context=context)) or Heard()
            context = heard.text if cut.goes_on else ""
            if heard.text:
                yield _said(cut.utterance, heard)
        if cuts is None:
            return


def transcript_of(said: Sequence[Said], seconds: float, language: str) -> Transcript:
    """All of a file of so many seconds; `language` is what it is in unless another was detected."""
    return Transcript(
        text=" ".join(part.heard.text for part in said),
        language=next((part.heard.language for part in said), None) or language,
        seconds=seconds,
        segments=tuple(cue for part in said for cue in _cues(part)),
    )


def _cues(said: Said) -> Iterator[Segment]:
    heard, span = said.heard, (said.start, said.end)
    return segments(heard.text, heard.words, said.offset, span, heard.confidence)


def _next_cuts(sound: Iterator[bytes], cutter: Cutter) -> list[_Cut] | None:
    pcm = next(sound, None)
    return None if pcm is None else cutter.push(pcm)


async def _in_thread(work: Callable[[], _ResultT]) -> _ResultT:
    """Cancelled, it ends with the work: the file must not be closed under it."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _said(utterance: Utterance, heard: Heard) -> Said:
    return Said(
        heard,
        start=utterance.onset / SAMPLE_RATE,
        end=utterance.end / SAMPLE_RATE,
        offset=utterance.start / SAMPLE_RATE,
    )
