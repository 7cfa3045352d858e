"""What happened in a rehearsed call. Pure; times are seconds since the call began."""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from parley.scripted.matching import words_of


@dataclass(frozen=True)
class Spell:
    """A stretch of the agent's sound, as the caller heard it."""

    start: float
    end: float


@dataclass(frozen=True)
class Heard:
    """A word of the agent's, or a few, that the caller heard."""

    at: float
    text: str


@dataclass(frozen=True)
class Taken:
    """A turn of the caller's. `stopped` is when the caller's sound ended, `asks` whether it wants
    a reply: the window of the reply before it ends there."""

    number: int
    said: str
    start: float
    stopped: float
    asks: bool


@dataclass(frozen=True)
class ToolUse:
    name: str
    arguments: dict[str, Any]

    @classmethod
    def of(cls, name: str, arguments: str) -> Self:
        """`arguments` as the model wrote them; what is no JSON object counts as none."""
        try:
            known = json.loads(arguments or "{}")
        except ValueError:
            known = {}
        return cls(name, known if isinstance(known, dict) else {})


@dataclass
class Record:
    """All that checks are made of."""

    sound: list[Spell] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    tools: list[ToolUse] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    """What the model was sent, a request each."""
    history: list[str] = field(default_factory=list)
    """The agent's messages, as they stand in the history at the end."""
    pressed: str = ""
    transferred_to: str | None = None
    interruptions: int = 0
    outcome: str | None = None
    """Of a call that the agent placed: `answered` or `machine`."""
    ended: str = ""
    error: str | None = None
    """Why there was no call that ended by itself."""
    seconds: float = 0.0

    def agent_words(self, since: float = 0.0, until: float = float("inf")) -> str:
        return " ".join(each.text for each in self.heard if since <= each.at < until)

    def window(self, reply: int | None) -> tuple[float, float]:
        """From turn `reply` on until the next that asks; without a number the whole call.

        Raises LookupError when that turn was not taken.
        """
        if reply is None:
            return 0.0, float("inf")
        turn = self.turn(reply)
        later = [each.start for each in self.taken if each.number > reply and each.asks]
        return turn.start, min(later, default=float("inf"))

    def turn(self, number: int) -> Taken:
        """Raises LookupError."""
        for turn in self.taken:
            if turn.number == number:
                return turn
        raise LookupError(f"turn {number} was not taken: the call was over")

    def silences(self, since: float = 0.0, until: float = float("inf")) -> list[float]:
        """Seconds in which the caller heard and said nothing, one stretch after another."""
        until = min(until, self.seconds)
        caller = [Spell(turn.start, turn.stopped) for turn in self.taken if turn.said]
        sounds = sorted([*self.sound, *caller], key=lambda spell: spell.start)
        gaps, quiet_since = [], since
        for spell in [*sounds, Spell(until, until)]:
            gaps.append(max(0.0, min(spell.start, until) - quiet_since))
            quiet_since = max(quiet_since, spell.end)
        return gaps

    def transcript(self) -> list[str]:
        """For people: `agent: ...` and `caller: ...` in order."""
        spoken: list[tuple[float, str, str]] = [
            (each.start, "caller", each.said) for each in self.taken if each.said
        ]
        spoken += [(each.at, "agent", each.text) for each in self.heard]
        lines: list[str] = []
        last = ""
        for _, who, text in sorted(spoken, key=lambda line: line[0]):
            if who == last == "agent":
                lines[-1] += f" {text}"
            else:
                lines.append(f"{who}: {text}")
            last = who
        return lines


def in_order(wanted: str, heard: str) -> bool:
    """Whether all words were heard, one after another, nothing lost and nothing between."""
    words, said = words_of(wanted), words_of(heard)
    return any(said[at : at + len(words)] == words for at in range(len(said) - len(words) + 1))
