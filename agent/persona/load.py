"""Persona files: read, checked, refused with file, line and key."""

from pathlib import Path

from agent.persona.model import Persona
from agent.yaml_file import BadFileError, read_yaml


class PersonaError(ValueError):
    """There is no such persona, or its file is wrong; the message is one sentence."""


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
