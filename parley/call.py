"""`parley call`: call somebody now, or have the running stack do it."""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from agent.call import BadRequestError, CallRequest, Outcome
from agent.persona import PersonaError, load_persona
from agent.persona.variables import filled
from agent.yaml_file import BadFileError
from ledger.database import LedgerError
from parley.outbound import open_dialler, open_queue, read_line
from parley.settings import ROOT, BadSettingsError, say
from parley.sip_setup import Setup
from sip.line import Line
from sip.numbers import classify
from sip.outbound.dialler import read_policy
from sip.outbound.hours import NoZoneError
from sip.outbound.policy import Refusal
from sip.outbound.queue import Dial, Order, State

ANSWERED, NOT_ANSWERED, REFUSED = 0, 1, 2
CANCELLED = 130
"""Exit statuses; the last is a shell's own for Ctrl-C."""

Refused = (
    BadFileError,
    BadRequestError,
    BadSettingsError,
    LedgerError,
    NoZoneError,
    PersonaError,
)


class NotAllowedError(Exception):
    """The policy says no; the message names the rule and the fix."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.rule}: {refusal.reason}")
        self.rule = refusal.rule


@dataclass(frozen=True)
class Wish:
    """The command line."""

    number: str
    persona: str
    from_: str | None
    trunk: str | None
    file: Path | None
    queued: bool
    variables: Mapping[str, str] = field(default_factory=dict)

    def caller(self, line: Line) -> str:
        return classify(self.from_).e164 if self.from_ else line.caller_id


def variables(pairs: Sequence[str]) -> dict[str, str]:
    """Of `--var name=value`, as often as it was given. Raises `typer.BadParameter`."""
    named = {}
    for pair in pairs:
        name, is_pair, value = pair.partition("=")
        if not is_pair or not name:
            raise typer.BadParameter(f"--var {pair}: give it as name=value")
        named[name] = value
    return named


def command(
    number: Annotated[str, typer.Argument(help="In international form, as +12025550123.")],
    *,
    persona: Annotated[str, typer.Option(help="Who talks: a file of personas/.")],
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="NUMBER", help="One of our numbers; outbound.from if none."),
    ] = None,
    var: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A variable of the persona.")
    ] = None,
    queue: Annotated[
        bool,
        typer.Option(
            "--queue",
            help="Leave it to the running stack, which tries again and keeps to the calling hours.",
        ),
    ] = False,
    trunk: Annotated[
        str | None, typer.Option(metavar="ID", help="Of LiveKit, instead of the line's own.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="PARLEY_SIP_FILE, if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one object, no line.")] = False,
) -> None:
    """Call somebody, and say what came of it once they have answered or never will.

    Ctrl-C hangs up. Exit status: 0 answered (or queued), 1 not answered, 2 not allowed or nothing
    to call with, 130 cancelled.
    """
    wish = Wish(number, persona, from_, trunk, file, queue, variables(var or []))
    try:
        dial = asyncio.run(_until_a_signal(wish))
    except NotAllowedError as error:
        _show(as_json, "refused", str(error), {"rule": str(error.rule)})
        raise typer.Exit(REFUSED) from None
    except Refused as error:
        say(f"parley: {error}")
        raise typer.Exit(REFUSED) from None
    except SQLAlchemyError as error:
        say(f"parley: the ledger does not answer: {type(error).__name__}")
        raise typer.Exit(REFUSED) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        _show(as_json, "cancelled", "hung up", {})
        raise typer.Exit(CANCELLED) from None
    _report(dial, as_json)
    good = dial.outcome is Outcome.ANSWERED or dial.state is State.WAITING
    raise typer.Exit(ANSWERED if good else NOT_ANSWERED)


async def _until_a_signal(wish: Wish) -> Dial:
    """SIGTERM and a closed terminal hang up as Ctrl-C does, also where a shell started us deaf to it."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await _call(wish)


async def _call(wish: Wish) -> Dial:
    setup = Setup.read(wish.file)
    line = read_line(setup.file)
    order = Order(
        to=classify(wish.number).e164,
        from_=wish.caller(line),
        persona=wish.persona,
        vars=wish.variables,
        due_at=_allowed_at(wish, line),
    )
    _refuse_a_wrong_persona(order, setup.environment)
    async with open_queue(setup.settings) as queue:
        now = datetime.now(UTC)
        dial_id = await asyncio.to_thread(queue.add, order, now, held=not wish.queued)
        if wish.queued:
            dial = await asyncio.to_thread(queue.get, dial_id)
        else:
            async with open_dialler(
                line, queue, setup.settings, setup.environment, wish.trunk
            ) as dialler:
                dial = await dialler.run_held(dial_id)
    assert dial is not None, "somebody removed it from the ledger"
    return dial


def _allowed_at(wish: Wish, line: Line) -> datetime:
    """Now, or when the calling hours begin if the call can wait. Raises `NotAllowedError`."""
    now = datetime.now(UTC)
    refusal = read_policy(line).refusal(wish.number, wish.caller(line), now)
    if refusal is None:
        return now
    if wish.queued and refusal.until:
        return refusal.until
    raise NotAllowedError(refusal)


def _refuse_a_wrong_persona(order: Order, environment: Mapping[str, str]) -> None:
    """Before anybody is rung. Raises `PersonaError` or `BadRequestError`."""
    folder = ROOT / environment.get("AGENT_PERSONAS", "personas")
    persona = load_persona(folder, order.persona, environment)
    filled(persona, CallRequest(vars=dict(order.vars)), datetime.now().astimezone())


def _report(dial: Dial, as_json: bool) -> None:
    if dial.state is State.WAITING:
        _show(
            as_json, "queued", f"{dial.id}, due {dial.due_at:%Y-%m-%d %H:%M} UTC", {"id": dial.id}
        )
        return
    outcome = str(dial.outcome or dial.state)
    words = dial.words or f"the call is {dial.call_id}"
    more = {"id": dial.id, "call_id": dial.call_id, "sip_code": dial.sip_code}
    _show(as_json, outcome, words, more)


def _show(as_json: bool, outcome: str, words: str, more: Mapping[str, object]) -> None:
    whole = json.dumps({"outcome": outcome, "words": words, **more})
    sys.stdout.write(f"{whole}\n" if as_json else f"{outcome}: {words}\n")
