"""Telephone numbers, ids and addresses of machines → digit by digit."""

import re

from csm_engine.text.numbers import digit_groups, digits
from csm_engine.text.rule import chain, sub

_LEAST_DIGITS, _MOST_DIGITS = 7, 20
_SPACED_DIGITS = 10
"""Groups with only spaces between are one number from here on."""

_TELEPHONE = (
    r"(?<![\w.,/$£€+-])(?<!\d:)(?P<plus>\+\d{1,3}[ .-]?)?(?P<area>\(\+?\d{1,5}\)[ .-]?)?"
    r"\d{1,6}(?:[ .-]\d{2,6}){0,6}(?![\w%:/°]|[.,-]\d)"
)
_WHOLE = r"(?<![\w.,:/$£€])\+\d{6,15}(?![\w%/]|[.,]\d)"
_VANITY = r"(?<![\w.+-])(\+?1[ .-])?(8\d\d)-([A-Z]{3,7})(?:-([A-Z]{3,7}))?(?!\w)"
_IP = r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]\d|\w)"
_STRONG = (
    r"codes?|pins?|passcode|password|extension|flight|zip(?: code)?|postcode|end(?:ing|s) in"
    r"|last four(?: digits)?|ref(?:erence)?"
)
_WEAK = (
    r"account|order|case|ticket|invoice|confirmation|serial|booking|tracking|policy"
    r"|member(?:ship)?|customer|id|card|number"
)
_FILLER = r"(?: (?:number|code|id|is|no))?(?: is)?[ :,]{1,3}(?-i:[A-Z]{2,3} )?"
_PRESSED = r"(?i)(?:(?<=press )|(?<=dial )|(?<=hit )|(?<=enter )|(?<=then )|(?<=or )|(?<=the ))"
_MIXED = re.compile(r"[A-Z]\d|\d[A-Z]")
_GROUP = re.compile(r"\d+")


def _telephone(match: re.Match[str]) -> str:
    written = match[0]
    groups = _GROUP.findall(written)
    count = sum(map(len, groups))
    if not _LEAST_DIGITS <= count <= _MOST_DIGITS or not _looks_dialled(match, groups):
        return written
    return ("plus " if "+" in written else "") + _paused(groups)


def _looks_dialled(match: re.Match[str], groups: list[str]) -> bool:
    written = match[0]
    if match["plus"] or match["area"]:
        return True
    if len(groups) == 1:
        return False
    if "." in written:
        return [len(group) for group in groups] in ([3, 3, 4], [3, 4])
    if "-" in written:
        return not re.fullmatch(r"\d\d00-\d\d00", written)
    if [len(group) for group in groups] == [3, 4]:
        return True
    return sum(map(len, groups)) >= _SPACED_DIGITS or written.startswith("0")


def _paused(groups: list[str]) -> str:
    return ", ".join(map(digit_groups, groups))


def _vanity(match: re.Match[str]) -> str:
    country = digits(match[1] or "")
    words = [country, digits(match[2]), *(word.capitalize() for word in match.groups()[2:] if word)]
    return ", ".join(filter(None, words))


def _code(match: re.Match[str]) -> str:
    """ "XK7-29B" is an id; "GPT-4" is a name, and 4-6 a range."""
    parts = match[0].split("-")
    if not any(_MIXED.search(part) for part in parts):
        return match[0]
    return ", ".join(" ".join(map(_sign, part)) for part in parts)


def _sign(sign: str) -> str:
    return digits(sign) if sign.isdigit() else sign


def _id(match: re.Match[str]) -> str:
    return match["cue"] + _paused(_GROUP.findall(match["id"]))


_ID = r"(?:-\d{1,9}){0,4})(?![\w%/:]|[.,]\d)"

keys = chain(
    sub(rf"{_PRESSED}\*(?=\d{{0,4}}(?:[\s,.!?]|$))", "star "),
    sub(rf"{_PRESSED}#(?=[\s,.!?]|$)", "pound "),
)
"""Of a telephone; before Markdown takes their signs for its own."""

ids = chain(
    sub(r"(?<![\w.$-])[A-Z\d]{1,12}(?:-[A-Z\d]{1,12}){1,5}(?![\w:-])", _code),
    sub(r"(?<=\b[A-Z]{2} )\d{5}(?![\w,.-]?\d)", lambda match: digits(match[0])),
    sub(r"(?<![\w.,:/$£€#-])(?:911|988)(?![\w%:/-]|[.,]\d)", lambda match: digits(match[0])),
    sub(r"(?i)(?<!\w)(?P<cue>(?:dial|call|text) )(?P<id>[2-8]11|112|999)(?![\w%:/]|[.,]\d)", _id),
    sub(r"(?i)(?<=\d{4}) x(?=\d{2,6}(?!\w))", " extension "),
    sub(
        rf"(?i)(?<!\w)(?P<cue>(?:{_STRONG}){_FILLER})"
        rf"(?P<id>(?:\d{{3,19}}|\d{{1,9}}(?=-\d{{1,9}}-)){_ID}",
        _id,
    ),
    sub(rf"(?i)(?<!\w)(?P<cue>(?:{_WEAK}){_FILLER})(?P<id>\d{{4,19}}{_ID}", _id),
)
"""After a word that names one, so before dates: the 1998 of "code 1998" is no year."""

numbers = chain(
    sub(_VANITY, _vanity),
    sub(_IP, lambda match: " dot ".join(map(digits, match[0].split(".")))),
    sub(_WHOLE, lambda match: "plus " + digit_groups(match[0][1:])),
    sub(_TELEPHONE, _telephone),
)
