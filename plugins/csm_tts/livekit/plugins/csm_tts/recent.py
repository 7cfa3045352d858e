"""The last turns of a conversation, for an engine that does not know them. Pure."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

from csm_engine.protocol import MAX_SENTENCE_CHARS, ContextAppend, Remembers

MOST_TURNS = 8
MOST_CHARS = 1_000
"""Told again at most: what a voice needs to go on in the same tone, not the whole call."""

_KEPT = 64

Speaker = Literal["caller", "agent"]


@dataclass(frozen=True)
class _Piece:
    speaker: Speaker
    text: str
    utterance: str = ""
    start: float = 0.0


class Recent:
    """`remembers` says whose turns count."""

    def __init__(self, remembers: Remembers) -> None:
        self._speakers: set[Speaker] = set()
        if remembers != "nothing":
            self._speakers.add("agent")
        if remembers in {"texts", "sounds"}:
            self._speakers.add("caller")
        self._pieces: deque[_Piece] = deque(maxlen=_KEPT)

    @property
    def knows_callers(self) -> bool:
        return "caller" in self._speakers

    def agent(self, sentence: str, utterance: str, start: float) -> None:
        """A sentence began to sound, `start` seconds into its utterance."""
        self._add(_Piece("agent", sentence, utterance, start))

    def caller(self, text: str) -> None:
        self._add(_Piece("caller", text))

    def cut(self, utterance: str, played: float) -> None:
        """Sentences that had not begun by then were never said."""
        kept = [
            piece for piece in self._pieces if piece.utterance != utterance or piece.start < played
        ]
        self._pieces = deque(kept, maxlen=_KEPT)

    def turns(self) -> list[ContextAppend]:
        """The latest, oldest first: `MOST_TURNS` of at most `MOST_CHARS` characters in all."""
        turns: list[tuple[Speaker, str]] = []
        for piece in self._pieces:
            if turns and turns[-1][0] == piece.speaker:
                turns[-1] = (piece.speaker, f"{turns[-1][1]} {piece.text}")
            else:
                turns.append((piece.speaker, piece.text))
        told: list[ContextAppend] = []
        room = MOST_CHARS
        for speaker, text in reversed(turns[-MOST_TURNS:]):
            if room > 0:
                told.insert(0, ContextAppend(speaker=speaker, text=text[-room:]))
            room -= len(text)
        return told

    def _add(self, piece: _Piece) -> None:
        if piece.speaker in self._speakers:
            self._pieces.append(piece)


def append_of(speaker: Speaker, text: str) -> ContextAppend | None:
    """None for a text without words; of one that is too long, its end."""
    text = text.strip()[-MAX_SENTENCE_CHARS:]
    return ContextAppend(speaker=speaker, text=text) if text else None
