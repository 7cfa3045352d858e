"""`{{name}}` in a persona's texts. Pure: the call and `now` are passed in.

What a caller or a door says is data: it goes on one line, without braces, and is cut, so that it
can neither begin a paragraph of instructions nor name another variable.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from agent.call import BadRequestError, CallRequest
from agent.persona.model import Persona

FACTS = ("caller_number", "agent_number", "today", "now")
"""Known of every call. `caller_number` is that of whoever the agent talks with, also where the agent
called; a text gets it only where it names it."""

UNKNOWN = "unknown"
MAX_CHARS = 200
"""Of a value."""

_MARK = re.compile(r"\{\{(.*?)(\}\}|$)", re.MULTILINE)
_NAME = re.compile(r"\s*([a-z][a-z0-9_]*)\s*")


def problems(text: str, known: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """What is wrong with a text's variables: the line, counted from 0, and a sentence."""
    for mark in _MARK.finditer(text):
        line = text.count("\n", 0, mark.start())
        name = _NAME.fullmatch(mark[1])
        if name is None or not mark[2]:
            yield line, "`{{` begins a variable, as in {{name}}"
        elif name[1] not in known and name[1] not in FACTS:
            there = ", ".join(sorted({*known, *FACTS}))
            yield (
                line,
                f"unknown variable {name[1]!r}: give it a default in variables; known: {there}",
            )


def filled(persona: Persona, request: CallRequest, now: datetime) -> Persona:
    """The persona as this call has it. `now` is on the clock of the agent's place.

    Raises `BadRequestError` for a variable that the persona does not have.
    """
    for name in request.vars:
        if name not in persona.variables:
            there = ", ".join(sorted(persona.variables)) or "none"
            raise BadRequestError(
                f"job metadata, vars: persona {persona.name!r} has no variable {name!r}; "
                f"it has: {there}"
            )
    values = {**_facts(request, now), **persona.variables, **request.vars}
    outbound = persona.outbound
    said = {
        name: _fill(text, values)
        for name in ("voicemail_message", "screening_message")
        if (text := getattr(outbound, name)) is not None
    }
    return persona.model_copy(
        update={
            "instructions": _fill(persona.instructions, values),
            "greeting": _fill(persona.greeting, values),
            "outbound": outbound.model_copy(update=said),
        }
    )


def _facts(request: CallRequest, now: datetime) -> dict[str, str]:
    caller, agent = request.from_, request.to
    if request.direction == "outbound":
        caller, agent = agent, caller
    return {
        "caller_number": caller or UNKNOWN,
        "agent_number": agent or UNKNOWN,
        "today": f"{now:%A, %d %B %Y}",
        "now": f"{now:%H:%M}",
    }


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _MARK.sub(lambda mark: as_data(values[mark[1].strip()]), text)


def as_data(value: str) -> str:
    """On one line, printable, without braces, at most `MAX_CHARS` long."""
    printable = "".join(c if c.isprintable() else " " for c in value if c not in "{}")
    return " ".join(printable.split())[:MAX_CHARS]
