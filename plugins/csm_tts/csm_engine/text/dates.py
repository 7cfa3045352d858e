"""Dates → as they are said; numeric ones in the deployment's order."""

import datetime
import re

from csm_engine.text.numbers import cardinal, ordinal, plural, year
from csm_engine.text.options import DateOrder, Options
from csm_engine.text.rule import Rule, any_of, chain, sub

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

_CENTURY = 2000
_SHORT_YEAR = 2
"""Digits of a year without its century."""
_MONTH_OF = {
    written: name
    for name in MONTHS
    for written in {
        name,
        name[:3],
        name[:3] + ".",
        *({"Sept", "Sept."} & {name[:4], name[:4] + "."}),
    }
}
_DAY_OF = (
    {
        written: name
        for name in WEEKDAYS
        for written in {name[:3], name[:3] + ".", name[:4], name[:4] + "."}
        if name.startswith(("Tue", "Thu")) or len(written.rstrip(".")) == len("Mon")
    }
    | {"Thurs": "Thursday", "Thurs.": "Thursday", "Weds": "Wednesday", "Thur": "Thursday"}
    | {name: name for name in WEEKDAYS}
)
_MONTH = rf"(?P<month>{any_of(_MONTH_OF)})"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>1[1-9]\d\d|20\d\d)"
_END = r"(?![\w/]|[-.:,]\d)"
_START = r"(?<![\w/.,:$£€-])"
_COUNTED = ["people", "dollars", "euros", "pounds", "points", "km", "kg", "miles", "percent"]
_CUES = [
    "in",
    "since",
    "until",
    "till",
    "from",
    "by",
    "of",
    "year",
    "during",
    "before",
    "after",
    "around",
    "circa",
    "for",
    "through",
    "to",
]


def _day(day: str) -> str:
    return ordinal(str(int(day)))


def _in_order(day: str, month: str, options: Options) -> str:
    if options.date_order is DateOrder.MONTH_FIRST:
        return f"{month} {_day(day)}"
    return f"the {_day(day)} of {month}"


def _numeric(match: re.Match[str], options: Options) -> str:
    """A day that the calendar has not, in the order asked, is tried in the other; else left."""
    first, second = match["first"], match["second"]
    number = match["year"]
    whole = int(number) if len(number) > _SHORT_YEAR else _CENTURY + int(number)
    month_first = options.date_order is DateOrder.MONTH_FIRST
    orders = [(first, second), (second, first)]
    for month, day in orders if month_first else reversed(orders):
        if _exists(whole, month, day):
            said = _in_order(day, MONTHS[int(month) - 1], options)
            return f"{said}, {year(str(whole))}"
    return match[0]


def _exists(whole: int, month: str, day: str) -> bool:
    try:
        datetime.date(whole, int(month), int(day))
    except ValueError:
        return False
    return True


def _ordered(pattern: str) -> Rule:
    compiled = re.compile(pattern)

    def rule(text: str, options: Options) -> str:
        return compiled.sub(lambda match: _numeric(match, options), text)

    return rule


def _iso(text: str, options: Options) -> str:
    return _ISO.sub(lambda match: _iso_said(match, options), text)


def _iso_said(match: re.Match[str], options: Options) -> str:
    if not _exists(int(match["year"]), match["month"], match["day"]):
        return match[0]
    said = _in_order(match["day"], MONTHS[int(match["month"]) - 1], options)
    return f"{said}, {year(match['year'])}{' at ' if match['time'] else ''}"


_ISO = re.compile(
    rf"{_START}(?P<year>1[5-9]\d\d|20\d\d)(?P<sign>[-/])(?P<month>\d\d)(?P=sign)(?P<day>\d\d)"
    rf"(?:(?P<time>T(?=\d\d:))|{_END})"
)


def _after(match: re.Match[str]) -> str:
    said = f"{_MONTH_OF[match['month']]} {_day(match['day'])}"
    return f"{said}, {year(match['year'])}" if match["year"] else said


def _days(match: re.Match[str]) -> str:
    return f"{_MONTH_OF[match['month']]} {_day(match['day'])} to {_day(match['last'])}"


