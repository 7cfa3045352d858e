"""`parley sip`: makes the telephone line that `sip.yaml` describes, at Twilio and at LiveKit."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.yaml_file import BadFileError
from parley import sip_changes
from parley.applied import Applied
from parley.doctor import doctor
from parley.settings import BadSettingsError, say
from parley.sip_changes import FailedError
from parley.sip_setup import Setup, Which
from sip import firewall
from sip.changes import SideError

app = typer.Typer(no_args_is_help=True, help="Make the telephone line of sip.yaml.")

NOTHING, FAILED, CHANGES = 0, 1, 2
"""Exit statuses; the last is of `plan` and `status` alone."""


class Firewall(StrEnum):
    NFTABLES = "nftables"
    UFW = "ufw"


File = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="PARLEY_SIP_FILE, if not given.")
]
Only = Annotated[
    list[Which] | None, typer.Option(help="This side alone; may be given more than once.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one object, no lines.")]


@app.command("plan")
def plan_command(*, file: File = None, only: Only = None, as_json: AsJson = False) -> None:
    """Show what `apply` would do, and change nothing.

    Exit status: 0 nothing to do, 2 there are changes, 1 error.
    """

    async def run(setup: Setup) -> int:
        setup.refuse_unknown_personas()
        async with setup.sides(only or ()) as sides:
            planned = await sip_changes.plan(sides)
        sys.stdout.write(sip_changes.to_json(planned) if as_json else sip_changes.show(planned))
        if not as_json:
            sys.stdout.write(_summary(len(planned)))
        return CHANGES if planned else NOTHING

    _run(file, run)


@app.command("apply")
def apply_command(
    *,
    file: File = None,
    only: Only = None,
    new_password: Annotated[
        bool,
        typer.Option(help="Give Twilio the trunk's password again: it does not tell the old one."),
    ] = False,
) -> None:
    """Make the line; a second run makes nothing. Stops at the first failure, and goes on from there.

    Exit status: 0 all is made, 1 error.
    """

    async def run(setup: Setup) -> int:
        setup.refuse_unknown_personas()
        async with setup.sides(only or (), new_password=new_password) as sides:
            planned = await sip_changes.plan(sides)
            if any(side.name == Which.LIVEKIT for side in sides):
                Applied(setup.settings).record(setup.file)
            async for done in sip_changes.do(planned):
                _print(done)
        _print(f"{setup.line.title}: {_changes(len(planned))} made" if planned else "nothing to do")
        return NOTHING

    _run(file, run)


@app.command("destroy")
def destroy_command(
    *,
    file: File = None,
    only: Only = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove what `apply` made, and nothing else.

    Exit status: 0 nothing is left, 1 error or a no.
    """

    async def run(setup: Setup) -> int:
        async with setup.sides(only or ()) as sides:
            planned = await sip_changes.plan_destroy(sides)
            sys.stdout.write(sip_changes.show(planned))
            if planned and not yes:
                typer.confirm(f"{setup.line.title}: make {_changes(len(planned))}?", abort=True)
            if any(side.name == Which.LIVEKIT for side in sides):
                Applied(setup.settings).forget()
            async for done in sip_changes.do(planned):
                _print(done)
        return NOTHING

    _run(file, run)


@app.command("status")
def status_command(*, file: File = None, only: Only = None, as_json: AsJson = False) -> None:
    """Say of each side whether it is as sip.yaml says, and who answers which number.

    Exit status: 0 all is, 2 there are changes, 1 a side cannot be read.
    """

    async def run(setup: Setup) -> int:
        async with setup.sides(only or ()) as sides:
            states = await sip_changes.states(sides)
        numbers = {each.number: each.persona for each in setup.line.numbers}
        if as_json:
            whole = {"line": setup.line.name, "numbers": numbers, "sides": states}
            sys.stdout.write(f"{json.dumps(whole, indent=2)}\n")
        else:
            for side, state in states.items():
                _print(f"{side}: {_in_words(state)}")
            for number, persona in numbers.items():
                _print(f"{number}: {persona}")
        if any("error" in state for state in states.values()):
            return FAILED
        return CHANGES if any(state["changes"] for state in states.values()) else NOTHING

    _run(file, run)


@app.command("firewall")
def firewall_command(
    *, file: File = None, as_: Annotated[Firewall, typer.Option("--as")] = Firewall.NFTABLES
) -> None:
    """Print the rules that let Twilio in and nobody else."""

    async def run(setup: Setup) -> int:
        sys.stdout.write(firewall.render(setup.line, as_.value))
        return NOTHING

    _run(file, run)


app.command("doctor")(doctor)


def _run(file: Path | None, command: Callable[[Setup], Coroutine[Any, Any, int]]) -> None:
    try:
        status = asyncio.run(command(Setup.read(file)))
    except (BadSettingsError, BadFileError, SideError, FailedError) as error:
        say(f"parley: {error}")
        raise typer.Exit(FAILED) from error
    raise typer.Exit(status)


def _in_words(state: Mapping[str, object]) -> str:
    if error := state.get("error"):
        return str(error)
    return _summary(state["changes"]).strip() if state["changes"] else "as sip.yaml says"


def _summary(count: object) -> str:
    if not count:
        return "nothing to do\n"
    return f"{_changes(count)}: `parley sip apply` makes them\n"


def _changes(count: object) -> str:
    return "1 change" if count == 1 else f"{count} changes"


def _print(line: str) -> None:
    """At once: a change that hangs is the one after the last line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
