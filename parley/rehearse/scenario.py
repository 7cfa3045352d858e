"""What a scenario file holds: a caller's goal and turns, and what must come of them."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from agent.persona.policies import Endpoint
from agent.yaml_file import BadFileError, Document
from parley.rehearse.check import Check
from parley.scripted.script import Script

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+(/[a-z0-9_-]+)*\.[a-z]+$")]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Part = Literal["ears", "mind", "voice"]
Outcome = Literal["answered", "busy", "no_answer", "rejected", "refused", "unreachable"]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True
    )


class Lines(Script):
    """What the model says in this scenario, in the form of `personas/scripts`. In the arguments of
    a call, `{tomorrow}` is that date."""

    greeting: Text = "Hello."
    silence: Text = "Are you still there?"
    unknown: Text = "I am sorry, I cannot help with that."


class Turn(_Part):
    """One deed of the caller's, when the agent has finished or, where said, while it speaks."""

    say: Text | None = None
    """Words; the caller then waits for a reply."""
    interrupt: Text | None = None
    """The same over the agent's words: needs `after` or `at_word`."""
    backchannel: Text | None = None
    """Words that ask for no reply ("uh-huh"): needs `after` or `at_word`."""
    noise: Annotated[float, Field(gt=0, le=60)] | None = None
    """Seconds of a sound without words: a cough, a door."""
    echo: Annotated[int, Field(ge=1, le=40)] | None = None
    """The agent's next words, so many, come back from the line: needs `after` or `at_word`."""
    silence: Seconds | None = None
    """Seconds in which the caller says nothing."""
    dtmf: Annotated[str, StringConstraints(pattern=r"^[0-9*#A-D]{1,64}$")] | None = None
    """Keys, five a second."""
    announce: Text | None = None
    """Words of a machine that was called: it waits for nobody."""
    beep: Annotated[float, Field(gt=0, le=10)] | None = None
    """Seconds of its tone."""
    after: Annotated[float, Field(ge=0, le=600)] | None = None
    """Seconds of the agent's present speech to hear first."""
    at_word: Text | None = None
    """A word of the agent's present speech to hear first."""
    trails_off: bool = False
    """The words do not sound like the end of a turn."""

    @property
    def deed(self) -> str:
        return next(name for name in DEEDS if getattr(self, name) is not None)

    @property
    def words(self) -> str | None:
        return self.say or self.interrupt or self.backchannel or self.announce

    @property
    def over_agent(self) -> bool:
        return self.after is not None or self.at_word is not None

    @model_validator(mode="after")
    def _one_deed(self) -> Self:
        if sum(getattr(self, name) is not None for name in DEEDS) != 1:
            raise ValueError(f"give exactly one of {', '.join(DEEDS)}")
        if self.after is not None and self.at_word is not None:
            raise ValueError("give one of after and at_word")
        if self.deed in {"interrupt", "backchannel", "echo"} and not self.over_agent:
            raise ValueError(f"{self.deed} is for while the agent speaks: give after or at_word")
        if self.deed in {"say", "silence", *MACHINES} and self.over_agent:
            raise ValueError(f"{self.deed} has its own time: to speak over the agent, interrupt")
        return self


MACHINES = ("announce", "beep")
DEEDS = ("say", "interrupt", "backchannel", "noise", "echo", "silence", "dtmf", *MACHINES)


class NoiseBed(_Part):
    """Sound without words all through the call."""

    every: Seconds
    seconds: Annotated[float, Field(gt=0, le=60)]


class Away(_Part):
    """A part that cannot be reached for a while."""

    part: Part
    after: Annotated[float, Field(ge=0, le=3600)]
    """Seconds since the call began."""
    seconds: Seconds


class Scenario(_Part):
    name: Name
    """The file's name without its ending."""
    goal: Text
    """What the caller wants, in a sentence."""
    direction: Literal["inbound", "outbound"] = "inbound"
    """Outbound: it is the agent who calls, and the caller of this scenario who answers."""
    persona: Name = "receptionist"
    with_: dict[str, Any] = Field(default={}, alias="with")
    """Keys of the persona that are otherwise in this scenario; mappings are merged."""
    files: dict[FileName, str] = {}
    """Texts beside the persona's file, by name: documents for it to search, say."""
    needs: Text | None = None
    """What Parley lacks yet for this scenario: it is skipped."""
    plays: Name | None = None
    """A script of `personas/scripts` that stands in for the model. This, `script` or `model`."""
    script: Lines | None = None
    """Or the answers themselves."""
    model: Endpoint | None = None
    """Or a real model."""
    vars: dict[str, str] = {}
    """The call's variables."""
    transfer: Outcome = "answered"
    """What comes of a transfer."""
    ringing: Annotated[float, Field(ge=0, le=80)] = 1.0
    """Seconds until it does."""
    noise_bed: NoiseBed | None = None
    away: tuple[Away, ...] = ()
    turns: Annotated[tuple[Turn, ...], Field(min_length=1)]
    checks: Annotated[tuple[Check, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if sum(mind is not None for mind in (self.plays, self.script, self.model)) != 1:
            raise ValueError("give exactly one of plays, script and model")
        if self.direction == "inbound" and any(turn.deed in MACHINES for turn in self.turns):
            raise ValueError(f"{' and '.join(MACHINES)} are for machines: say direction: outbound")
        for check in self.checks:
            if check.reply is not None and check.reply > len(self.turns):
                raise ValueError(f"checks: there is no turn {check.reply} to reply to")
        return self


def load(path: Path) -> Scenario:
    """Raises `BadFileError`, which says file, line and key."""
    document = Document.read(path)
    scenario = document.validated(Scenario)
    if scenario.name != path.stem:
        raise document.error(("name",), f"must be {path.stem!r}, as the file is called")
    return scenario


def load_all(paths: list[Path]) -> list[Scenario]:
    """Of files, and of the files in folders. Raises `BadFileError`."""
    found = [
        file
        for path in paths
        for file in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])
    ]
    if not found:
        raise BadFileError(f"{', '.join(map(str, paths))}: no scenario (NAME.yaml)")
    return [load(file) for file in found]
