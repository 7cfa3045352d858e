"""What of a decode is believed. Pure: evidence in, a verdict with its reason out.

Whisper says something over any sound; each guard is a sign that it was not the caller. Thresholds
on tokens are of Radford et al., *Robust Speech Recognition via Large-Scale Weak Supervision*, 4.5.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from whisper_engine.model import Heard, HeardWord, Span
from whisper_engine.whisper.evidence import Evidence, Limits, clamped
from whisper_engine.whisper.phrases import Phrase, phrase_of
from whisper_engine.whisper.task import Decoded, DecodedWord

DEFAULT = Limits()


class Reason(StrEnum):
    """Why a text was doubted; labels of a metric."""

    SHORT_SPEECH = "short_speech"
    NOTHING_SAID = "nothing_said"
    RATE = "rate"
    LOOP = "loop"
    COMPRESSION = "compression"
    LOGPROB = "logprob"
    NO_SPEECH = "no_speech"
    OUTSIDE_SPEECH = "outside_speech"
    PHRASE = "phrase"
    LOST_TAIL = "lost_tail"
    CAPPED = "capped"


@dataclass(frozen=True)
class Keep:
    """`cut`: why there is less of it than was decoded, or why it was kept in spite of a doubt."""

    text: str
    words: tuple[DecodedWord, ...]
    cut: Reason | None = None


@dataclass(frozen=True)
class Retry:
    """Worth a decode with the full 30 s of padding."""

    reason: Reason


@dataclass(frozen=True)
class Empty:
    """Nobody said this."""

    reason: Reason


Verdict = Keep | Retry | Empty


class _Then(Enum):
    KEEP = auto()
    RETRY = auto()
    EMPTY = auto()


@dataclass(frozen=True)
class _Guard:
    reason: Reason
    trips: Callable[[Evidence], bool]
    first: _Then
    last: _Then


def _is_short(evidence: Evidence) -> bool:
    return evidence.seconds < evidence.limits.least_speech


def _misses_everything(evidence: Evidence) -> bool:
    return evidence.says_nothing and evidence.seconds > evidence.limits.lost_tail


def _is_too_fast(evidence: Evidence) -> bool:
    limits = evidence.limits
    return evidence.tokens > limits.tokens_a_second * evidence.seconds + limits.more_tokens


def _is_unlikely(evidence: Evidence) -> bool:
    return not evidence.decoded.logprob >= evidence.limits.doubtful


def _is_hopeless(evidence: Evidence) -> bool:
    return not evidence.decoded.logprob >= evidence.limits.hopeless


def _nobody_spoke(evidence: Evidence) -> bool:
    limit, decoded = evidence.limits.no_speech, evidence.decoded
    return (
        limit is not None and decoded.no_speech > limit and decoded.logprob < evidence.limits.sure
    )


def _is_hallucinated_phrase(evidence: Evidence) -> bool:
    phrase = phrase_of(evidence.text, evidence.language)
    if phrase is None:
        return False
    limits, logprob = evidence.limits, evidence.decoded.logprob
    if not logprob >= limits.sure or evidence.outside > 0:
        return True
    if evidence.seconds >= limits.long_enough:
        return False
    return phrase is Phrase.SIGN_OFF or logprob < limits.very_sure


_GUARDS = (
    _Guard(Reason.SHORT_SPEECH, _is_short, _Then.EMPTY, _Then.EMPTY),
    _Guard(Reason.LOST_TAIL, _misses_everything, _Then.RETRY, _Then.EMPTY),
    _Guard(Reason.NOTHING_SAID, lambda e: e.says_nothing, _Then.EMPTY, _Then.EMPTY),
    _Guard(Reason.LOOP, lambda e: e.loops, _Then.RETRY, _Then.KEEP),
    _Guard(Reason.RATE, _is_too_fast, _Then.RETRY, _Then.EMPTY),
    _Guard(
        Reason.COMPRESSION,
        lambda e: e.compression > e.limits.compression,
        _Then.RETRY,
        _Then.EMPTY,
    ),
    _Guard(Reason.LOGPROB, _is_hopeless, _Then.RETRY, _Then.EMPTY),
    _Guard(Reason.LOGPROB, _is_unlikely, _Then.RETRY, _Then.KEEP),
    _Guard(Reason.NO_SPEECH, _nobody_spoke, _Then.EMPTY, _Then.EMPTY),
    _Guard(
        Reason.OUTSIDE_SPEECH,
        lambda e: e.outside > e.limits.outside,
        _Then.EMPTY,
        _Then.EMPTY,
    ),
    _Guard(Reason.PHRASE, _is_hallucinated_phrase, _Then.EMPTY, _Then.EMPTY),
    _Guard(Reason.PHRASE, lambda e: e.has_false_end, _Then.KEEP, _Then.KEEP),
    _Guard(Reason.CAPPED, lambda e: e.decoded.capped, _Then.RETRY, _Then.KEEP),
    _Guard(
        Reason.LOST_TAIL,
        lambda e: e.lost_tail > e.limits.lost_tail,
        _Then.RETRY,
        _Then.KEEP,
    ),
)
"""Cheapest first; the first that trips and does not keep decides."""


def judge(
    decoded: Decoded, speech: Sequence[Span], *, last_try: bool, limits: Limits = DEFAULT
) -> Verdict:
    """Whether `decoded` is what was said in `speech` (samples of the decode's pcm).

    Never a Retry on the last try: what is left of a loop is its first copy then.
    """
    evidence = Evidence(decoded, speech, limits)
    doubt: Reason | None = None
    for guard in _GUARDS:
        then = guard.last if last_try else guard.first
        if not guard.trips(evidence):
            continue
        if then is _Then.EMPTY:
            return Empty(guard.reason)
        if then is _Then.RETRY:
            return Retry(guard.reason)
        doubt = doubt or guard.reason
    return Keep(evidence.text, evidence.words, doubt)


def judge_interim(
    decoded: Decoded, speech: Sequence[Span], limits: Limits = DEFAULT
) -> Keep | Empty:
    """A lighter judgement of what will be said again anyway: loops and log-probability only.

    A last word of low probability is held back; it may be cut off in the middle.
    """
    evidence = Evidence(decoded, speech, limits)
    if evidence.says_nothing:
        return Empty(Reason.NOTHING_SAID)
    if _is_unlikely(evidence):
        return Empty(Reason.LOGPROB)
    text, words = evidence.text, evidence.words
    if evidence.has_words and len(words) > 1 and words[-1].probability < limits.hold_back:
        words = words[:-1]
        text = "".join(word.text for word in words).strip()
    return Keep(text, words, Reason.LOOP if evidence.loops else None)


def better(
    one: Decoded, other: Decoded, speech: Sequence[Span] = (), limits: Limits = DEFAULT
) -> Decoded:
    """The one to believe of two decodes of the same sound, for a last judgement.

    One that no guard doubts, then one that lacks no more than its end, then one without a loop, then
    the likelier. Without `speech` only loops and likelihood tell.
    """

    def rank(decoded: Decoded) -> tuple[int, bool, float]:
        verdict = judge(decoded, speech, last_try=False, limits=limits)
        evidence = Evidence(decoded, speech, limits)
        logprob = -math.inf if math.isnan(decoded.logprob) else decoded.logprob
        return (_trust(evidence, verdict), not evidence.loops, logprob)

    return max(one, other, key=rank)


def _trust(evidence: Evidence, verdict: Verdict) -> int:
    if isinstance(verdict, Keep):
        return 2
    return int(verdict == Retry(Reason.LOST_TAIL) and not evidence.says_nothing)


def to_heard(decoded: Decoded, verdict: Verdict, *, language: str | None = None) -> Heard:
    """What a stream is told; nothing unless the verdict is to keep.

    `language`: to be reported, when it is not the one that the stream was started with.
    """
    if not isinstance(verdict, Keep) or not verdict.text:
        return Heard()
    words = tuple(
        HeardWord(word.text.strip(), word.start, word.end, clamped(word.probability))
        for word in verdict.words
        if word.text.strip()
    )
    confidence = clamped(math.exp(min(decoded.logprob, 0.0)))
    if words:
        confidence = sum(word.confidence for word in words) / len(words)
    return Heard(verdict.text, words, confidence, language)
