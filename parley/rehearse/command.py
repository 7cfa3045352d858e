"""`parley rehearse`: simulated callers against a persona, in text or over SIP."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from agent.yaml_file import BadFileError
from parley.rehearse.results import Report
from parley.rehearse.scenario import Scenario, load_all
from parley.settings import ROOT, BadSettingsError, say
from parley.simulate import NotRunningError
from sip.simulate.speech import SpeechError

SUITE = ROOT / "scenarios"
PERSONAS = ROOT / "personas"


def command(
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="SCENARIO...", help="Scenario files, or folders of them."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="The whole suite in scenarios/.")] = False,
    sip: Annotated[
        bool, typer.Option("--sip", help="Real calls, on a stack of their own, instead of text.")
    ] = False,
    personas: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the personas are.")
    ] = PERSONAS,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="OpenAI-compatible endpoint, with its /v1, for `judge` checks; its key is AGENT_SECRET_JUDGE.",
        ),
    ] = None,
    judge_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The judge's model.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML, too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one object, no table.")] = False,
) -> None:
    """Play simulated callers against personas, and check what became of the calls.

    Exit status: 0 good, 1 a scenario failed, 2 a bad scenario, or nothing to play or to call.
    """
    try:
        _check_folders(personas, junit)
        with _without_log():
            report = _report(_wanted(files or [], all_=all_), personas, judge, judge_model, sip=sip)
    except (BadFileError, BadSettingsError, NotRunningError, SpeechError) as error:
        say(f"parley: {error}")
        raise typer.Exit(2) from None
    if junit is not None:
        junit.write_text(report.junit(), encoding="utf-8")
    sys.stdout.write(f"{report.model_dump_json(indent=2) if as_json else report.table()}\n")
    raise typer.Exit(1 if report.failed else 0)


@contextmanager
def _without_log() -> Iterator[None]:
    """What goes wrong in a scenario is part of it, and its results tell."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        root.setLevel(level)


def _check_folders(personas: Path, junit: Path | None) -> None:
    """Calls take a while; that their results have nowhere to go should be known before."""
    if not personas.is_dir():
        raise BadFileError(f"{personas}: there is no such folder of personas")
    if junit is not None and not junit.absolute().parent.is_dir():
        raise BadFileError(f"--junit: there is no folder {junit.parent}")


def _report(
    scenarios: list[Scenario], personas: Path, judge: str | None, model: str | None, *, sip: bool
) -> Report:
    # The framework takes seconds to import, which no other command should take.
    from parley.rehearse import suite  # noqa: PLC0415

    if (judge is None) != (model is None):
        raise BadFileError("--judge and --judge-model need each other")
    asked = suite.judge_at(judge, model)
    if sip:
        return suite.by_telephone(scenarios, personas, asked)
    return suite.in_text(scenarios, personas, asked)


def _wanted(files: list[Path], *, all_: bool) -> list[Scenario]:
    if bool(files) == all_:
        raise BadFileError("name scenarios, or say --all")
    return load_all([SUITE] if all_ else files)
