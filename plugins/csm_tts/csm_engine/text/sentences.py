"""Parts of a length that CSM speaks well."""

import re

_LEAST_LONGEST = 2
_CLAUSE_END = re.compile(r"[.!?,](?=\s)")
_SENTENCE_END = re.compile(r"[.!?](?=\s)")
_SPACE = re.compile(r"\s")


def split(text: str, longest: int = 250) -> list[str]:
    """Parts of nearly even length, none over `longest` characters, cut at the end of a sentence,
    else of a clause, else between words (then a comma is put there), else anywhere.

    Raises ValueError when `longest` leaves no room for a character and its comma.
    """
    if longest < _LEAST_LONGEST:
        raise ValueError(f"longest={longest}: give at least {_LEAST_LONGEST} characters")
    parts: list[str] = []
    rest = text.strip()
    while len(rest) > longest:
        part, rest = _cut(rest, longest)
        parts.append(part)
    return [*parts, rest] if rest else parts


def _cut(text: str, longest: int) -> tuple[str, str]:
    aim = len(text) // -(-len(text) // longest)
    window = text[: longest + 1]
    for pattern in (_SENTENCE_END, _CLAUSE_END):
        if ends := [m.end() for m in pattern.finditer(window) if aim // 2 < m.end() <= longest]:
            end = min(ends, key=lambda end: abs(end - aim))
            return text[:end], text[end:].lstrip()
    spaces = [match.start() for match in _SPACE.finditer(window) if 0 < match.start() < longest]
    end = min(spaces, key=lambda end: abs(end - aim)) if spaces else longest - 1
    part = text[:end].rstrip()
    return (part if part[-1] in ",.!?" else part + ","), text[end:].lstrip()
