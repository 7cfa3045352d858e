"""Decodes as a model would give them, with good evidence unless told otherwise."""

from dataclasses import replace
from typing import Any

from whisper_engine.model import Span
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.whisper.loops import split
from whisper_engine.whisper.task import Decoded, DecodedWord

PRE_ROLL = 0.4


def spans(*seconds: tuple[float, float]) -> tuple[Span, ...]:
    return tuple(Span(round(a * SAMPLE_RATE), round(b * SAMPLE_RATE)) for a, b in seconds)


def speech(seconds: float) -> tuple[Span, ...]:
    return spans((PRE_ROLL, PRE_ROLL + seconds))


def decode(text: str, **evidence: Any) -> Decoded:
    """As confident as speech usually is; without words, a token a word."""
    tokens = tuple(range(len(split(text))))
    sure = Decoded(text, tokens, -0.2, 0.01, "en", 1.0, capped=False)
    return replace(sure, **evidence)


def spoken(text: str, seconds: float, **evidence: Any) -> Decoded:
    """With words spread evenly over `speech(seconds)`."""
    pieces = split(text)
    step = seconds / max(len(pieces), 1)
    words = tuple(
        DecodedWord(piece, PRE_ROLL + at * step, PRE_ROLL + (at + 1) * step, 0.9)
        for at, piece in enumerate(pieces)
    )
    return decode(text, words=words, **evidence)
