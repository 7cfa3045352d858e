"""Takes numbers of telephones and cards out of what leaves the ledger. Pure."""

import re
from collections.abc import Mapping
from typing import Any

SHOWN = 2
"""Digits of a masked number that tell one caller from another."""

FEWEST = 7
"""Digits of the shortest telephone number; a shorter run (a price, a year, a time) is left."""

CARD_LENGTHS = range(13, 20)
USUAL_LENGTHS = (16, 15)
"""Of cards whose date and code are said in the same breath."""
NUMBER = "[number]"
CARD = "[card]"

_RUN = re.compile(rf"\+?\(?\d(?:[\W_]{{0,3}}\d){{{FEWEST - 1},}}")
"""Digits, with what people and transcripts put between them: no letter."""


def masked(number: str | None) -> str | None:
    """`+15550142424` as `…24`."""
    return None if number is None else f"…{number[-SHOWN:]}"


def redacted(text: str) -> str:
    """Every run of seven digits or more is gone; one with a card's check digit is called a card."""
    return _RUN.sub(_word_for, text)


def redacted_deep(value: Any) -> Any:
    """The same in whatever JSON holds; a number that long is a telephone's, too."""
    match value:
        case str():
            return redacted(value)
        case bool():
            return value
        case int():
            return value if redacted(str(value)) == str(value) else NUMBER
        case Mapping():
            return {redacted(str(key)): redacted_deep(each) for key, each in value.items()}
        case list():
            return [redacted_deep(each) for each in value]
    return value


def is_card(digits: str) -> bool:
    """By length and Luhn's check digit (ISO/IEC 7812-1)."""
    if len(digits) not in CARD_LENGTHS:
        return False
    single = sum(int(digit) for digit in digits[-1::-2])
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (single + doubled) % 10 == 0


def _word_for(run: re.Match[str]) -> str:
    digits = "".join(char for char in run[0] if char.isdecimal())
    cards = (digits, *(digits[:length] for length in USUAL_LENGTHS))
    return CARD if any(map(is_card, cards)) else NUMBER
