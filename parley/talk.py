"""`parley talk`: the room, in a browser of this machine."""

import asyncio
import os
import sys
import webbrowser
from collections.abc import Mapping
from datetime import UTC, datetime
from ssl import SSLContext
from typing import Annotated
from urllib.parse import urlencode

import aiohttp
import typer

from agent.persona import PersonaError, load_persona
from parley.ports import Ports
from parley.settings import ROOT, BadSettingsError, Settings, full_environment, say
from parley.web_entry import LINKS, address, needs_no_login
from parley.wires import wires_of
from web.server.links import Links

PATIENCE = 5.0
"""Seconds for the server to answer."""


def command(
    *,
    persona: Annotated[
        str | None, typer.Option(help="Whom to talk to: a file of personas/.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open it; else only print where it is.")] = True,
) -> None:
    """Open the room in the browser, and print its address.

    Where one must sign in, the address does so, once, within two minutes. Exit status: 1 Parley
    does not answer, 2 it cannot be opened so.
    """
    try:
        environment = full_environment()
        settings = Settings.load(environment)
        tls = wires_of(settings, environment).client
        if persona:
            load_persona(ROOT / environment.get("AGENT_PERSONAS", "personas"), persona, environment)
    except (BadSettingsError, PersonaError) as error:
        say(f"parley: {error}")
        raise typer.Exit(2) from None
    home = address(settings, Ports.chosen(settings.port_base))
    if not asyncio.run(_answers(home, tls)):
        say(f"parley: nothing answers at {home}: start Parley by `make run`")
        raise typer.Exit(1)
    try:
        there = link(settings, home, persona, datetime.now(UTC))
    except OSError as error:
        say(f"parley: {settings.run_dir / LINKS} cannot be written: {error.strerror}")
        raise typer.Exit(2) from None
    typer.echo(there)
    if browser and can_show(os.environ):
        webbrowser.open(there)


def link(settings: Settings, home: str, persona: str | None, now: datetime) -> str:
    """The address of the room, which signs in if one must. Raises OSError."""
    asked = {"persona": persona} if persona else {}
    if needs_no_login(settings):
        return f"{home}/?{urlencode(asked)}" if asked else f"{home}/"
    code = Links(settings.run_dir / LINKS).new(now)
    return f"{home}/login/link?{urlencode({'code': code, **asked})}"


def can_show(environment: Mapping[str, str]) -> bool:
    """A browser in a terminal has no microphone."""
    displays = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform == "darwin" or any(environment.get(name) for name in displays)


async def _answers(home: str, tls: SSLContext | None) -> bool:
    patience = aiohttp.ClientTimeout(total=PATIENCE)
    try:
        async with (
            aiohttp.ClientSession(timeout=patience) as http,
            http.get(f"{home}/health", ssl=tls or True) as answer,
        ):
            return answer.ok
    except (aiohttp.ClientError, TimeoutError):
        return False
