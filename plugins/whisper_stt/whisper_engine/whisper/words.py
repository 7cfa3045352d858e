"""Words with times, from an alignment of tokens to encoder frames."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import merge_punctuations

from whisper_engine.whisper.task import DecodedWord

SECONDS_PER_FRAME = 0.02
"""Of the encoder's output."""

LEADING = "\"'“¿([{-"
TRAILING = "\"'.。,，!！?？:：”)]}、"  # noqa: RUF001
"""Punctuation that belongs to the word after it, and to the word before it (openai/whisper, timing.py)."""

USUAL_MOST = 0.7
"""Seconds; a median of word durations above this is of a bad alignment."""


def make_words(
    tokens: Sequence[int],
    alignments: Sequence[tuple[int, int]],
    probabilities: Sequence[float],
    tokenizer: Tokenizer,
) -> tuple[DecodedWord, ...]:
    """Words in order, punctuation joined to them.

    Args:
        tokens: of the text, without special ones.
        alignments: pairs of a token's and a frame's index, as `align()` gives them.
        probabilities: one a token.
        tokenizer: faster-whisper's, of the text's language.
    """
    if not tokens:
        return ()
    texts, parts = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    bounds = [0, *accumulate(len(part) for part in parts[:-1])]
    if len(bounds) == 1:
        return ()
    starts = _start_times(alignments, len(tokens) + 1)
    words = [
        {
            "word": text,
            "tokens": part,
            "start": starts[first],
            "end": starts[after],
            "probability": float(np.mean(probabilities[first:after])),
        }
        for text, part, (first, after) in zip(texts[:-1], parts[:-1], pairwise(bounds), strict=True)
    ]
    merge_punctuations(words, LEADING, TRAILING)
    return tuple(_limit_first([_word(**word) for word in words if word["word"]]))


def _start_times(alignments: Sequence[tuple[int, int]], number: int) -> list[float]:
    """When each token begins: the first frame that the path gives to it."""
    starts: dict[int, float] = {}
    for token, frame in alignments:
        starts.setdefault(token, max(frame, 0) * SECONDS_PER_FRAME)
    last = max(starts.values(), default=0.0)
    return [starts.get(token, last) for token in range(number)]


def _word(
    word: str, start: float, end: float, probability: float, tokens: Sequence[int]
) -> DecodedWord:
    del tokens
    return DecodedWord(word, round(start, 3), round(end, 3), probability)


def _limit_first(words: list[DecodedWord]) -> list[DecodedWord]:
    """The path begins at the first frame, whatever silence leads: the first word would hold all of it."""
    if not words:
        return words
    first, *rest = words
    durations = [word.end - word.start for word in rest if word.end > word.start]
    usual = min(float(np.median(durations)), USUAL_MOST) if durations else USUAL_MOST
    start = max(first.start, first.end - 2 * usual)
    return [DecodedWord(first.text, round(start, 3), first.end, first.probability), *rest]
