"""Numbers as they are spoken, written as digits: data in LANGUAGE.yaml, read by a small grammar. Pure.

A number is what a caller would key in: "one hundred and five" is 105, "nineteen eighty four" is
1984, "five five oh" is 550. What is not one number stays apart, digits in their order.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from agent.yaml_file import read_yaml

FOLDER = Path(__file__).parent

TEN, TWENTY, HUNDRED, THOUSAND = 10, 20, 100, 1000

_TOKEN = re.compile(r"\d+|[^\W\d_]+|[,.;:!?]+")


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    values: dict[str, int]
    within: dict[str, int] = {}
    """Only as a part of a word, where words are joined."""
    times: dict[str, int]
    joins: tuple[str, ...] = ()
    """Words between the parts of a number."""
    joins_units: bool = False
    """Whether such a word may stand between tens and units: "treinta y cinco"."""
    units_first: bool = False
    """Whether units come before tens, "drei und zwanzig", and numbers are joined into a word."""
    by_score: bool = False
    """Whether sixty and eighty go on to nineteen more, and eighty is four twenties."""


@dataclass(frozen=True)
class Spoken:
    digits: str
    words: int
    """Of the text, that these digits are said with."""
    of: int

    @property
    def is_answer(self) -> bool:
        """Whether digits are what the text is about: "one moment, please" is no answer."""
        return bool(self.digits) and 2 * self.words >= self.of


def spoken(text: str, language: str) -> Spoken:
    """Figures of any script in any language, words in those that have a file; others are no digits."""
    file = _read(language)
    tokens = [part for token in _TOKEN.findall(text.lower()) for part in _parts(token, file)]
    digits, used, repeat, at = "", 0, 1, 0
    while at < len(tokens):
        number, end = _Reader(tokens, file).number(at)
        if tokens[at].isdecimal():
            number, end = "".join(str(int(figure)) for figure in tokens[at]), at + 1
            used += len(number) - 1
        if number:
            digits += number[:1] * (repeat - 1) + number
            used += end - at + (repeat > 1)
        repeat = file.times.get(tokens[at], 1)
        at = max(end, at + 1)
    return Spoken(digits, used, sum(token.isalnum() for token in tokens))


def number_words(language: str) -> tuple[str, ...]:
    """Words that name a number up to a hundred by themselves."""
    file = _read(language)
    named = {word: value for word, value in file.values.items() if value <= HUNDRED}
    names = [*named]
    if file.units_first:
        parts = named | file.within
        units = [word for word, value in parts.items() if 0 < value < TEN]
        tens = [word for word, value in parts.items() if TWENTY <= value < HUNDRED]
        names += [unit + join + ten for unit in units for join in file.joins for ten in tens]
    return tuple(names)


@dataclass(frozen=True)
class _Reader:
    """Each method reads at a place, and tells what it read with the place after; the same place for
    nothing."""

    tokens: Sequence[str]
    file: _File

    def number(self, at: int) -> tuple[str, int]:
        if self._value(at) == 0:
            return "0", at + 1
        value, end = self._under_thousand(at)
        if self._value(end) != THOUSAND:
            return (str(value) if end > at else ""), end
        base, end = max(value, 1) * THOUSAND, end + 1
        rest, after = self._under_thousand(self._past_join(end))
        if after > self._past_join(end) and not self._dictated(end, after):
            return str(base + rest), after
        return str(base), end

    def _under_thousand(self, at: int) -> tuple[int, int]:
        value, end = self._under_hundred(at)
        hundreds = self._value(end)
        if hundreds is None or not HUNDRED <= hundreds < THOUSAND:
            return value, end
        if end > at and hundreds > HUNDRED:  # a word of its own: "doscientos"
            return value, end
        base, end = max(value, 1) * hundreds, end + 1
        rest, after = self._under_hundred(self._past_join(end))
        if after > self._past_join(end) and not self._dictated(end, after):
            return base + rest, after
        return base, end

    def _under_hundred(self, at: int) -> tuple[int, int]:
        value = self._value(at)
        if value is None or not 0 < value < HUNDRED:
            return 0, at
        if self.file.by_score:
            return self._by_score(value, at + 1)
        if self.file.units_first:
            tens = self._value(at + 2)
            if value < TEN and self._joins(at + 1) and tens and TWENTY <= tens < HUNDRED:
                return value + tens, at + 3
            return value, at + 1
        return self._with_unit(value, at + 1)

    def _with_unit(self, value: int, end: int) -> tuple[int, int]:
        after = self._past_join(end) if self.file.joins_units else end
        unit = self._value(after)
        if value >= TWENTY and value % TEN == 0 and unit and unit < TEN:
            return value + unit, after + 1
        return value, end

    def _by_score(self, value: int, end: int) -> tuple[int, int]:
        if value == 4 and self._value(end) == TWENTY:  # noqa: PLR2004
            value, end = 80, end + 1
        more, after = self._teen(self._past_join(end))
        if value in {60, 80} and more:
            return value + more, after
        if value == TEN:
            return self._teen(end - 1)
        return self._with_unit(value, end)

    def _teen(self, at: int) -> tuple[int, int]:
        """Up to nineteen: "dix-sept" is ten and seven."""
        value, unit = self._value(at), self._value(at + 1)
        if value is None or not 0 < value < TWENTY:
            return 0, at
        if value == TEN and unit and 7 <= unit < TEN:  # noqa: PLR2004
            return value + unit, at + 2
        return value, at + 1

    def _dictated(self, end: int, after: int) -> bool:
        """Whether what follows a hundred or a thousand goes on digit by digit: 800 5 5 5."""
        following = self._value(after)
        return end == self._past_join(end) and following is not None and following < HUNDRED

    def _past_join(self, at: int) -> int:
        return at + 1 if self._joins(at) else at

    def _joins(self, at: int) -> bool:
        return at < len(self.tokens) and self.tokens[at] in self.file.joins

    def _value(self, at: int) -> int | None:
        if at >= len(self.tokens):
            return None
        known = self.file.values.get(self.tokens[at])
        follows = self.file.units_first and at + 1 < len(self.tokens)
        if known is None and follows and self._part_of_number(at + 1):
            return self.file.within.get(self.tokens[at])
        return known

    def _part_of_number(self, at: int) -> bool:
        return self._joins(at) or self.file.values.get(self.tokens[at], 0) >= HUNDRED


def _parts(token: str, file: _File) -> Iterator[str]:
    """Of a word that is a number of several: "dreiundzwanzig"."""
    if not file.units_first or token in file.values:
        yield token
        return
    known = sorted({*file.values, *file.within, *file.joins}, key=len, reverse=True)
    found = re.findall("|".join(known), token)
    yield from found if "".join(found) == token else [token]


@cache
def _read(language: str) -> _File:
    path = FOLDER / f"{language}.yaml"
    return read_yaml(path, _File) if path.exists() else _File(values={}, times={})
