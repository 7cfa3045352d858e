"""Where a sentence that is still being written may be begun. Pure."""

import re

_LEAST_WORDS = 4
"""A shorter beginning sounds like a sentence of its own."""

_CLOSING = r"[\"'\u201d\u2019)\]]*"
_END = re.compile(
    rf"(?<=[^\s.\d])[,;:]{_CLOSING}(?=\s+\S)"  # not after "e.g."
    rf"|(?<=\d)[,;:]{_CLOSING}(?=\s+[^\s\d])"  # "at nine or 10, as", but not "March 5, 2026"
    r"|(?<=[^\W\d])\s+[-\u2013\u2014](?=\s+[^\s\d])"
    r"|(?<=[^\W\d])\u2014(?=[^\W\d])"
)
"""A mark that is followed by more of the sentence: a number or a time has no space in it."""
_OVER = re.compile(rf"[.!?\u2026]{_CLOSING}\s*$")


def clause_end(text: str) -> int | None:
    """Where the first clause of a sentence ends that is long enough to be spoken by itself.

    None while there is none: a mark counts only once what comes after it has begun. None too when
    the sentence seems to be over: then it is sent whole as soon as that is certain.
    """
    if _OVER.search(text):
        return None
    for match in _END.finditer(text):
        if sum(map(_is_word, text[: match.start()].split())) >= _LEAST_WORDS:
            return match.end()
    return None


def _is_word(token: str) -> bool:
    return any(character.isalnum() for character in token)
