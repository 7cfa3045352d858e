"""A persona's `tools`, read and checked before any call; agent/tools/kinds.py has the kinds.

`parse` reads what is declared; `check` also sees that files, secrets and functions are there. Both
raise `BadToolError`, which knows the place.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from agent.tools.functions import load
from agent.tools.kinds import (
    Calendar,
    CollectDigits,
    EndCall,
    Http,
    Keys,
    Knowledge,
    Mcp,
    Python,
    SendDtmf,
    StopRecording,
    TakeMessage,
    Tones,
    Transfer,
)

SECRET_PREFIX = "AGENT_SECRET_"

Declaration = Annotated[
    EndCall
    | Transfer
    | Keys
    | Tones
    | SendDtmf
    | StopRecording
    | CollectDigits
    | TakeMessage
    | Calendar
    | Http
    | Mcp
    | Knowledge
    | Python,
    Field(discriminator="type"),
]


class BadToolError(ValueError):
    """A declaration that cannot be used. `place` begins with the tool's index, counted from 0."""

    def __init__(self, place: Sequence[int | str], problem: str) -> None:
        super().__init__(f"tools.{'.'.join(str(part) for part in place)}: {problem}")
        self.place = tuple(place)
        self.problem = problem


_adapter: TypeAdapter[Declaration] = TypeAdapter(Declaration)


def parse(tools: Sequence[Mapping[str, Any]]) -> tuple[Declaration, ...]:
    """What a persona declares, each by itself and all together. Raises `BadToolError`."""
    declared = tuple(_parse_one(index, tool) for index, tool in enumerate(tools))
    _agree(declared)
    return declared


def check(tools: Sequence[Mapping[str, Any]], folder: Path, environment: Mapping[str, str]) -> None:
    """`parse`, and see that what it names is there. `folder` is that of the personas.

    Functions of kind `python` are imported. Raises `BadToolError`.
    """
    for index, tool in enumerate(parse(tools)):
        for key, problem in _missing(tool, folder, environment):
            raise BadToolError((index, key), problem)


def _missing(
    tool: Declaration, folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """A key, and what it names that is not there."""
    if isinstance(tool, Http | Mcp) and tool.secret:
        variable = SECRET_PREFIX + tool.secret
        if not environment.get(variable):
            yield "secret", f"{variable} is not set in the environment"
    match tool:
        case Knowledge() if not (folder / tool.folder).is_dir():
            yield "folder", f"no such folder: {folder / tool.folder}"
        case TakeMessage() if (folder / tool.folder).is_file():
            yield "folder", f"is a file: {folder / tool.folder}"
        case Calendar() if not (folder / tool.file).parent.is_dir():
            yield "file", f"no such folder: {(folder / tool.file).parent}"
        case Python():
            try:
                load(tool.function)
            except ValueError as error:
                yield "function", str(error)
        case Mcp():
            if find_spec("mcp") is None:
                yield "type", "needs a package: uv pip install 'livekit-agents[mcp]'"
            if tool.command and which(tool.command[0]) is None:
                yield "command", f"no such program: {tool.command[0]}"


def _parse_one(index: int, tool: Mapping[str, Any]) -> Declaration:
    try:
        return _adapter.validate_python(dict(tool))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        last: tuple[str, ...] = ("type",) if first["type"].startswith("union_tag") else ()
        if first["type"] == "missing":
            last = (str(first["loc"][-1]),)
        place = (*_keys(tool, first["loc"][1:]), *last)
        raise BadToolError((index, *place), first["msg"].removeprefix("Value error, ")) from error


def _keys(tool: Any, place: Sequence[int | str]) -> tuple[int | str, ...]:
    """The place without the parts that name a kind, which are no keys of the file."""
    keys: list[int | str] = []
    for part in place:
        if isinstance(part, int) or (isinstance(tool, Mapping) and part in tool):
            tool = tool[part]
            keys.append(part)
    return tuple(keys)


def _agree(tools: Sequence[Declaration]) -> None:
    transfers = {name for tool in tools if isinstance(tool, Transfer) for name in tool.transfers}
    digits = {tool.name for tool in tools if isinstance(tool, CollectDigits)}
    seen: set[str] = set()
    for index, tool in enumerate(tools):
        for name in tool.names():
            if name in seen:
                raise BadToolError((index,), f"another tool is called {name!r} already")
            seen.add(name)
        if isinstance(tool, Keys) and sum(isinstance(other, Keys) for other in tools[:index]):
            raise BadToolError((index, "type"), "keys are declared once")
        if isinstance(tool, Keys) and tool.to and tool.to not in transfers:
            raise BadToolError((index, "to"), f"{tool.to!r} is not among the transfers")
        if isinstance(tool, Http):
            for argument, name in tool.collected.items():
                if name not in digits:
                    raise BadToolError(
                        (index, "collected", argument), f"no tool collects digits as {name!r}"
                    )
