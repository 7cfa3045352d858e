"""Capitals → letter by letter, unless they are said as a word or only stressed."""

import re

from csm_engine.text.lexicon import SAID, SPELLED
from csm_engine.text.options import Options

_CAPITALS = re.compile(r"(?<![^\W_])(?<!')([A-Z]{2,6})(s?)(?![^\W_])")
_LETTERS = re.compile(r"[^\W\d_]")
_VOWEL = re.compile(r"[AEIOUY]")
_SHORT = 3
_SHOUTED_WORDS = 3


def speak(text: str, options: Options) -> str:
    """ "FAQ" → "F A Q", "IDs" → "I Ds"; a text of nothing but capitals is not spelled."""
    if _shouted(text):
        return text
    return _CAPITALS.sub(lambda match: _read(match, options), text)


def _read(match: re.Match[str], options: Options) -> str:
    capitals = match[1]
    if options.words.get(match[0]) == match[0] or not _is_spelled(capitals):
        return match[0]
    return " ".join(capitals) + match[2]


def _is_spelled(capitals: str) -> bool:
    if capitals in SAID:
        return False
    return len(capitals) <= _SHORT or capitals in SPELLED or not _VOWEL.search(capitals)


def _shouted(text: str) -> bool:
    return (
        text == text.upper() and len(text.split()) >= _SHOUTED_WORDS and bool(_LETTERS.search(text))
    )
