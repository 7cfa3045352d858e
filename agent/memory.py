"""What the agent had not said when it was cut off, and what of the talk a model gets. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

LONGEST_REST = 400
"""Characters of the unsaid that the model is told; what comes after was far from being said."""

LAST_WORDS = 5
"""Words that say where it was cut off."""

PROBE = 24
"""Letters by which the end of what was heard is found, where its beginning differs."""

START = ""
"""Stands for the id of the item before the first."""


class Memory:
    """Of the speeches of one call, one at a time.

    `notes` holds, by the id of the history's item it happened at, what to tell the model before
    the caller's next words; `unspoken`, so too, what of it was cut off.
    """

    def __init__(self) -> None:
        self._notes: dict[str, str] = {}
        self._unspoken: dict[str, str] = {}
        self._speech = ""
        self._text = ""

    @property
    def notes(self) -> Mapping[str, str]:
        return MappingProxyType(self._notes)

    @property
    def unspoken(self) -> Mapping[str, str]:
        return MappingProxyType(self._unspoken)

    def written(self, speech: str, text: str) -> None:
        """More of what `speech` is going to say."""
        if speech != self._speech:
            self._speech, self._text = speech, ""
        self._text += text

    def heard(self, item: str, text: str, *, cut: bool) -> None:
        """`text` came into the history as `item`; `cut`: it is not all that was to be said."""
        if cut:
            self._unspoken[item] = unsaid(self._text, text)
            self._notes[item] = note(text, self._unspoken[item])
        self._text = ""

    def unheard(self, speech: str, last_item: str) -> None:
        """`speech` was cut off. If nothing came into the history, `last_item` is the newest there."""
        if speech == self._speech and self._text.strip():
            self._notes[last_item] = note("", self._text)
            self._text = ""


def unsaid(written: str, heard: str) -> str:
    """What of `written` comes after `heard`; empty where it cannot be told.

    Letters and digits alone are compared: spaces, markup and punctuation change on their way.
    """
    letters = [place for place, char in enumerate(written) if char.isalnum()]
    said = _end_of(_bare(heard), _bare(written))
    if said is None or said >= len(letters):
        return ""
    start = letters[said]
    while said and start and written[start - 1].isalnum():  # a word half said is not said
        start -= 1
    return written[start:].strip()


def _bare(text: str) -> str:
    """Letters and digits, one for one: some letters have two small ones."""
    return "".join(char.lower()[0] for char in text if char.isalnum())


def _end_of(told: str, wanted: str) -> int | None:
    if wanted.startswith(told):
        return len(told)
    probe = told[-PROBE:]
    found = wanted.rfind(probe)
    return None if found < 0 else found + len(probe)


def note(heard: str, rest: str) -> str:
    """The one line that tells a model of its interruption."""
    words = heard.split()[-LAST_WORDS:]
    where = f'after "{" ".join(words)}"' if words else "before a word was heard"
    missing = f' You had not said yet: "{_short(rest)}"' if rest.strip() else ""
    return f"[interrupted] You were cut off {where}.{missing}"


def _short(text: str) -> str:
    text = " ".join(text.split()).replace('"', "'")
    if len(text) <= LONGEST_REST:
        return text
    return text[:LONGEST_REST].rpartition(" ")[0] + " …"
