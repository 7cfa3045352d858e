"""A transcript in the shapes that OpenAI's clients ask for. Pure.

Segments are cues as subtitles have them: a sentence, or what fits two lines. `verbose_json` has
fields of which this engine knows nothing (tokens, no_speech_prob): they are empty or zero.
"""

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from whisper_engine.model import HeardWord
from whisper_engine.protocol import Word

LONGEST_CUE = 84
"""Characters: two lines of 42."""
CUE_PAUSE = 0.6
"""Seconds without a word that end a cue."""
_SENTENCE_ENDS = (".", "?", "!", "。", "？", "！", "؟", "।")  # noqa: RUF001


@dataclass(frozen=True)
class Segment:
    """Seconds of the file. `text` is stripped."""

    text: str
    start: float
    end: float
    confidence: float
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Transcript:
    """`seconds` is the length of the file's sound."""

    text: str
    language: str
    seconds: float
    segments: tuple[Segment, ...]


def segments(
    text: str,
    words: Sequence[HeardWord],
    offset: float,
    span: tuple[float, float],
    confidence: float,
) -> Iterator[Segment]:
    """One utterance cut into cues. Without words it is one cue over `span`."""
    starts = _places(text, words)
    if not starts:
        yield Segment(text, *span, confidence)
        return
    cuts = [0, *_breaks(text, words, starts), len(words)]
    for first, last in pairwise(cuts):
        begin = 0 if first == 0 else starts[first]
        end = starts[last] if last < len(words) else len(text)
        timed = tuple(_placed(word, offset) for word in words[first:last])
        sure = sum(word.confidence for word in timed) / len(timed)
        yield Segment(text[begin:end].strip(), timed[0].start, timed[-1].end, sure, timed)


def _places(text: str, words: Sequence[HeardWord]) -> list[int]:
    """Where each word begins in the text; nothing if one is not in it."""
    places: list[int] = []
    reached = 0
    for word in words:
        bare = word.text.strip()
        at = text.find(bare, reached)
        if at < 0:
            return []
        places.append(at)
        reached = at + len(bare)
    return places


def _breaks(text: str, words: Sequence[HeardWord], starts: Sequence[int]) -> Iterator[int]:
    """Numbers of the words before which a new cue begins."""
    begin = 0
    for number in range(1, len(words)):
        before, word = words[number - 1], words[number]
        end = starts[number] + len(word.text.strip())
        if (
            text[: starts[number]].rstrip().endswith(_SENTENCE_ENDS)
            or word.start - before.end >= CUE_PAUSE
            or end - begin > LONGEST_CUE
        ):
            begin = starts[number]
            yield number


def _placed(word: HeardWord, offset: float) -> Word:
    return Word(
        text=word.text.strip(),
        start=round(offset + word.start, 3),
        end=round(offset + word.end, 3),
        confidence=word.confidence,
    )


def as_text(transcript: Transcript) -> str:
    return transcript.text + "\n"


def as_json(transcript: Transcript) -> dict[str, Any]:
    return {"text": transcript.text, "usage": _usage(transcript)}


def as_verbose_json(transcript: Transcript, granularities: frozenset[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": transcript.language,
        "duration": round(transcript.seconds, 3),
        "text": transcript.text,
        "usage": _usage(transcript),
    }
    if "segment" in granularities:
        body["segments"] = [_verbose(number, cue) for number, cue in enumerate(transcript.segments)]
    if "word" in granularities:
        body["words"] = [
            {"word": word.text, "start": word.start, "end": word.end}
            for segment in transcript.segments
            for word in segment.words
        ]
    return body


def _usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": math.ceil(transcript.seconds)}


def _verbose(number: int, segment: Segment) -> dict[str, Any]:
    raw = segment.text.encode()
    return {
        "id": number,
        "seek": 0,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(max(segment.confidence, 1e-5)), 4),
        "compression_ratio": round(len(raw) / len(zlib.compress(raw)), 4),
        "no_speech_prob": 0.0,
    }


def as_srt(transcript: Transcript) -> str:
    """SubRip: numbered from 1, commas before the milliseconds."""
    return "".join(
        f"{number}\n{_cue(segment, lambda at: _clock(at, ','))}\n"
        for number, segment in enumerate(transcript.segments, 1)
    )


def as_vtt(transcript: Transcript) -> str:
    """W3C WebVTT. What would read as its markup is escaped."""
    return "WEBVTT\n\n" + "".join(
        _cue(segment, lambda at: _clock(at, "."), _escaped) + "\n"
        for segment in transcript.segments
    )


def _cue(segment: Segment, clock: Callable[[float], str], shown: Callable[[str], str] = str) -> str:
    return f"{clock(segment.start)} --> {clock(segment.end)}\n{shown(segment.text)}\n"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(seconds: float, mark: str) -> str:
    millis = round(seconds * 1000)
    hours, millis = divmod(millis, 3_600_000)
    minutes, millis = divmod(millis, 60_000)
    whole, millis = divmod(millis, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{mark}{millis:03d}"
