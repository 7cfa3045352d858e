"""Text as a language model writes it → English as it is spoken, for CSM to read.

After csm.md §5: CSM hangs on brackets and trips over "10:30", abbreviations and ".NET".
"""

from csm_engine.text import (
    abbreviations,
    acronyms,
    characters,
    dates,
    markdown,
    money,
    pauses,
    phone,
    quantities,
    symbols,
    times,
    units,
    web,
)
from csm_engine.text.options import Options
from csm_engine.text.rule import Rule, chain

_DEFAULT = Options()
_MOST_PASSES = 6

_ONCE: Rule = chain(
    characters.clean,
    phone.keys,
    markdown.strip,
    abbreviations.overridden,
    web.speak,
    abbreviations.readings,
    abbreviations.expand,
    phone.ids,
    dates.speak,
    phone.numbers,
    money.speak,
    times.speak,
    units.speak,
    quantities.speak,
    symbols.speak,
    acronyms.speak,
    pauses.speak,
)
"""The more particular first: a date is not a sum, a telephone number not a range."""


def normalise(text: str, options: Options = _DEFAULT) -> str:
    """Letters, apostrophes, hyphens inside words and `, . ! ?`; ends in a mark; "" if nothing is
    left to say. Never raises, and leaves its own output as it is.

    At most 24 characters for each one of the input.
    """
    for _ in range(_MOST_PASSES):
        said = _ONCE(text, options)
        if said == text:
            break
        text = said  # what was dropped may have left words side by side that are read together
    return text
