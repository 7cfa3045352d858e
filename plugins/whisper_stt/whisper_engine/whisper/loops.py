"""Words said over and over, which a decoder does when it is lost and a caller does only with digits.

A text is taken in *pieces*: words with their leading space, or characters where a script has none.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from whisper_engine.whisper.numerals import spelled_units

# Thai, Lao, Myanmar, Khmer, kana, Chinese characters: written without spaces between words.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_PIECE = re.compile(rf"\s*(?:[{_UNSPACED}]|[^\s{_UNSPACED}]+)")


@dataclass(frozen=True)
class Repeats:
    """How often is too often.

    Args:
        word: copies of one word in a row that make a loop.
        phrase: copies in a row of two words or more that make a loop.
        spelled: digits and letters that can have been said; up to these they may repeat.
    """

    word: int = 4
    phrase: int = 3
    spelled: float = 0.0


@dataclass(frozen=True)
class Loop:
    """`copies` times the same `period` pieces, from the piece `start` on."""

    start: int
    period: int
    copies: int

    @property
    def end(self) -> int:
        return self.start + self.period * self.copies


def split(text: str) -> tuple[str, ...]:
    """The pieces; joined they are `text` without the space at its end."""
    return tuple(_PIECE.findall(text))


def without_loops(pieces: Sequence[str], language: str, repeats: Repeats) -> tuple[int, ...]:
    """Indices of the pieces that stay when only the first copy of each loop does.

    What a loop's end cut off in mid-copy goes as well.
    """
    kept = list(range(len(pieces)))
    while loop := find_loop([pieces[index] for index in kept], language, repeats):
        end = loop.end
        keys = [_key(pieces[index]) for index in kept]
        rest = keys[end:]
        if rest == keys[loop.start : loop.start + len(rest)]:
            end = len(keys)
        del kept[loop.start + loop.period : end]
    return tuple(kept)


def find_loop(pieces: Sequence[str], language: str, repeats: Repeats) -> Loop | None:
    """The first loop of the shortest period. Case and punctuation do not tell copies apart."""
    keys = [_key(piece) for piece in pieces]
    for period in range(1, len(keys) // min(repeats.word, repeats.phrase) + 1):
        least = repeats.word if period == 1 else repeats.phrase
        for loop in _repetitions(keys, period):
            if loop.copies < least:
                continue
            units = spelled_units(pieces[loop.start : loop.end], language)
            if units is None or units > repeats.spelled:
                return loop
    return None


def _repetitions(keys: Sequence[str], period: int) -> list[Loop]:
    found: list[Loop] = []
    start = 0
    while start + period < len(keys):
        end = start
        while end + period < len(keys) and keys[end] == keys[end + period]:
            end += 1
        if end - start >= period:
            found.append(Loop(start, period, (end - start) // period + 1))
        start = end + 1
    return found


def _key(piece: str) -> str:
    letters = "".join(sign for sign in piece.casefold() if is_of_word(sign))
    return letters or piece.strip()


def is_of_word(sign: str) -> bool:
    """Whether a character is a letter, a digit, or a mark on one (Hindi's vowels are marks)."""
    return sign.isalnum() or unicodedata.category(sign).startswith("M")
