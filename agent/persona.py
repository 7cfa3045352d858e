"""Who answers: a persona is one YAML file and no code."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from agent.yaml_file import BadFileError, read_yaml

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Persona(BaseModel):
    """What `personas/NAME.yaml` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    """The file's name without its ending."""
    instructions: Text
    """The system message: who the agent is, and how one speaks on a telephone."""
    greeting: Text
    """Said when the call is up."""
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")] = "en"
    """What is spoken, as a BCP 47 tag."""
    voice: Text = "default"
    """A voice of the speaking engine."""
    model: Text | None = None
    """A language model other than the worker's."""
    apology: Text = "Sorry, give me a moment."
    """What the clip says that is played while a part is away: `agent/audio/apology.wav`."""
    goodbye: Text = "I'm sorry, I can't go on with this call. Goodbye."
    """What the clip says that ends a call which cannot go on: `agent/audio/goodbye.wav`."""


def load_persona(folder: Path, name: str) -> Persona:
    """Read `folder/NAME.yaml`. Raises `BadFileError`, which says file, line and key."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml"))) or "none"
        raise BadFileError(f"{path}: no such persona; there are: {known}")
    persona = read_yaml(path, Persona)
    if persona.name != name:
        raise BadFileError(f"{path}: name: must be {name!r}, as the file is called")
    return persona
