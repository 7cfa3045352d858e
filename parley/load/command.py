"""`parley load`: find out how many calls at once are carried, flood, and compare."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.yaml_file import BadFileError
from parley.load import compare as comparison
from parley.load.callers import Callers
from parley.load.page import page
from parley.load.report import BadReportError, LoadReport, facts, measure, step_line
from parley.load.search import Search
from parley.load.slo import Slo
from parley.load.target import TargetError, check
from parley.settings import BadSettingsError, Settings, full_environment, say
from parley.simulate import NotRunningError, in_a_folder, running_stack
from sip.simulate.caller import CallFailedError
from sip.simulate.sipp import flood as sipp_flood
from sip.simulate.speech import SpeechError
from sip.simulate.stack import Stack

SLO = Path(__file__).parent / "slo.yaml"

app = typer.Typer(
    invoke_without_command=True,
    help="Find how many calls at once the running stack carries.",
)

To = Annotated[
    str | None, typer.Option(metavar="NUMBER", help="Instead of the local trunk's number.")
]
Target = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="SIP of another stack; see PARLEY_LOAD_TARGETS."),
]


@app.callback()
def load(
    context: typer.Context,
    *,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="Calls at once, at most.")] = 16,
    first: Annotated[int, typer.Option(min=1, help="Calls at once, to begin with.")] = 1,
    hold: Annotated[float, typer.Option(min=5, help="Seconds for which all are held.")] = 30.0,
    every: Annotated[float, typer.Option(min=0.01, help="Seconds between two INVITEs.")] = 1.0,
    talk: Annotated[
        float, typer.Option(min=0.05, max=1, help="Share of a call that callers talk, at most.")
    ] = 0.4,
    slo: Annotated[Path, typer.Option(metavar="FILE", help="What must hold.")] = SLO,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            callback=in_a_folder,
            help="The report; a page goes beside it, as .html.",
        ),
    ] = Path("load.json"),
    to: To = None,
    target: Target = None,
    overhear: Annotated[
        bool, typer.Option(help="Count gaps, in one call of each step; costs some cores.")
    ] = True,
) -> None:
    """Exit status: 0 the first step met the SLO, 1 it did not, 2 nothing to call or a bad file."""
    if context.invoked_subcommand:
        return
    try:
        wanted = Slo.read(slo)
        stack, number, pids = _target(target)
        here = target is None
        callers = Callers(stack, to or number, pids, every, hold, talk, overhear and here)
        options: dict[str, int | float | str] = {
            "most": most,
            "hold": hold,
            "every": every,
            "talk": talk,
        }
        machine = facts()
        steps = asyncio.run(measure(Search(most, min(first, most)), callers, wanted, _told))
    except (
        BadFileError,
        BadSettingsError,
        CallFailedError,
        NotRunningError,
        SpeechError,
        TargetError,
        TimeoutError,
    ) as error:
        raise _refused(error) from None
    capacity = max((step.figures.calls for step in steps if step.carried), default=0)
    report = LoadReport(
        machine=machine, options=options, slo=wanted, steps=steps, capacity=capacity
    )
    _write(report, out)
    sys.stdout.writelines(f"{line}\n" for line in report.lines())
    raise typer.Exit(0 if capacity else 1)


@app.command()
def compare(before: Path, after: Path) -> None:
    """Compare two reports. Exit status: 1 the second carries fewer calls, 2 a file is none."""
    try:
        reports = LoadReport.read(before), LoadReport.read(after)
    except BadReportError as error:
        raise _refused(error) from None
    sys.stdout.writelines(f"{line}\n" for line in comparison.lines(*reports))
    raise typer.Exit(1 if comparison.is_worse(*reports) else 0)


@app.command()
def flood(
    *,
    calls: Annotated[int, typer.Option(min=1, max=1_000_000, help="INVITEs.")] = 1000,
    rate: Annotated[int, typer.Option(min=1, max=10_000, help="A second.")] = 100,
    to: To = None,
    target: Target = None,
) -> None:
    """Send INVITEs of strangers, by SIPp. Exit status: 1 some were not answered by a challenge."""
    try:
        stack, number, _ = _target(target)
        found = asyncio.run(sipp_flood(stack, to=to or number, calls=calls, rate=rate))
    except (BadSettingsError, CallFailedError, NotRunningError, TargetError) as error:
        raise _refused(error) from None
    sys.stdout.write(
        f"{found.answered} of {calls} were challenged, {found.rate:.0f} a second; "
        f"{found.failed} were not\n"
    )
    raise typer.Exit(1 if found.failed else 0)


def _target(named: str | None) -> tuple[Stack, str, dict[str, int]]:
    """Whom to call, the number, and the parts' process ids, which only this machine's stack has.

    Raises `TargetError` and what `running_stack` raises.
    """
    settings = Settings.load(full_environment())
    if named is None:
        stack, number = running_stack()
        check(stack.sip_host, settings.load_targets.split())
        return stack, number, _pids(settings)
    host, _, port = named.rpartition(":")
    if not (host and port.isdecimal()):
        raise TargetError(f"--target: {named!r} is not HOST:PORT")
    check(host, settings.load_targets.split())
    stack = Stack(
        livekit_url="",
        api_key="",
        api_secret=settings.livekit_api_secret,
        sip_host=host,
        sip_port=int(port),
        sip_username=settings.sip_username,
        sip_password=settings.sip_password,
    )
    return stack, settings.number, {}


def _pids(settings: Settings) -> dict[str, int]:
    known: dict[str, Any] = json.loads((settings.run_dir / "stack.json").read_text())
    return {name: part["pid"] for name, part in known["parts"].items()}


def _told(step: Any) -> None:
    say(step_line(step).strip())


def _write(report: LoadReport, out: Path) -> None:
    out.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    out.with_suffix(".html").write_text(page(report), encoding="utf-8")


def _refused(error: Exception) -> typer.Exit:
    say(f"parley: {error or type(error).__name__}")
    return typer.Exit(2)
