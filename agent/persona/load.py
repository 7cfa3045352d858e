"""Persona files: read, checked, refused with file, line and key.

They are read for every call, so that a change is heard in the next one.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from agent.persona import checks
from agent.persona.model import Persona
from agent.yaml_file import BadFileError, Document


class PersonaError(ValueError):
    """There is no such persona, or it cannot be used; the message is one sentence."""


def load_persona(folder: Path, name: str, environment: Mapping[str, str] = os.environ) -> Persona:
    """Read `folder/NAME.yaml`, and see that all it names is there; secrets are in `environment`.

    Raises `PersonaError`, which says file, line and key.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise PersonaError(
            f"{path}: no such persona; there are: {', '.join(names(folder)) or 'none'}"
        )
    try:
        document = Document.read(path)
        checks.refuse_secrets(document)
        persona = document.validated(Persona)
        if persona.name != name:
            raise document.error(("name",), f"must be {name!r}, as the file is called")
        persona = checks.with_instructions(document, persona)
        checks.check(document, persona, environment)
    except BadFileError as error:
        raise PersonaError(str(error)) from error
    return persona


def names(folder: Path) -> list[str]:
    """Of the personas that there are."""
    return sorted(file.stem for file in folder.glob("*.yaml"))
