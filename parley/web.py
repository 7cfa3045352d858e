"""`parley web`: the control API, and its keys."""

import asyncio
import importlib
import logging
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry

from ledger.database import LedgerError
from parley.ports import Ports
from parley.settings import BadSettingsError, Settings, full_environment, say
from parley.web_entry import has_login
from parley_serving.settings import is_loopback
from web.server.keys import KeyFile, KeyFileError, Scope
from web.server.run import ListenError

logger = logging.getLogger(__name__)

KEYS = "web-keys.json"
"""In the run folder."""

app = typer.Typer(help="The control API: runs it, unless a command of its own is given.")
keys = typer.Typer(no_args_is_help=True, help="Who may use the control API, and for what.")
app.add_typer(keys, name="key")

Refused = (BadSettingsError, KeyFileError, LedgerError, ListenError)


@app.callback(invoke_without_command=True)
def command(context: typer.Context) -> None:
    """Run the control API by itself, until Ctrl-C; `parley up` runs it beside the rest.

    Exit status 2: it cannot be run so.
    """
    if context.invoked_subcommand:
        return
    try:
        environment = full_environment()
        asyncio.run(_until_a_signal(Settings.load(environment), environment))
    except Refused as error:
        say(f"parley: {error}")
        raise typer.Exit(2) from None
    except asyncio.CancelledError:
        raise typer.Exit(0) from None


async def run(
    settings: Settings,
    ports: Ports,
    environment: Mapping[str, str],
    beside: CollectorRegistry | None = None,
) -> None:
    """The service of `parley up`: until cancelled. Calls go on without it, so it ends alone.

    `beside`: metrics of the other services, which it exports.
    """
    try:
        await run_server(settings, ports, environment, beside)
    except Refused as error:
        logger.error("there is no control API", extra={"why": str(error)})  # noqa: TRY400


async def run_server(
    settings: Settings,
    ports: Ports,
    environment: Mapping[str, str],
    beside: CollectorRegistry | None = None,
) -> None:
    """Until cancelled. Raises what `Refused` names."""
    store = KeyFile(settings.run_dir / KEYS)
    if not (is_loopback(settings.web_host) or has_login(settings) or store.read()):
        raise BadSettingsError(
            f"PARLEY_WEB_HOST is {settings.web_host} and nobody would need a key or a login: set "
            "PARLEY_WEB_PASSWORD, make a key by `parley web key new`, or listen on 127.0.0.1"
        )
    # Beside whatever else runs in this loop, for it takes a second.
    module = await asyncio.to_thread(importlib.import_module, "parley.web_server")
    await module.run_server(settings, ports, environment, store, beside)


@keys.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Whose it is, for `list`.")],
    *,
    scope: Annotated[list[Scope], typer.Option(help="What it may do; may be given again.")],
) -> None:
    """Make a key, and print it: this once, for only its digest is kept."""
    try:
        _, sent = _store().new(name, frozenset(scope), datetime.now(UTC))
    except Refused as error:
        raise _refused(error) from None
    typer.echo(sent)


@keys.command("list")
def list_() -> None:
    """Id, when it was made, what it may do, whose it is."""
    try:
        for key in _store().read():
            scopes = ",".join(sorted(key.scopes))
            typer.echo(f"{key.id}  {key.created_at:%Y-%m-%d}  {scopes}  {key.name}")
    except Refused as error:
        raise _refused(error) from None


@keys.command("revoke")
def revoke(id_: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """From now on it opens nothing. Exit status 1: there is no such key."""
    try:
        gone = _store().revoke(id_)
    except Refused as error:
        raise _refused(error) from None
    if not gone:
        say(f"parley: no key {id_}: `parley web key list` names them")
        raise typer.Exit(1)
    typer.echo(f"{id_}: revoked")


async def _until_a_signal(settings: Settings, environment: Mapping[str, str]) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await run_server(settings, Ports.chosen(settings.port_base), environment)


def _store() -> KeyFile:
    return KeyFile(Settings.load(full_environment()).run_dir / KEYS)


def _refused(error: Exception) -> typer.Exit:
    say(f"parley: {error}")
    return typer.Exit(2)
