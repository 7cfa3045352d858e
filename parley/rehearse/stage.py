"""What a scenario needs to be played: its persona as it changes it, and the script of its model."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agent.doors import NO_KEY
from agent.persona import Persona, PersonaError, load_persona
from agent.tools.declared import SECRET_PREFIX
from agent.yaml_file import BadFileError, Document, read_yaml
from parley.rehearse.scenario import Scenario
from parley.scripted.script import Script


@dataclass(frozen=True)
class Stage:
    """`folder` is a copy of the personas' folder: what an agent writes there, nobody keeps."""

    scenario: Scenario
    persona: Persona
    script: Script | None
    folder: Path
    key: str
    """Of the scenario's model."""


@contextmanager
def staged(scenario: Scenario, personas: Path) -> Iterator[Stage]:
    """Raises `BadFileError` for a persona or a script that is not there or cannot be used."""
    with tempfile.TemporaryDirectory(prefix="parley-rehearse-") as temporary:
        folder = Path(temporary) / "personas"
        shutil.copytree(personas, folder)
        for name, text in scenario.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        try:
            persona = _persona(scenario, folder)
        except (PersonaError, BadFileError) as error:
            about = str(error).replace(str(folder), str(personas))
            if scenario.with_:  # whose lines are in no file
                about = re.sub(r"\.yaml:\d+:", ".yaml, as `with` changes it:", about)
            raise BadFileError(f"scenario {scenario.name}: {about}") from error
        yield Stage(scenario, persona, _script(scenario, personas), folder, _key(scenario))


def _persona(scenario: Scenario, folder: Path) -> Persona:
    if scenario.with_:
        file = folder / f"{scenario.persona}.yaml"
        if file.is_file():
            changed = _merged(Document.read(file).data, scenario.with_)
            file.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
    persona = load_persona(folder, scenario.persona, os.environ)
    if unknown := scenario.vars.keys() - persona.variables.keys():
        raise BadFileError(f"vars: persona {persona.name!r} has no variable {min(unknown)!r}")
    return persona


def _script(scenario: Scenario, personas: Path) -> Script | None:
    if scenario.plays is None:
        return scenario.script
    return read_yaml(personas / "scripts" / f"{scenario.plays}.yaml", Script)


def _merged(data: Any, changes: Any) -> Any:
    if not isinstance(data, Mapping) or not isinstance(changes, Mapping):
        return changes
    return {**data, **{key: _merged(data.get(key), value) for key, value in changes.items()}}


def _key(scenario: Scenario) -> str:
    if scenario.model is None or scenario.model.key is None:
        return NO_KEY
    variable = SECRET_PREFIX + scenario.model.key
    if not (key := os.environ.get(variable)):
        raise BadFileError(
            f"scenario {scenario.name}: model.key: {variable} is not set in the environment"
        )
    return key
