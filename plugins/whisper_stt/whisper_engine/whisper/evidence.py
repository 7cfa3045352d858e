"""What a decode and the voice detector's speech say about each other: the measures of `guards`."""

import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from whisper_engine.model import Span
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.whisper.languages import normalise
from whisper_engine.whisper.loops import Repeats, is_of_word, split, without_loops
from whisper_engine.whisper.numerals import spelled_units
from whisper_engine.whisper.phrases import phrase_of
from whisper_engine.whisper.task import Decoded, DecodedWord

_SIGNS_A_TOKEN = 4
"""A token of English is five characters. Scripts that the tokenizer knows less of are cut finer, so
that one sentence is six times the tokens in Hindi: they are counted by their characters."""

_LONGEST_END = 16
"""Words at the end of a text among which a known phrase is looked for."""

_CALIBRATED = re.compile(
    r"(?:^|(?<!distil)[-_/])(?:tiny|base|small|medium|large(?:-v[12])?)(?:\.en)?$"
)


@dataclass(frozen=True)
class Limits:
    """Seconds, mean log-probabilities of a token, and shares.

    Args:
        least_speech: less speech than this is a click.
        tokens_a_second, more_tokens: nobody says more than so many for a second of speech, and so
            many besides.
        compression: characters to compressed bytes; more is repetition.
        word_copies, phrase_copies: in a row, from which on a word or a phrase is a loop.
        spelled_a_second: digits and letters that can be said.
        doubtful, hopeless: below the first try again, below the second believe nothing.
        no_speech: believed only from models that learnt it; None: never.
        outside: share of the words that may lie outside the speech, each by more than `near`.
        lost_tail: speech after the last word that makes a text incomplete.
        sure, long_enough: a known hallucination is believed from so good a decode of so much speech;
        `very_sure` does for a courtesy in less. After other words it is believed from words as
        good as `sure`.
    hold_back: an interim's last word is not shown below this probability.
    """

    least_speech: float = 0.12
    tokens_a_second: float = 9.0
    more_tokens: int = 6
    compression: float = 2.4
    word_copies: int = 4
    phrase_copies: int = 3
    spelled_a_second: float = 6.0
    doubtful: float = -1.0
    hopeless: float = -1.3
    no_speech: float | None = None
    outside: float = 0.6
    near: float = 0.2
    lost_tail: float = 0.8
    sure: float = -0.4
    very_sure: float = -0.2
    long_enough: float = 0.6
    hold_back: float = 0.3


def limits_for(model: str) -> Limits:
    """Of a model by its name or folder.

    Turbo gives nobody-spoke near zero over any sound (SYSTRAN/faster-whisper#1028), distilled models
    were not trained on it, and of others nothing is known: only OpenAI's older models are asked.
    """
    return Limits(no_speech=0.6) if _CALIBRATED.search(model.rstrip("/")) else Limits()


@dataclass(frozen=True)
class Evidence:
    decoded: Decoded
    speech: Sequence[Span]
    limits: Limits

    @property
    def language(self) -> str:
        return normalise(self.decoded.language)

    @cached_property
    def seconds(self) -> float:
        return sum(span.length for span in self.speech) / SAMPLE_RATE

    @property
    def says_nothing(self) -> bool:
        return not any(is_of_word(sign) for sign in self.decoded.text)

    @cached_property
    def has_words(self) -> bool:
        """Whether there are words, and these are the text."""
        spelled = "".join(word.text for word in self.decoded.words)
        return bool(spelled) and spelled.strip() == self.decoded.text

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        if self.has_words:
            return tuple(word.text for word in self.decoded.words)
        return split(self.decoded.text)

    @cached_property
    def unlooped(self) -> tuple[int, ...]:
        """Indices of the pieces without loops."""
        limits = self.limits
        most = 2 + limits.spelled_a_second * self.seconds
        repeats = Repeats(limits.word_copies, limits.phrase_copies, most)
        return without_loops(self.pieces, self.language, repeats)

    @property
    def loops(self) -> bool:
        return len(self.unlooped) < len(self.pieces)

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """Without a known phrase at the end either, where its words are badly heard or outside."""
        if self.has_words:
            words = [self.decoded.words[index] for index in self.unlooped]
            for start in range(max(1, len(words) - _LONGEST_END), len(words)):
                end = words[start:]
                if self._is_phrase(end) and (self._are_outside(end) or self._are_doubtful(end)):
                    return self.unlooped[:start]
        return self.unlooped

    @property
    def has_false_end(self) -> bool:
        return len(self.kept) < len(self.unlooped)

    @cached_property
    def text(self) -> str:
        """What is kept."""
        if len(self.kept) == len(self.pieces):
            return self.decoded.text
        return "".join(self.pieces[index] for index in self.kept).strip()

    @cached_property
    def words(self) -> tuple[DecodedWord, ...]:
        """What is kept; none when they would not be the text's."""
        if len(self.kept) == len(self.pieces):
            return self.decoded.words
        return tuple(self.decoded.words[index] for index in self.kept) if self.has_words else ()

    @property
    def tokens(self) -> float:
        """Of English that would be as long."""
        share = len(self.text) / max(len(self.decoded.text), 1)
        return min(share * len(self.decoded.tokens), len(self.text) / _SIGNS_A_TOKEN)

    @property
    def compression(self) -> float:
        """Characters to compressed bytes, digits and spelled letters aside.

        By characters: of UTF-8, plain Hindi is at Whisper's limit already, for its bytes' likeness.
        """
        pieces = split(self.text)
        text = "".join(one for one in pieces if spelled_units([one], self.language) is None)
        numbers: dict[str, int] = {}
        signs = bytes(numbers.setdefault(sign, len(numbers)) & 0xFF for sign in text)
        return len(signs) / len(zlib.compress(signs))

    @property
    def outside(self) -> float:
        """Share of the words whose middle lies outside the speech; 0 without words."""
        if not self.words:
            return 0.0
        return sum(self._is_outside(word) for word in self.words) / len(self.words)

    @property
    def lost_tail(self) -> float:
        """Seconds of speech after the last word; 0 when there are no words to tell."""
        if not self.words or not self.speech:
            return 0.0
        return self.speech[-1].end / SAMPLE_RATE - max(word.end for word in self.words)

    def _is_phrase(self, words: Sequence[DecodedWord]) -> bool:
        return phrase_of("".join(word.text for word in words), self.language) is not None

    def _are_outside(self, words: Sequence[DecodedWord]) -> bool:
        return all(self._is_outside(word) for word in words)

    def _are_doubtful(self, words: Sequence[DecodedWord]) -> bool:
        mean = sum(clamped(word.probability) for word in words) / len(words)
        return mean < math.exp(self.limits.sure)

    def _is_outside(self, word: DecodedWord) -> bool:
        middle, near = (word.start + word.end) / 2, self.limits.near
        return not any(
            span.start / SAMPLE_RATE - near <= middle <= span.end / SAMPLE_RATE + near
            for span in self.speech
        )


def clamped(probability: float) -> float:
    """Into [0, 1]; what is no number is 0."""
    return 0.0 if math.isnan(probability) else min(max(probability, 0.0), 1.0)