def _before(match: re.Match[str]) -> str:
    said = f"the {_day(match['day'])} of {_MONTH_OF[match['month']]}"
    return f"{said}, {year(match['year'])}" if match["year"] else said


def _month_name(match: re.Match[str]) -> str:
    return _MONTH_OF[match[1]]


def _decade(match: re.Match[str]) -> str:
    number = match["decade"]
    if len(number) == _SHORT_YEAR:
        return plural(cardinal(number))
    return plural(year(number))


def _day_name(match: re.Match[str]) -> str:
    return _DAY_OF[match[1]]


_DAY_WORD = rf"(?<!\w)({any_of(_DAY_OF)})"
_YEARS = r"(1[5-9]\d\d|20\d\d)"

_numeric_dates = chain(
    _iso,
    _ordered(rf"{_START}(?P<first>\d{{1,2}})/(?P<second>\d{{1,2}})/(?P<year>\d{{4}}|\d\d){_END}"),
    _ordered(
        rf"{_START}(?P<first>\d{{1,2}})(?P<sign>[.-])(?P<second>\d{{1,2}})(?P=sign)"
        rf"(?P<year>(?:19|20)\d\d){_END}"
    ),
)
_weekdays = chain(
    sub(
        rf"(?<!\w)({any_of(_DAY_OF)})\s?[-—]\s?({any_of(_DAY_OF)})(?!\w)",
        lambda match: f"{_DAY_OF[match[1]]} to {_DAY_OF[match[2]]}",
    ),
    sub(r"(?<!\w)(Mon|Tues?|Wed|Thu|Thurs?|Fri|Sat|Sun)\.(?=\s[a-z]|,)", _day_name),
    sub(r"(?<!\w)(Mon|Tues?|Wed|Thu|Thurs?|Fri)(?!\w)", _day_name),
    sub(rf"{_DAY_WORD}(?=,?\s{{1,2}}(?:{any_of(_MONTH_OF)}|\d)|:)", _day_name),
)
"""Sat and Sun are also words: only where a date follows, or their full stop ends no sentence."""

_worded_dates = chain(
    sub(
        rf"(?<!\w)({any_of(_MONTH_OF)})\s?[-—]\s?({any_of(_MONTH_OF)})(?!\w)",
        lambda match: f"{_MONTH_OF[match[1]]} to {_MONTH_OF[match[2]]}",
    ),
    sub(rf"(?<!\w){_MONTH}\s{_DAY}\s?[-—]\s?(?P<last>[12]\d|3[01]|0?[1-9])(?!\w)", _days),
    sub(rf"(?<!\w){_MONTH}\s{{1,2}}(?:the\s)?{_DAY}(?:,?\s{{1,2}}{_YEAR})?{_END}", _after),
    sub(
        rf"(?<![\w.,:/-])(?:the\s)?{_DAY}\s(?:of\s)?{_MONTH}(?:,?\s{{1,2}}{_YEAR})?(?!\w)", _before
    ),
    sub(
        rf"(?<!\w){_MONTH},?\s{_YEAR}{_END}",
        lambda match: f"{_MONTH_OF[match['month']]} {year(match['year'])}",
    ),
    sub(r"(?<!\w)(Feb|Apr|Jul|Aug|Sept?|Oct|Nov|Dec)(?!\w)(?:\.(?=\s[a-z]|,))?", _month_name),
)
_bare_years = chain(
    sub(r"(?<![\w.,])'?(?P<decade>1[5-9]\d0|20\d0)'?s(?!\w)", _decade),
    sub(r"(?<!\w)(?:'|(?<=the )|(?<=his )|(?<=her ))(?P<decade>[1-9]0)'?s(?!\w)", _decade),
    sub(
        rf"{_START}{_YEARS}\s?[-—]\s?{_YEARS}{_END}",
        lambda match: f"{year(match[1])} to {year(match[2])}",
    ),
    sub(
        rf"(?i)(?<!\w)({any_of(_CUES)})\s(1[1-9]\d\d|20\d\d)"
        rf"(?![\w%°/]|[-.:,]\d|\s(?:{any_of(_COUNTED)}))",
        lambda match: f"{match[1]} {year(match[2])}",
    ),
)
speak: Rule = chain(_numeric_dates, _weekdays, _worded_dates, _bare_years)
