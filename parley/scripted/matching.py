"""Which entry a caller's words mean, although a recogniser has bent them. Pure."""

import difflib
import re
from collections import Counter
from collections.abc import Sequence

from parley.scripted.script import FormField, Script

THRESHOLD = 0.5
"""Under this score the words mean nothing to the script."""

LIKENESS = 0.75
"""How alike (difflib's ratio) a word must be to pass for one that the script knows."""

Words = tuple[str, ...]


def words_of(text: str) -> Words:
    """Lower case, letters and inner apostrophes only."""
    return tuple(
        word
        for raw in re.findall(r"[a-z'\u2019]+", text.lower())
        if (word := raw.replace("\u2019", "'").strip("'"))
    )


class Matcher:
    """Scores what was heard against a script's phrases.

    A word weighs the less the more entries use it, so that "what is the" decides nothing.
    """

    def __init__(self, script: Script) -> None:
        self._phrases = [
            (number, words_of(phrase))
            for number, entry in enumerate(script.entries)
            for phrase in entry.hears
        ]
        used_by = Counter(
            word
            for number in range(len(script.entries))
            for word in {word for n, phrase in self._phrases if n == number for word in phrase}
        )
        self._weights = {word: 1.0 / count for word, count in used_by.items()}
        self._known = sorted(self._weights)

    def best(self, heard: str) -> int | None:
        """The number of the entry that was meant, or None."""
        words = tuple(self._nearest(word) for word in words_of(heard))
        scored = [(self._score(phrase, words), number) for number, phrase in self._phrases]
        score, number = max(scored, key=lambda pair: pair[0])
        return number if score >= THRESHOLD else None

    def _nearest(self, word: str) -> str:
        if word in self._weights:
            return word
        close = difflib.get_close_matches(word, self._known, n=1, cutoff=LIKENESS)
        return close[0] if close else word

    def _score(self, phrase: Words, heard: Words) -> float:
        """Between 0 and 1: how much of the phrase was heard, in order; less, the more else was."""
        shared = self._shared(phrase, heard)
        if not shared:
            return 0.0
        recall = shared / self._weight(phrase)
        precision = shared / self._weight(heard)
        return recall * (1.0 + precision) / 2.0

    def _weight(self, words: Words) -> float:
        return sum(self._weights.get(word, 1.0) for word in words)

    def _shared(self, left: Words, right: Words) -> float:
        """The weight of the heaviest common subsequence."""
        row = [0.0] * (len(right) + 1)
        for word in left:
            before = row
            row = [0.0]
            for at, other in enumerate(right):
                same = before[at] + self._weights.get(word, 1.0) if word == other else 0.0
                row.append(max(same, before[at + 1], row[at]))
        return row[-1]


def find_option(field: FormField, heard: str) -> str | None:
    """The option that was said: the longest one; of two as long, the later."""
    words = words_of(heard)
    found: tuple[int, int, str] | None = None
    for option in field.options:
        wanted = words_of(option)
        for at in range(len(words) - len(wanted) + 1):
            if _alike(wanted, words[at : at + len(wanted)]):
                found = max(found or (0, 0, ""), (len(wanted), at, option))
    return found[2] if found else None


def _alike(wanted: Sequence[str], heard: Sequence[str]) -> bool:
    return all(
        word == other
        or (
            min(len(word), len(other)) > 3  # noqa: PLR2004 -- short words are too easily alike
            and difflib.SequenceMatcher(None, word, other).ratio() >= LIKENESS
        )
        for word, other in zip(wanted, heard, strict=True)
    )
