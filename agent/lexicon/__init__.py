"""What small words do in a conversation, by language: data in NAME.yaml, found by phrases."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from agent.lexicon.numerals import number_words
from agent.yaml_file import read_yaml

FOLDER = Path(__file__).parent

Words = tuple[str, ...]


_WORD = re.compile(r"[^\W_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W_]+)*")


def words(text: str) -> Words:
    """In lower case, without punctuation; a hyphen parts words, an apostrophe does not."""
    return tuple(_plain(word) for word in _WORD.findall(text))


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where in the text each of its words begins and ends."""
    return [match.span() for match in _WORD.finditer(text)]


def _plain(word: str) -> str:
    word = word.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return unicodedata.normalize("NFKC", word).casefold()


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    acknowledgements: tuple[str, ...] = ()
    interruptions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    spelled: tuple[str, ...] = ()
    agreements: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


class Phrases:
    """A set of phrases to be found among words."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._phrases = frozenset(filter(None, map(words, phrases)))
        self._longest = max(map(len, self._phrases), default=0)

    def without(self, spoken: Sequence[str]) -> Words:
        """The words that belong to none of the phrases; the longest that fits is taken."""
        rest: list[str] = []
        at = 0
        while at < len(spoken):
            length = self._at(spoken, at)
            if not length:
                rest.append(spoken[at])
            at += length or 1
        return tuple(rest)

    def begun(self, spoken: Sequence[str]) -> bool:
        """Whether the words are phrases but for the last of them, which may still become one."""
        ends = {0}  # of whole phrases
        for at in range(len(spoken)):
            if at not in ends:
                continue
            rest = tuple(spoken[at:])
            if any(rest == phrase[: len(rest)] for phrase in self._phrases):
                return True
            reach = range(1, min(self._longest, len(rest)) + 1)
            ends.update(at + n for n in reach if rest[:n] in self._phrases)
        return False

    def within(self, spoken: Sequence[str]) -> bool:
        return any(self._at(spoken, at) for at in range(len(spoken)))

    def _at(self, spoken: Sequence[str], at: int) -> int:
        """How many words the longest phrase here has, 0 for none."""
        lengths = range(min(self._longest, len(spoken) - at), 0, -1)
        return next((n for n in lengths if tuple(spoken[at : at + n]) in self._phrases), 0)


@dataclass(frozen=True)
class Lexicon:
    """Of one language, with what a persona adds to it."""

    acknowledgements: Phrases
    interruptions: Phrases
    answers: Phrases
    numbers: Phrases
    spelled: Phrases
    agreements: Phrases
    refusals: Phrases

    @classmethod
    def of(
        cls,
        language: str,
        *,
        acknowledgements: Iterable[str] = (),
        interruptions: Iterable[str] = (),
        answers: Iterable[str] = (),
    ) -> Self:
        """For a BCP 47 tag. Of a language without a file, what is given is all there is."""
        language = language.partition("-")[0]
        file = _read(language)
        return cls(
            acknowledgements=Phrases((*file.acknowledgements, *acknowledgements)),
            interruptions=Phrases((*file.interruptions, *interruptions)),
            answers=Phrases((*file.answers, *file.acknowledgements, *answers)),
            numbers=Phrases((*number_words(language), *file.numbers)),
            spelled=Phrases(file.spelled),
            agreements=Phrases(file.agreements),
            refusals=Phrases(file.refusals),
        )


@cache
def _read(language: str) -> _File:
    path = FOLDER / f"{language}.yaml"
    return read_yaml(path, _File) if path.exists() else _File()
