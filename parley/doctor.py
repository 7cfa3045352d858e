"""`parley sip doctor`: what a call to one of our numbers would meet, the first trouble first."""

import asyncio
import json
import logging
import sys
from ipaddress import ip_address
from typing import Annotated

import typer

from agent.yaml_file import BadFileError
from parley.patient import Asked, patient_for, settings_findings
from parley.settings import BadSettingsError, Settings, full_environment
from sip.doctor.examine import Check, Looked, examine
from sip.doctor.finding import Examination, Reporter
from sip.doctor.plan import checks_for
from sip.line import Line


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
    as_json: Annotated[bool, typer.Option("--json", help="Print one object, no page.")] = False,
) -> None:
    """Look at all that a call would meet, in its order, and place a real one.

    Exit status: 0 if nothing failed, 1 otherwise.
    """
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # its library speaks of closed channels
    found = asyncio.run(examined(Asked(to, from_, ip)))
    page = json.dumps(found.to_json(), indent=2) if as_json else found.page()
    sys.stdout.write(f"{page}\n")
    raise typer.Exit(0 if found.healthy else 1)


async def examined(asked: Asked) -> Examination:
    """By the settings of this process, and the stack and the line that they name."""
    report = Reporter("settings")
    try:
        environment = full_environment()
        settings = Settings.load(environment)
        line = Line.read(settings.sip_file) if settings.sip_file.exists() else None
        patient = patient_for(settings, environment, line, asked)
    except (BadSettingsError, BadFileError) as error:
        return Examination((report.failed(str(error), "mend that, and run this again"),), 0.0)

    async def look(report: Reporter) -> Looked:
        return settings_findings(report, settings, environment, line)

    async with patient.stack.client() as client:
        return await examine([Check("settings", look), *checks_for(patient, client)])
