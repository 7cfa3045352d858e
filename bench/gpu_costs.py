"""What models take on a GPU, as a file says it, put upon the rehearsal models: the whole turn at its costs.

Each figure names where it was measured, when, and where that is written; `measured_on: null` says that
nobody measured it. A rehearsal model answers no sooner than the figure; it may be later by itself.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from agent.yaml_file import read_yaml

WORD = 1.3
"""Tokens of an English word, of Gemma's tokenizer: assumed. The scripted model counts words."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(_Part):
    """`measured_on`: the GPU, and what else of the machine matters; None for an estimate."""

    seconds: float = Field(ge=0, le=10)
    measured_on: str | None = Field(min_length=1)
    date: date
    source: str = Field(min_length=1)

    @property
    def origin(self) -> str:
        return "estimated" if self.measured_on is None else f"measured on {self.measured_on}"


class Hearing(_Part):
    """From a decode that is asked for to its text."""

    interim: Figure
    final: Figure


class Thinking(_Part):
    """From a request to its first token, and from each to the next."""

    first_token: Figure
    token: Figure


class Speaking(_Part):
    """From a sentence to its first sound, and from each 80 ms of it to the next."""

    first_sound: Figure
    frame: Figure


class Costs(_Part):
    about: str = Field(min_length=1)
    hearing: Hearing
    thinking: Thinking
    speaking: Speaking

    def settings(self) -> Mapping[str, str]:
        """Of the rehearsal models."""
        thinking, speaking = self.thinking, self.speaking
        seconds = {
            "WHISPER_REHEARSAL__INTERIM": self.hearing.interim.seconds,
            "WHISPER_REHEARSAL__FINAL": self.hearing.final.seconds,
            "SCRIPTED_FIRST": thinking.first_token.seconds,
            "SCRIPTED_PACE": WORD * thinking.token.seconds,
            "CSM_REHEARSAL__FIRST": speaking.first_sound.seconds,
            "CSM_REHEARSAL__FRAME": speaking.frame.seconds,
        }
        return {name: f"{value:.6g}" for name, value in seconds.items()}

    def page(self) -> Iterator[str]:
        yield f"Models take what the costs file says: {self.about}"
        yield ""
        yield "| what | ms | known how | of | where |"
        yield "|---|---|---|---|---|"
        for what, figure in self._figures():
            milliseconds = f"{1000 * figure.seconds:.1f}"
            cells = (what, milliseconds, figure.origin, figure.date.isoformat(), figure.source)
            yield f"| {' | '.join(cells)} |"
        yield ""
        yield f"A word is taken for {WORD} tokens (assumed). A rehearsal model may be slower than its figure."

    def _figures(self) -> Iterator[tuple[str, Figure]]:
        yield "hear: an interim", self.hearing.interim
        yield "hear: a final's text", self.hearing.final
        yield "think: request → first token", self.thinking.first_token
        yield "think: token → token", self.thinking.token
        yield "speak: sentence → first sound", self.speaking.first_sound
        yield "speak: 80 ms → the next", self.speaking.frame


def read_costs(path: Path) -> Costs:
    """JSON (or YAML). Raises `BadFileError`: what is missing or unknown, with its line."""
    return read_yaml(path, Costs)
