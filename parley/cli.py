"""The command line. What a command does stands elsewhere."""

from typing import Annotated, NoReturn

import typer

from parley import call as call_command
from parley import calls as calls_command
from parley import chat as chat_command
from parley import persona as persona_command
from parley import queue as queue_command
from parley import services_command
from parley import simulate as simulate_command
from parley import sip as sip_command
from parley import talk as talk_command
from parley import up as up_command
from parley import web as web_command
from parley import webhooks as webhooks_command
from parley import worker as worker_command
from parley.load import command as load_command
from parley.plan import command as plan_command
from parley.rehearse import command as rehearse_command
from parley.terminal_log import log_to_terminal

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Parley: a telephone voice agent that you host yourself.",
)


@app.callback()
def _main() -> None:
    log_to_terminal()


@app.command()
def up(
    *,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="PART", help="Leave a part out: you run it yourself."),
    ] = None,
) -> NoReturn:
    """Run everything that a call needs on this machine, until Ctrl-C."""
    raise SystemExit(up_command.up(without or ()))


app.command("worker", context_settings=worker_command.PASS_ON)(worker_command.command)
app.command("call")(call_command.command)
app.command("chat")(chat_command.command)
app.command("talk")(talk_command.command)
app.command("simulate")(simulate_command.command)
app.command("rehearse")(rehearse_command.command)
app.command("plan")(plan_command.plan)
app.command("doctor")(plan_command.doctor)
app.command("services")(services_command.command)
app.add_typer(calls_command.app, name="calls")
app.add_typer(load_command.app, name="load")
app.add_typer(persona_command.app, name="persona")
app.add_typer(queue_command.app, name="queue")
app.add_typer(sip_command.app, name="sip")
app.add_typer(web_command.app, name="web")
app.add_typer(webhooks_command.app, name="webhooks")
