"""`parley calls`: the calls that the ledger holds, and what becomes of them."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from agent.call import Outcome
from ledger.calls import Wanted, find_calls, read_call, read_calls, to_json
from ledger.database import LedgerError, open_ledger
from ledger.erasure import Erased, erase_call, erase_caller, erase_older
from ledger.export import write_csv, write_json_lines
from ledger.reaper import PATIENCE, reap
from ledger.recordings import Shelf
from parley.calls_text import call_lines, list_lines
from parley.recordings import shelf_of
from parley.settings import BadSettingsError, Settings, full_environment, say

app = typer.Typer(no_args_is_help=True, help="Look at the calls of the ledger, export and erase.")

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
PERIOD = re.compile(rf"(\d{{1,6}})([{''.join(UNITS)}])")


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


def period(text: str) -> timedelta:
    """`90d`, `12h`. Raises typer.BadParameter."""
    found = PERIOD.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no period: 90d, 12h, 30m")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def moment(text: str) -> datetime:
    """A period ago, or a date with or without a time (here). Raises typer.BadParameter."""
    if PERIOD.fullmatch(text):
        return _now() - period(text)
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a period (24h) nor a date") from None


def number(text: str) -> str:
    if not re.fullmatch(r"\+[1-9]\d{6,14}", text):
        raise typer.BadParameter(f"{text!r} is no E.164 number, such as +15550100")
    return text


Since = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="WHEN", help="Started since: 24h, 7d, or 2026-03-02."),
]
Before = Annotated[
    datetime | None, typer.Option(parser=moment, metavar="WHEN", help="Started before.")
]
OfPersona = Annotated[str | None, typer.Option("--persona", metavar="NAME")]
WithOutcome = Annotated[Outcome | None, typer.Option("--outcome")]
WithNumber = Annotated[
    str | None, typer.Option("--number", parser=number, metavar="E164", help="Of either end.")
]
Numbers = Annotated[
    bool, typer.Option("--numbers", help="Show numbers of telephones and cards, as they are.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one object, no lines.")]


@app.command("list")
def list_(
    *,
    since: Since = None,
    before: Before = None,
    persona: OfPersona = None,
    outcome: WithOutcome = None,
    number: WithNumber = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most.")] = 50,
    numbers: Numbers = False,
    as_json: AsJson = False,
) -> None:
    """List calls, the newest first."""
    wanted = Wanted(since, before, persona, outcome, number)
    with _ledger() as engine:
        found = [to_json(call, numbers=numbers) for call in find_calls(engine, wanted, limit)]
    if as_json:
        _print_json({"calls": found})
    else:
        _print(list_lines(found))


@app.command("show")
def show(call_id: str, *, numbers: Numbers = False, as_json: AsJson = False) -> None:
    """Show one call: who, what was said, how long each answer took. Exit status 1: no such call."""
    with _ledger() as engine:
        call = read_call(engine, call_id, numbers=numbers)
    if call is None:
        raise _no_such_call(call_id)
    if as_json:
        _print_json(call)
    else:
        _print(call_lines(call))


@app.command("export")
def export(
    *,
    since: Since = None,
    before: Before = None,
    persona: OfPersona = None,
    outcome: WithOutcome = None,
    number: WithNumber = None,
    format_: Annotated[Format, typer.Option("--format")] = Format.JSONL,
    numbers: Numbers = False,
) -> None:
    """Write calls with their transcripts to standard output, the oldest first."""
    write = write_csv if format_ is Format.CSV else write_json_lines
    with _ledger() as engine:
        wanted = Wanted(since, before, persona, outcome, number)
        write(read_calls(engine, wanted, numbers=numbers), sys.stdout)


@app.command("delete")
def delete(
    call_id: Annotated[str | None, typer.Argument(metavar="[ID]")] = None,
    *,
    caller: Annotated[
        str | None,
        typer.Option(parser=number, metavar="E164", help="All that is known of who has it."),
    ] = None,
    older_than: Annotated[
        timedelta | None,
        typer.Option(parser=period, metavar="PERIOD", help="Calls that ended so long ago: 90d."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="More than one call, for good.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase one call, a caller's, or old ones, with their recordings.

    Exit status 1: no such call, or it goes on.
    """
    given = [each for each in (call_id, caller, older_than) if each is not None]
    if len(given) != 1:
        raise typer.BadParameter("give one of ID, --caller and --older-than")
    if call_id is None and not yes:
        raise typer.BadParameter("what is erased is gone: add --yes")
    with _ledger() as engine:
        shelf = shelf_of(Settings.load(full_environment()))
        erased = _erase(engine, call_id, caller, older_than)
        left = _remove(shelf, erased.recordings)
    if as_json:
        _print_json(asdict(erased) | {"recordings_left": left})
    else:
        _print(_erased_lines(erased, left))
    if call_id and not erased.calls:
        raise typer.Exit(1) if erased.kept else _no_such_call(call_id)


@app.command("reap")
def reap_(
    *,
    unseen: Annotated[
        timedelta | None,
        typer.Option(parser=period, metavar="PERIOD", help="Silence of a worker that is dead."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Close calls whose worker died. `parley up` does so by itself."""
    with _ledger() as engine:
        closed = reap(engine, _now(), PATIENCE if unseen is None else unseen)
    if as_json:
        _print_json({"closed": list(closed)})
    else:
        _print([f"{call_id}: closed" for call_id in closed])


def _erase(
    engine: Engine, call_id: str | None, caller: str | None, older_than: timedelta | None
) -> Erased:
    if caller is not None:
        return erase_caller(engine, caller)
    if older_than is not None:
        return erase_older(engine, _now() - older_than)
    return erase_call(engine, call_id or "")


def _remove(shelf: Shelf, recordings: Sequence[str]) -> list[str]:
    """Their files and objects; returns those that lie elsewhere."""
    left = []
    for recording in recordings:
        if (file := Path(recording)).is_file():
            file.unlink()
        elif not shelf.remove(recording):
            left.append(recording)
    return left


def _erased_lines(erased: Erased, left: Sequence[str]) -> Iterator[str]:
    yield from (f"{call_id}: erased" for call_id in erased.calls)
    yield from (f"{call_id}: goes on, erase it when it is over" for call_id in erased.kept)
    yield from (f"{recording}: not here, remove it where it lies" for recording in left)
    if erased.dials:
        yield f"{erased.dials} of the queue of outbound calls: erased"


@contextmanager
def _ledger() -> Iterator[Engine]:
    """That of `parley up`. Exit status 2: it cannot be used."""
    try:
        engine = open_ledger(Settings.load(full_environment()).ledger_url)
        try:
            yield engine
        finally:
            engine.dispose()
    except (BadSettingsError, LedgerError) as error:
        say(f"parley: {error}")
        raise typer.Exit(2) from None
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or type(error).__name__
        say(f"parley: the ledger failed: {' '.join(str(cause).split())}")
        raise typer.Exit(2) from None


def _no_such_call(call_id: str) -> typer.Exit:
    say(f"parley: no call {call_id}: `parley calls list` names them")
    return typer.Exit(1)


def _print(lines: Iterator[str] | Sequence[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _print_json(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value, indent=2, ensure_ascii=False)}\n")


def _now() -> datetime:
    return datetime.now(UTC)
