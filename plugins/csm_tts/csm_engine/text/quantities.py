"""The numbers that no other rule has read: ordinals, fractions, ranges, years, decimals."""

import re

from csm_engine.text import numbers
from csm_engine.text.dates import MONTHS
from csm_engine.text.money import MAGNITUDES
from csm_engine.text.options import DateOrder, Options
from csm_engine.text.rule import LETTER, Rule, chain, sub

_GROUPED = r"\d{1,3}(?:,\d{3}){1,9}(?!\d)"
_PLAIN = rf"(?:{_GROUPED}|\d{{1,400}})"
_SAID_FRACTIONS = frozenset({"2", "3", "4", "5", "8"})
_MONTHS, _DAYS = 12, 31
_DIGIT_BY_DIGIT = 7
"""Digits without a comma from which a number is an id."""


def _whole(match: re.Match[str]) -> str:
    written = match[0]
    if re.fullmatch(r"(?:19|20)\d\d|[1-9][1-9]00", written):
        return numbers.year(written)
    if len(written) >= _DIGIT_BY_DIGIT and "," not in written:
        return numbers.digit_groups(written)
    return numbers.cardinal(written)


def _fraction(match: re.Match[str], options: Options) -> str:
    top, bottom = match["top"], match["bottom"]
    cue, whole = match["cue"] or "", match["whole"]
    proper = bottom in _SAID_FRACTIONS and int(top) < int(bottom) and top[0] != "0"
    if whole and proper:
        said = numbers.fraction(top, bottom)
        return f"{numbers.cardinal(whole)} and {said.replace('one half', 'a half')}"
    whole = f"{whole} " if whole else ""
    if proper and not cue:
        return whole + numbers.fraction(top, bottom)
    return f"{cue}{whole}{_day_or_ratio(top, bottom, options)}"


def _day_or_ratio(top: str, bottom: str, options: Options) -> str:
    month_first = options.date_order is DateOrder.MONTH_FIRST
    month, day = map(int, (top, bottom) if month_first else (bottom, top))
    if 1 <= month <= _MONTHS and 1 <= day <= _DAYS:
        name, said = MONTHS[month - 1], numbers.ordinal(str(day))
        return f"{name} {said}" if month_first else f"the {said} of {name}"
    return f"{numbers.cardinal(top)} over {numbers.cardinal(bottom)}"


_FRACTION = re.compile(
    r"(?<![\w/.,])(?P<cue>(?:on|by|since|until|from|before|after|for)\s)?(?P<whole>\d{1,3}\s)?"
    r"(?P<top>\d{1,2})/(?P<bottom>\d{1,2})(?![\w/]|[.,]\d)"
)


def _fractions(text: str, options: Options) -> str:
    return _FRACTION.sub(lambda match: _fraction(match, options), text)


def _version(match: re.Match[str]) -> str:
    return " point ".join(numbers.cardinal(part) for part in match[0].split("."))


def _magnified(match: re.Match[str]) -> str:
    return f"{match[1]} {MAGNITUDES[match[2].lower()]}"


speak: Rule = chain(
    sub(rf"(?<![\w.])({_PLAIN})(?:st|nd|rd|th)(?!\w)", lambda match: numbers.ordinal(match[1])),
    sub(r"(?<![\w.,/])(\d{1,3})/(?=\1(?![\w/]|[.,]\d))", r"\1 "),
    sub(r"(?<=\d\.\d)/(?=\d{1,3}(?!\w))", " out of "),
    _fractions,
    sub(r"(?<![\w.])(\d{1,9}(?:\.\d{1,3})?)(k|(?<!\b\d)K|M|[mb]n)(?!\w)", _magnified),
    sub(r"(?<![\w.])(\d{1,9}(?:\.\d{1,3})?)x(?!\w)", r"\1 times"),
    sub(r"(?<=\d) - (?=\d{1,9} =)", " minus "),
    sub(r"(?<=\d)\s{1,3}[-—]\s{1,3}(?=\d)", " to "),
    sub(rf"(?<![\d.-])({_PLAIN}(?:\.\d{{1,9}})?)[-—](?=\d{{1,15}}(?!\d|-))", r"\1 to "),
    sub(r"(?<![^\s(])-(?=\.?\d)", "minus "),
    sub(r"(?<=\d):(?=\d)", " to "),
    sub(r"(?<=\d)/(?=\d)", " slash "),
    sub(r"(?<=\d)\s?<\s?(?=\d)", " less than "),
    sub(r"(?<=\d)\s?>\s?(?=\d)", " more than "),
    sub(r"(?<=\d)\s?\*\s?(?=\d)", " times "),
    sub(
        rf"(?<={LETTER})\d{{3,99}}|(?<![.\d])\d{{3,99}}(?={LETTER})",
        lambda match: f" {numbers.digit_groups(match[0])} ",
    ),
    sub(rf"(?<={LETTER})(?=\d)|(?<=\d)(?={LETTER})", " "),
    sub(r"\d{1,9}(?:\.\d{1,9}){2,6}(?!\d)", _version),
    sub(
        rf"{_PLAIN}\.\d{{1,99}}|(?<!\d)\.\d{{1,99}}",
        lambda match: (
            f" {numbers.decimal(match[0])}" if match[0][0] == "." else numbers.decimal(match[0])
        ),
    ),
    sub(_PLAIN, _whole),
)
