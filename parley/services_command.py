"""`parley services`: what runs beside calls, where other machines take the calls."""

import asyncio
import signal
from collections.abc import Collection, Mapping
from functools import partial
from typing import Annotated

import typer

from parley.applied import livekit_url
from parley.door import Door
from parley.ports import Ports
from parley.services import Service, build_services, run_services
from parley.settings import BadSettingsError, Settings, full_environment, say
from parley.up import alone_in

TRUNK = "trunk"

KEPT_EVERY = 30.0
"""Seconds between two looks at the local trunk, which LiveKit loses with its redis."""


def command(
    *,
    without: Annotated[
        list[str] | None, typer.Option(metavar="SERVICE", help="Leave one out.")
    ] = None,
    local_trunk: Annotated[
        bool, typer.Option(help="Keep the local trunk, so that who has its password can call.")
    ] = False,
) -> None:
    """Run what no call needs, until Ctrl-C, for the LiveKit at LIVEKIT_URL; calls outlive it.

    Exit status 2: it cannot be run so.
    """
    try:
        environment = full_environment()
        settings = Settings.load(environment)
        services = _services(settings, environment, local_trunk=local_trunk)
        _refuse_unknown(without or (), services)
        wanted = {name: run for name, run in services.items() if name not in (without or ())}
        with alone_in(settings.run_dir):
            asyncio.run(_until_a_signal(wanted))
    except BadSettingsError as error:
        say(f"parley: {error}")
        raise typer.Exit(2) from None
    except asyncio.CancelledError:
        raise typer.Exit(0) from None


def _services(
    settings: Settings, environment: Mapping[str, str], *, local_trunk: bool
) -> Mapping[str, Service]:
    ports = Ports.chosen(settings.port_base)
    services = build_services(settings, ports, environment)
    if not local_trunk:
        return services
    door = Door(settings, livekit_url(ports, environment))
    return {**services, TRUNK: partial(_keep, door)}


async def _keep(door: Door) -> None:
    """Raises PartError."""
    while True:
        await door.ensure()
        await asyncio.sleep(KEPT_EVERY)


async def _until_a_signal(services: Mapping[str, Service]) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await run_services(services)


def _refuse_unknown(names: Collection[str], known: Collection[str]) -> None:
    if unknown := set(names) - set(known):
        raise BadSettingsError(
            f"--without {min(unknown)}: the services are {', '.join(sorted(known))}"
        )
