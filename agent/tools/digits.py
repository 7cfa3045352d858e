"""Digits that a caller presses or speaks, until there are enough of them. Pure: `now` in seconds."""

import re
from dataclasses import dataclass, field
from typing import Literal

from agent.lexicon.numerals import spoken
from agent.tools.kinds import CollectDigits

State = Literal["open", "complete", "too_few", "no_input"]


@dataclass
class Collection:
    """One input. The time for its first digit runs from `opened`; digits may come before that."""

    rules: CollectDigits
    digits: str = ""
    state: State = "open"
    _deadline: float | None = field(default=None, init=False)

    def opened(self, now: float) -> None:
        """The caller has been asked."""
        wait = self.rules.between_digits_seconds if self.digits else self.rules.first_digit_seconds
        self._deadline = now + wait

    def press(self, key: str, now: float) -> None:
        if self.state != "open" or self.rules.by == "voice":
            return
        if key == self.rules.terminator:
            self._close()
        elif key in "0123456789":
            self._take(key, now)

    def speak(self, text: str, language: str, now: float) -> bool:
        """What was heard. Whether it is to go no further: as an answer, or as a secret."""
        if self.rules.by == "keypad":
            return False
        heard = spoken(text, language)
        if not heard.digits:
            return False
        if not heard.is_answer:
            return self.rules.masked
        if self.state == "open":
            self._take(heard.digits, now)
        return True

    def wait(self, now: float) -> float | None:
        """Seconds until time has run out, None while it does not run; closes when it has."""
        if self.state != "open" or self._deadline is None:
            return None
        if now >= self._deadline:
            self._close()
            return None
        return self._deadline - now

    def result(self) -> dict[str, object]:
        """What the model may know of a complete one."""
        if not self.rules.masked:
            return {"status": "collected", "digits": self.digits}
        told: dict[str, object] = {"status": "collected", "count": len(self.digits)}
        if self.rules.show_last:
            told["last_digits"] = self.digits[-self.rules.show_last :]
        return told

    def _take(self, digits: str, now: float) -> None:
        self.digits = (self.digits + digits)[: self.rules.max_digits]
        if self._deadline is not None:
            self._deadline = now + self.rules.between_digits_seconds
        if len(self.digits) == self.rules.max_digits:
            self._close()

    def _close(self) -> None:
        if not self.digits:
            self.state = "no_input"
        else:
            enough = len(self.digits) >= self.rules.min_digits
            self.state = "complete" if enough else "too_few"


def keys_in(text: str) -> list[str]:
    """Keys to press in turn, `w` for half a second's pause; other signs are left out."""
    return re.findall(r"[0-9*#A-Dw]", text)
