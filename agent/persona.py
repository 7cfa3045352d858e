"""Who answers: a persona is one YAML file and no code."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from agent.yaml_file import BadFileError, read_yaml

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class PersonaError(ValueError):
    """There is no such persona, or its file is wrong; the message is one sentence."""


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


def load_persona(folder: Path, name: str) -> Persona:
    """Read `folder/NAME.yaml`. Raises `PersonaError`, which says file, line and key."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml"))) or "none"
        raise PersonaError(f"{path}: no such persona; there are: {known}")
    try:
        persona = read_yaml(path, Persona)
    except BadFileError as error:
        raise PersonaError(str(error)) from error
    if persona.name != name:
        raise PersonaError(f"{path}: name: must be {name!r}, as the file is called")
    return persona
