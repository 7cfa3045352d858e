"""`parley simulate`: call the running stack as a caller would, and say how it was."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ValidationError

from parley.settings import BadSettingsError, Settings, full_environment, say
from sip.simulate.caller import CallFailedError, Dial, call
from sip.simulate.path import path_times
from sip.simulate.phone import phone_call
from sip.simulate.report import Report
from sip.simulate.run import Called, simulate
from sip.simulate.script import VOICE, CallScript, ScriptError, TurnScript
from sip.simulate.speech import SpeechError
from sip.simulate.stack import Stack

QUESTION = "what are your opening hours"
"""Said when nothing is asked for."""


class Via(StrEnum):
    BRIDGE = "bridge"
    PHONE = "phone"


_DIALS: dict[Via, Dial] = {Via.BRIDGE: call, Via.PHONE: phone_call}


class NotRunningError(Exception):
    """There is no stack to call; the message says how to start one."""


class StackFile(BaseModel):
    """What `parley up` writes to stack.json, as far as a caller needs it."""

    livekit_url: str
    sip_host: str
    sip_port: int
    number: str


def in_a_folder(path: Path | None) -> Path | None:
    """A call is long; that what comes of it has nowhere to go should be known before it."""
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    return path


def command(
    *,
    say_: Annotated[
        list[str] | None, typer.Option("--say", metavar="TEXT", help="A turn that flite speaks.")
    ] = None,
    play: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A turn from a sound file; comes after those of --say."),
    ] = None,
    voice: Annotated[str, typer.Option(help="flite's voice: rms, slt, awb, kal16.")] = VOICE,
    via: Annotated[
        Via, typer.Option(help="Who calls: the bridge itself, or baresip (independent).")
    ] = Via.BRIDGE,
    barge_in: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0.1,
            help="Speak this long after the agent started, over it: every turn but the first, or an only one.",
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            callback=in_a_folder,
            help="Stereo WAV: caller left, agent right; one a call.",
        ),
    ] = None,
    calls: Annotated[int, typer.Option(min=1, max=100, help="Calls at once.")] = 1,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Play a call of tests/e2e/calls instead.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Instead of the local trunk's number.")
    ] = None,
    path: Annotated[
        bool, typer.Option("--path", help="Measure the path alone too, with an echo.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one object, no table.")] = False,
) -> None:
    """Call the running stack, talk with the agent and measure what the caller hears.

    Exit status: 0 good, 1 not answered or a turn without the reply it should have, 2 nothing to call or nothing to say.
    """
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # its library speaks of closed channels
    try:
        turns = _turns(say_ or [], play or [], voice, barge_in, script)
        called, echoes = asyncio.run(_call(turns, to, calls, dial=_DIALS[via], path=path))
    except (BadSettingsError, CallFailedError, NotRunningError, ScriptError, SpeechError) as error:
        say(f"parley: {error}")
        raise typer.Exit(2) from None
    if record is not None:
        _save(called, record)
    report = Report.of([each.report for each in called], echoes)
    whole = (
        report.model_dump_json(indent=2) if as_json else f"{report.table()}\n\n{report.verdict()}"
    )
    sys.stdout.write(f"{whole}\n")
    raise typer.Exit(1 if report.problems else 0)


async def _call(
    turns: Sequence[TurnScript], to: str | None, calls: int, *, dial: Dial, path: bool
) -> tuple[list[Called], list[float]]:
    stack, number = running_stack()
    called = await simulate(stack, to=to or number, turns=turns, calls=calls, dial=dial)
    return called, await path_times(stack, dial=dial) if path else []


def running_stack() -> tuple[Stack, str]:
    """The stack that `parley up` runs, and the number of its local trunk.

    Raises NotRunningError or BadSettingsError.
    """
    settings = Settings.load(full_environment())
    path = settings.run_dir / "stack.json"
    try:
        facts = StackFile.model_validate_json(path.read_text())
    except FileNotFoundError:
        raise NotRunningError(f"Parley is not running ({path} is missing): `make run`") from None
    except (OSError, ValidationError) as error:
        raise NotRunningError(f"{path} cannot be used: {error}") from None
    stack = Stack(
        livekit_url=facts.livekit_url,
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret,
        sip_host=facts.sip_host,
        sip_port=facts.sip_port,
        sip_username=settings.sip_username,
        sip_password=settings.sip_password,
    )
    return stack, facts.number


def _turns(
    says: Sequence[str],
    plays: Sequence[Path],
    voice: str,
    barge_in: float | None,
    script: Path | None,
) -> tuple[TurnScript, ...]:
    if script is not None:
        if says or plays or barge_in is not None:
            raise ScriptError("--script says it all: leave --say, --play and --barge-in out")
        return CallScript.load(script).turns
    if not all(text.strip() for text in says):
        raise ScriptError("--say has nothing to say")
    turns = [TurnScript(say=text, voice=voice) for text in says]
    turns += [TurnScript(play=path) for path in plays]
    turns = turns or [TurnScript(say=QUESTION, voice=voice)]
    # The first turn answers the greeting; interrupting that is meant only where there is nothing else.
    spared = turns[:1] if len(turns) > 1 else []
    over = [turn.model_copy(update={"barge_in": barge_in}) for turn in turns[len(spared) :]]
    return (*spared, *over)


def _save(called: Sequence[Called], path: Path) -> None:
    """Of several calls, the second is FILE-2.wav and so on."""
    for number, each in enumerate(called, 1):
        if each.recording is not None:
            name = path.name if number == 1 else f"{path.stem}-{number}{path.suffix}"
            each.recording.save(path.with_name(name))
