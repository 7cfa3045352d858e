"""Times of day → as they are said on a twelve-hour clock."""

import re

from csm_engine.text.numbers import cardinal, oh
from csm_engine.text.rule import chain, sub

_HALF_DAY = r"(?P<half>[ap])\.?m\b\.?"
_START = r"(?<![\w:.,$£€/-])"
_NOON = 12


def _clock(match: re.Match[str]) -> str:
    hour, minute = int(match["hour"]), int(match["minute"])
    half = (match["half"] or "").upper()
    if not half and (hour > _NOON or hour == 0):
        half = "P" if hour >= _NOON else "A"
    said = cardinal(str((hour - 1) % _NOON + 1))
    if minute:
        said = f"{said} {oh(minute)}"
    elif not half:
        said = f"{said} o'clock"
    if second := match["second"]:
        said = f"{said} and {cardinal(str(int(second)))} second{'' if int(second) == 1 else 's'}"
    return f"{said} {half} M" + _stop(match) if half else said


def _hour(match: re.Match[str]) -> str:
    return f"{cardinal(str(int(match['hour'])))} {match['half'].upper()} M{_stop(match)}"


def _stop(match: re.Match[str]) -> str:
    """The stop of "p.m." also ends its sentence before a capital."""
    rest = match.string[match.end() : match.end() + 3].lstrip()
    return "." if match[0].endswith(".") and (not rest or rest[0].isupper()) else ""


speak = chain(
    sub(r"(?i)(?<=\d)\s?[-—]\s?(?=\d{1,2}(?::\d\d)?\s?[ap]\.?m\b)", " to "),
    sub(r"(?i)(?<=\d)(\s?[ap]\.?m\.?|:\d\d)\s?[-—]\s?(?=\d)", r"\1 to "),
    sub(
        rf"(?i){_START}(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
        rf"(?:\s?{_HALF_DAY})?(?![\w:]|\.\d)",
        _clock,
    ),
    sub(
        rf"(?i){_START}(?P<hour>1[0-2]|0?[1-9])\.(?P<minute>[0-5]\d)(?P<second>)"
        rf"\s?{_HALF_DAY}(?!\w)",
        _clock,
    ),
    sub(rf"(?i){_START}(?P<hour>1[0-2]|0?[1-9])\s?{_HALF_DAY}(?!\w)", _hour),
)
