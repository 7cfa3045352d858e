"""What a persona's model cannot see by itself: other files, secrets, tools, variables.

All raise `BadFileError`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agent.clips import SAMPLE_RATE
from agent.music import check_music
from agent.persona import variables
from agent.persona.model import Persona
from agent.tools import declared
from agent.tools.kinds import Transfer
from agent.trailing_clip import load_clip
from agent.yaml_file import BadFileError, Document, Place

FILLED = frozenset(
    {
        ("instructions",),
        ("greeting",),
        ("outbound", "voicemail_message"),
        ("outbound", "screening_message"),
    }
)
"""Where variables may stand."""

NUMBER = re.compile(r"\+[1-9]\d{1,14}")

_SECRET = re.compile(
    r"\b(?:sk|rk|pk|gh[oprsu]|github_pat|glpat|hf|xox[abprs])[-_][\w-]{16,}"
    r"|\b(?:AKIA|AIza)[\w-]{12,}"
    r"|\bBearer\s+\S{8,}"
    r"|\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{32,}\b"
)
"""What the keys of well-known services look like, and any long word of letters and digits."""


def refuse_secrets(document: Document) -> None:
    """A persona is a file that people show each other."""
    for place, text in _texts(document.data, ()):
        if _SECRET.search(text):
            raise document.error(
                place,
                "looks like a secret: put it in the environment as AGENT_SECRET_NAME, "
                "and say NAME here",
            )


def with_instructions(document: Document, persona: Persona) -> Persona:
    """The persona with the text of `instructions_file`, if it has one."""
    if persona.instructions_file is None:
        return persona
    place = ("instructions_file",)
    file = _beside(document, place, persona.instructions_file)
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise document.error(place, f"{file} cannot be read: {error}") from error
    if not text:
        raise document.error(place, f"{file} is empty")
    if _SECRET.search(text):
        raise BadFileError(f"{file}: holds what looks like a secret")
    return persona.model_copy(update={"instructions": text})


def check(document: Document, persona: Persona, environment: Mapping[str, str]) -> None:
    """All that the persona names is there, and fits together."""
    _check_variables(document, persona)
    _check_endpoints(document, persona, environment)
    _check_tools(document, persona, environment)
    if persona.stop_speaking_plan.trailing_clip:
        place = ("stop_speaking_plan", "trailing_clip")
        clip = _beside(document, place, persona.stop_speaking_plan.trailing_clip)
        try:
            load_clip(clip, SAMPLE_RATE)
        except ValueError as error:
            raise document.error(place, str(error)) from error
    if persona.hold_music:
        music = _beside(document, ("hold_music",), persona.hold_music)
        try:
            check_music(music)
        except ValueError as error:
            raise document.error(("hold_music",), str(error)) from error


def _check_variables(document: Document, persona: Persona) -> None:
    for name in persona.variables:
        if name in variables.FACTS:
            raise document.error(("variables", name), "is known of every call: call it otherwise")
    if persona.instructions_file:
        file = document.path.parent / persona.instructions_file
        for line, problem in variables.problems(persona.instructions, persona.variables):
            raise BadFileError(f"{file}:{line + 1}: {problem}")
    for place, text in _texts(document.data, ()):
        if place in FILLED:
            for _, problem in variables.problems(text, persona.variables):
                raise document.error(place, problem)
        elif "{{" in text and place[0] != "tools":
            there = ", ".join(sorted(".".join(map(str, place)) for place in FILLED))
            raise document.error(place, f"variables stand in {there} alone")


def _check_endpoints(document: Document, persona: Persona, environment: Mapping[str, str]) -> None:
    for place, endpoint in persona.endpoints().items():
        variable = f"{declared.SECRET_PREFIX}{endpoint.key}"
        if endpoint.key and not environment.get(variable):
            raise document.error((*place, "key"), f"{variable} is not set in the environment")
        if endpoint.languages and not speaks(endpoint.languages, persona.language):
            raise document.error(
                (*place, "languages"),
                f"{persona.language!r}, the persona's language, is not among them",
            )


def _check_tools(document: Document, persona: Persona, environment: Mapping[str, str]) -> None:
    try:
        declared.check(persona.tools, document.path.parent, environment)
    except declared.BadToolError as error:
        raise document.error(("tools", *error.place), error.problem) from error
    to = persona.failure_plan.transfer_to
    tools = declared.parse(persona.tools)
    known = {name for tool in tools if isinstance(tool, Transfer) for name in tool.transfers}
    if to and to not in known and not NUMBER.fullmatch(to):
        raise document.error(
            ("failure_plan", "transfer_to"),
            f"{to!r} is neither a number, as +15550100, nor a name of the tool `transfer`",
        )


def speaks(languages: tuple[str, ...], language: str) -> bool:
    """Whether a language is among these, of whatever region."""
    return language.partition("-")[0] in {each.partition("-")[0] for each in languages}


def _beside(document: Document, place: Place, name: str) -> Path:
    """A file of the persona's own folder, which it cannot name its way out of."""
    folder = document.path.parent.resolve()
    file = document.path.parent / name
    if not file.resolve().is_relative_to(folder):
        raise document.error(place, "must be in the folder of the persona's file")
    if not file.is_file():
        raise document.error(place, f"no such file: {file}")
    return file


def _texts(data: Any, place: Place) -> Iterator[tuple[Place, str]]:
    match data:
        case str():
            yield place, data
        case list():
            for number, child in enumerate(data):
                yield from _texts(child, (*place, number))
        case dict():
            for key, child in data.items():
                yield from _texts(child, (*place, key))
