"""How much of what was written has been heard, by the length of the sound. Pure."""

from dataclasses import dataclass

from agent.lexicon import word_spans

LETTERS_A_SECOND = 15.0
"""Of a voice of which nothing is known yet."""


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
        spans = self._spans(made)[: None if self._ended else -1]
        seconds = sum(end - start for _, start, end in spans)
        letters = sum(len(text) for text, _, _ in spans)
        return letters / seconds if seconds > 1.0 else self._letters_a_second

    def _spans(self, made: float) -> list[tuple[str, float, float]]:
        """Text between two places that are known, with the places."""
        joined: list[tuple[str, float]] = []
        for piece in self._pieces:
            if piece.start is None and joined:
                joined[-1] = joined[-1][0] + piece.text, joined[-1][1]
            else:
                joined.append((piece.text, piece.start or 0.0))
        ends = [start for _, start in joined[1:]]
        if joined:
            text, start = joined[-1]
            ends.append(made if self._ended else max(made, start + self._lasts(text)))
        return [(text, start, end) for (text, start), end in zip(joined, ends, strict=True)]

    def _lasts(self, text: str) -> float:
        return len(text) / self._letters_a_second


def _beginning(text: str, share: float) -> str:
    letters = share * len(text)
    ends = [end for start, end in word_spans(text) if (start + end) / 2 <= letters]
    return text[: ends[-1]] if ends else ""
