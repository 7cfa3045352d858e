"""E-mail addresses, URLs, host and file names → as they are dictated."""

import re

from csm_engine.text.numbers import digits
from csm_engine.text.rule import any_of, chain, sub

_DOMAINS = """
com org net edu gov mil info biz app dev io ai co uk us ca de fr eu au nz ie in jp ch nl es it
tech online shop store health cloud me tv xyz
"""
TOP_LEVEL_DOMAINS = frozenset(_DOMAINS.split())

_TLD = any_of(TOP_LEVEL_DOMAINS)
_SPOKEN_TLDS = frozenset({"co", "in", "it", "me", "com", "org", "net", "gov", "info", "biz", "app"})
_HOST = rf"(?:[A-Za-z0-9-]{{1,63}}\.){{1,5}}(?:{_TLD})(?![A-Za-z0-9-]|\.[A-Za-z0-9])"
_PATH = r"(?:/[A-Za-z0-9_~.%+-]{0,99}){0,9}"
_QUERY = r"(?:[?#][A-Za-z0-9_~.%+&=/-]{0,300})?"
_LONGEST_SPELLED = 3
_SIGNS = {
    ".": "dot",
    "@": "at",
    "-": "dash",
    "_": "underscore",
    "/": "slash",
    "+": "plus",
    "~": "tilde",
    "%": "percent",
    "&": "and",
    "=": "equals",
    ":": "colon",
    "'": "apostrophe",
}
_PARTS = re.compile(r"[A-Za-z]+|\d+|[^A-Za-z\d]")


def _dictated(written: str) -> str:
    return " ".join(map(_part, _PARTS.findall(written)))


def _part(part: str) -> str:
    if part.isdigit():
        return digits(part)
    if part.isalpha():
        return _name(part)
    return _SIGNS.get(part, "")


def _name(name: str) -> str:
    """A word is said; a few letters without a vowel are spelled, and so is a country's code."""
    short = len(name) <= _LONGEST_SPELLED
    country = name in TOP_LEVEL_DOMAINS and name not in _SPOKEN_TLDS
    if short and (country or not re.search(r"[aeiouyAEIOUY]", name)):
        return " ".join(name.upper())
    return name


def _url(match: re.Match[str]) -> str:
    address = match["host"] + match["path"]
    kept = address.rstrip("./-")
    end = "." if address.endswith(".") and not match["query"] else ""
    return f" {_dictated(kept)}{end} "


def _file(match: re.Match[str]) -> str:
    return " dot ".join([match[1], *map(_name, match[2].split(".")[1:])])


speak = chain(
    sub(
        r"(?<![\w.+-])(?:mailto:)?([A-Za-z0-9._%+'-]{1,64}@"
        r"(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24})",
        lambda match: f" {_dictated(match[1])} ",
    ),
    sub(
        rf"(?i)(?<![\w.@-])(?:https?://)?(?:www\.)?(?P<host>{_HOST})(?::\d{{1,5}})?"
        rf"(?P<path>{_PATH})(?P<query>{_QUERY})",
        _url,
    ),
    sub(
        r"(?i)(?<!\w)https?://(?:www\.)?(?P<host>[A-Za-z0-9.-]{1,200})"
        rf"(?::\d{{1,5}})?(?P<path>{_PATH})(?P<query>{_QUERY})",
        _url,
    ),
    sub(r"(?<![\w.])\.([A-Z]{2,5})\b", lambda match: f" dot {match[1].lower()} "),
    sub(
        r"\b([A-Za-z][A-Za-z0-9_-]{1,60})((?:\.(?:[a-z]{2,5}|mp[34]|7z)){1,3})\b(?!\.[A-Za-z])",
        _file,
    ),
)
