"""`parley sip doctor`: what a call to one of our numbers would meet, the first trouble first."""

import asyncio
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from agent.yaml_file import BadFileError
from parley.settings import BadSettingsError, Settings, full_environment
from sip.doctor.examine import Check, Looked, examine
from sip.doctor.finding import Examination, Reporter
from sip.line import Line


@dataclass(frozen=True)
class Asked:
    """The call to be replayed, as far as somebody said."""

    to: str | None = None
    from_: str | None = None
    ip: str | None = None


def _address(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return str(ip_address(text))
    except ValueError:
        raise typer.BadParameter("an IP address, as 192.0.2.1") from None


def doctor(
    *,
    to: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Called. Default: the first of sip.yaml.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="NUMBER", help="Calling. Default: who may.")
    ] = None,
    ip: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", callback=_address, help="Whence. Default: one of Twilio's."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PARLEY_SIP_FILE, if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one object, no page.")] = False,
) -> None:
    """Look at all that a call would meet, in its order, and place a real one.

    Exit status: 0 if nothing failed, 1 otherwise.
    """
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # its library speaks of closed channels
    try:
        found = asyncio.run(examined(full_environment(), Asked(to, from_, ip), file))
    except (BadSettingsError, BadFileError) as error:
        failed = Reporter("settings").failed(str(error), "mend that, and run this again")
        found = Examination((failed,), 0.0)
    page = json.dumps(found.to_json(), indent=2) if as_json else found.page()
    sys.stdout.write(f"{page}\n")
    raise typer.Exit(0 if found.healthy else 1)


async def examined(
    environment: Mapping[str, str], asked: Asked, file: Path | None = None
) -> Examination:
    """By these settings, and the stack and the line (`file`, if given) that they name.

    Raises `BadSettingsError` or `BadFileError`: there is nothing to begin with.
    """
    # Twilio's SDK takes a second to import, and no other command needs it.
    from parley.patient import patient_for, settings_findings  # noqa: PLC0415
    from sip.doctor.plan import checks_for  # noqa: PLC0415

    settings = Settings.load(environment)
    path = (file or settings.sip_file).absolute()
    line = Line.read(path) if file or path.exists() else None
    patient = patient_for(settings, environment, line, asked, path.parent)

    async def look(report: Reporter) -> Looked:
        return settings_findings(report, settings, environment, line)

    async with patient.stack.client() as client:
        return await examine([Check("settings", look), *checks_for(patient, client)])
