"""Whether CSM can read a text at all. It speaks English only (its README)."""

import unicodedata

from csm_engine.text.normaliser import normalise
from csm_engine.text.options import Options

_DEFAULT = Options()
_SHOWN = 5


class UnreadableError(ValueError):
    """The text cannot be spoken; the message says what to send instead."""


def readable(text: str, options: Options = _DEFAULT) -> str:
    """`normalise(text)`, or UnreadableError: nothing to say, or letters of another script."""
    said = normalise(text, options)
    if not any(character.isalpha() for character in said):
        raise UnreadableError("the text has no word to say; send letters or digits")
    foreign = sorted({character for character in said if not _latin(character)})
    if foreign:
        shown = " ".join(foreign[:_SHOWN])
        raise UnreadableError(f"CSM reads English only, not {shown}; send it in Latin letters")
    return said


def _latin(character: str) -> bool:
    if not character.isalpha():
        return True
    return character.isascii() or unicodedata.name(character, "").startswith("LATIN")
