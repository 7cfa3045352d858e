"""`parley queue`: the calls that wait to be placed, or are being placed."""

import json
import sys
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.exc import SQLAlchemyError

from ledger.database import LedgerError, open_ledger
from ledger.redaction import masked
from parley.settings import BadSettingsError, Settings, full_environment, say
from sip.outbound.queue import Dial, Queue

app = typer.Typer(no_args_is_help=True, help="Look at the calls that wait, and cancel them.")

T = TypeVar("T")


@app.command("list")
def list_(
    *,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="Show numbers of telephones as they are.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one object, no lines.")] = False,
) -> None:
    """Name those that are not over, in the order in which they are due."""
    dials = [_facts(dial, numbers=numbers) for dial in _asked(Queue.pending)]
    if as_json:
        sys.stdout.write(f"{json.dumps({'dials': dials}, indent=2)}\n")
        return
    for dial in dials:
        last = f", last {dial['outcome']}: {dial['words']}" if dial["outcome"] else ""
        sys.stdout.write(
            f"{dial['id']}  {dial['state']:<9}  due {dial['due_at']}  {dial['to']}  "
            f"{dial['persona']}  attempts {dial['attempts']}{last}\n"
        )


@app.command("cancel")
def cancel(dial_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Take one out. If it rings, the stack hangs up within two seconds.

    Exit status: 0 cancelled, 1 it is over or unknown.
    """
    if not _asked(lambda queue: queue.cancel(dial_id)):
        say(f"parley: {dial_id} does not wait: `parley queue list` names those that do")
        raise typer.Exit(1)
    sys.stdout.write(f"cancelled {dial_id}\n")


def _asked(question: Callable[[Queue], T]) -> T:
    try:
        settings = Settings.load(full_environment())
        settings.run_dir.mkdir(parents=True, exist_ok=True)
        engine = open_ledger(settings.ledger_url)
        try:
            return question(Queue(engine, "parley queue"))
        finally:
            engine.dispose()
    except (BadSettingsError, LedgerError) as error:
        say(f"parley: {error}")
    except SQLAlchemyError as error:
        say(f"parley: the ledger does not answer: {type(error).__name__}")
    raise typer.Exit(2)


def _facts(dial: Dial, *, numbers: bool) -> dict[str, Any]:
    order = dial.order
    return {
        "id": dial.id,
        "state": str(dial.state),
        "due_at": f"{dial.due_at:%Y-%m-%dT%H:%M:%SZ}",
        "to": order.to if numbers else masked(order.to),
        "from": order.from_,
        "persona": order.persona,
        "attempts": dial.attempts,
        "outcome": dial.outcome and str(dial.outcome),
        "words": dial.words,
    }
