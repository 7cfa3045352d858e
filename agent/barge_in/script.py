"""How much of what was written has been heard, by the length of the sound. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from agent.lexicon import word_spans

LETTERS_A_SECOND = 15.0
"""Of a voice of which nothing is known yet."""

ENOUGH = 1.0
"""Seconds of a voice by which its pace is known."""

_Span = tuple[str, float, float]


@dataclass(frozen=True)
class _Piece:
    text: str
    start: float | None


class Script:
    """The text of one speech. Its voice tells where some pieces of it begin, in seconds; between
    those the letters are taken to be of one length."""

    def __init__(self, letters_a_second: float = LETTERS_A_SECOND) -> None:
        self._letters_a_second = letters_a_second
        self._pieces: list[_Piece] = []
        self._ended = False

    def add(self, text: str, start: float | None = None) -> None:
        self._pieces.append(_Piece(text, start))

    def end(self) -> None:
        """All of its sound was made."""
        self._ended = any(piece.start is not None for piece in self._pieces)

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self._pieces)

    def until(self, second: float, made: float) -> str:
        """The words that were more than half heard in so many seconds, of `made` that there are."""
        heard = ""
        for text, start, end in self._spans(made):
            if second < end:
                return heard + _beginning(text, (second - start) / (end - start))
            heard += text
        return heard

    def pace(self, made: float) -> float:
        """Letters a second of those pieces whose length is known; what was assumed, of too few."""
        return self._pace_of(self._spans(made)[: None if self._ended else -1])

    def _pace_of(self, spans: Sequence[_Span]) -> float:
        seconds = sum(end - start for _, start, end in spans)
        letters = sum(len(text) for text, _, _ in spans)
        return letters / seconds if letters and seconds > ENOUGH else self._letters_a_second

    def _spans(self, made: float) -> list[_Span]:
        """Text between two places that are known, with the places."""
        places: list[tuple[str, float]] = []
        for piece in self._pieces:
            if piece.start is None and places:
                places[-1] = places[-1][0] + piece.text, places[-1][1]
            else:
                places.append((piece.text, piece.start or 0.0))
        spans = [(text, start, end) for (text, start), (_, end) in pairwise(places)]
        for text, start in places[-1:]:
            lasts = len(text) / self._pace_of(spans)
            spans.append((text, start, made if self._ended else max(made, start + lasts)))
        return spans


def _beginning(text: str, share: float) -> str:
    letters = share * len(text)
    ends = [end for start, end in word_spans(text) if (start + end) / 2 <= letters]
    return text[: ends[-1]] if ends else ""
