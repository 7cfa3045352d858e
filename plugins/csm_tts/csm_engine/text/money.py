"""Sums of money → as they are said."""

import re

from csm_engine.text.numbers import cardinal, decimal
from csm_engine.text.rule import any_of, chain, sub

CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "US$": ("U S dollar", "U S dollars", "cent", "cents"),
    "C$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "USD": ("U S dollar", "U S dollars", "cent", "cents"),
    "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    "JPY": ("yen", "yen", "sen", "sen"),
    "INR": ("rupee", "rupees", "paisa", "paise"),
}
"""Sign or code: one, many, one hundredth, many hundredths."""

MAGNITUDES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "b": "billion",
    "bn": "billion",
    "t": "trillion",
    "tn": "trillion",
}

_CENT_DIGITS = 2
_SIGN = rf"(?P<sign>{any_of(CURRENCIES)})"
_AMOUNT = r"(?P<amount>\d{1,3}(?:,\d{3}){1,9}(?:\.\d{1,9})?|\d{1,15}(?:\.\d{1,9})?|\.\d{1,9})"
_MAGNITUDE = (
    rf"(?:\s?(?P<magnitude>{any_of(MAGNITUDES)}|{any_of(map(str.upper, MAGNITUDES))})(?!\w)"
    r"|\s(?P<word>thousand|million|billion|trillion)(?!\w))?"
)


def _sum(match: re.Match[str]) -> str:
    amount = match["amount"].replace(",", "")
    minus = "minus " if match["minus"] else ""
    after = " " if match.string[match.end() : match.end() + 1].isalnum() else ""
    return minus + _said(amount, CURRENCIES[match["sign"]], _magnitude(match)) + after


def _magnitude(match: re.Match[str]) -> str:
    if match["word"]:
        return match["word"]
    return MAGNITUDES[match["magnitude"].lower()] if match["magnitude"] else ""


def _said(amount: str, names: tuple[str, str, str, str], magnitude: str) -> str:
    one, many, hundredth, hundredths = names
    whole, point, part = amount.partition(".")
    whole = whole or "0"
    if magnitude:
        return f"{decimal(amount)} {magnitude} {many}"
    if point and len(part) != _CENT_DIGITS:
        return f"{decimal(amount)} {many}"
    units = f"{cardinal(whole)} {one if _is_one(whole) else many}"
    if not point or part == "00":
        return units
    parts = f"{cardinal(str(int(part)))} {hundredth if part == '01' else hundredths}"
    return f"{units} and {parts}" if whole.strip("0") else parts


def _is_one(whole: str) -> bool:
    return whole == "1"


def _cents(match: re.Match[str]) -> str:
    return f"{cardinal(match[1])} cent{'' if _is_one(match[1]) else 's'} "


_UPPER_END = rf"({any_of(CURRENCIES)})(\d{{1,9}}(?:[.,]\d{{1,3}})?[kKmMbB]?)\s?[-—]\s?(?=\d)"

speak = chain(
    sub(rf"({any_of(CURRENCIES)})-(?=\d)", r"-\1"),
    sub(_UPPER_END, r"\1\2-\1"),
    sub(rf"(?<=\d)([kKmMbB]?)\s?[-—]\s?(?={any_of(CURRENCIES)})", r"\1 to "),
    sub(rf"(?<![\w.,$])(?P<minus>-)?{_SIGN}\s?{_AMOUNT}{_MAGNITUDE}", _sum),
    sub(
        rf"(?<![\w.,$])(?P<minus>-)?{_AMOUNT}\s?{_MAGNITUDE}\s?"
        rf"(?P<sign>{any_of(CURRENCIES)})(?![\w$])",
        _sum,
    ),
    sub(r"(?<![\w.,])(\d{1,9})\s?¢", _cents),
)
