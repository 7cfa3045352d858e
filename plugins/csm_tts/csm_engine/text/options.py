"""What a deployment may choose about how its text is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class DateOrder(StrEnum):
    """Which part of 4/5/2026 comes first."""

    MONTH_FIRST = "mdy"
    DAY_FIRST = "dmy"


@dataclass(frozen=True)
class Options:
    """`words` says how a word or name is read, before any rule: {"SQL": "sequel"}; one that stands
    for itself, {"IKEA": "IKEA"}, is not spelled. Case matters.

    Raises ValueError for an empty key, and for a reading that holds another key or its own:
    it would be replaced again.
    """

    date_order: DateOrder = DateOrder.MONTH_FIRST
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        changed = [word for word, reading in self.words.items() if word != reading]
        for word, reading in self.words.items():
            if not word.strip():
                raise ValueError("words: an empty key; name the word that is read differently")
            held = next((key for key in changed if re.search(alone(key), reading)), None)
            if held is not None:
                raise ValueError(
                    f"words: {reading!r}, for {word!r}, holds {held!r}; write it apart"
                )


def alone(*words: str) -> str:
    """A pattern of literal words, longest first, none of them part of a longer word."""
    literal = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return rf"(?<![\w/])(?:{literal})(?![\w/])"
