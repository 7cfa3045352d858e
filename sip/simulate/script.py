"""Calls written down: who says what, what must come back and how soon (`tests/e2e/calls/*.yaml`)."""

from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

VOICE = "rms"
"""flite's clearest voice: PocketSphinx understands it over G.711."""


class ScriptError(Exception):
    """A call script that cannot be played; the message names the file and the field."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TurnScript(_Strict):
    """One thing that the caller says."""

    say: str | None = Field(None, min_length=1, description="Text that flite speaks.")
    play: Path | None = Field(None, description="Sound file, relative to the script.")
    voice: str = Field(VOICE, description="flite's voice for `say`.")
    barge_in: float | None = Field(
        None, gt=0, description="Speak this many seconds after the agent started, over it."
    )
    contains: tuple[str, ...] = Field(
        (), description="Words that the reply must have, in any case."
    )
    within: float | None = Field(None, gt=0, description="Seconds to the reply's first sound.")

    @model_validator(mode="after")
    def _one_sound(self) -> Self:
        if (self.say is None) == (self.play is None):
            raise ValueError("a turn has either `say` or `play`")
        return self


class CallScript(_Strict):
    """A call: the caller waits for the greeting and then takes its turns."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_]*$")
    persona: str = "receptionist"
    turns: tuple[TurnScript, ...] = Field(min_length=1)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises ScriptError."""
        try:
            script = cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise ScriptError(f"cannot read the call script {path}: {error}") from error
        except yaml.YAMLError as error:
            raise ScriptError(f"{path} is not YAML: {error}") from error
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in problem["loc"]) or "the whole"
            raise ScriptError(f"{path}, {where}: {problem['msg']}") from None
        turns = tuple(
            turn.model_copy(update={"play": turn.play and path.parent / turn.play})
            for turn in script.turns
        )
        return script.model_copy(update={"turns": turns})
