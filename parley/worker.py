"""`parley worker`: the worker by hand, with the settings that `parley up` would give it."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, NoReturn

import typer
from watchfiles import awatch

from parley.parts import worker_part
from parley.ports import Ports
from parley.settings import ROOT, BadSettingsError, Settings, full_environment, say

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Options that are not ours are the framework's."""

CODE = (ROOT / "agent", ROOT / "plugins")
"""What a worker imports of this checkout."""

STOP_PATIENCE = 10.0


class Mode(StrEnum):
    DEV = "dev"
    CONSOLE = "console"
    START = "start"


def command(
    context: typer.Context,
    mode: Annotated[
        Mode,
        typer.Argument(
            help="dev: starts again when code changes. console: talk to it here (--text without "
            "sound devices). start: as in production."
        ),
    ],
) -> NoReturn:
    """Run the worker by hand, beside `parley up --without worker`.

    Further options are those of `python -m agent MODE`.
    """
    try:
        environment = worker_environment(full_environment())
    except BadSettingsError as error:
        say(f"parley: {error}")
        raise SystemExit(2) from None
    worker = (sys.executable, "-m", "agent", mode, *context.args)
    if mode is Mode.DEV:
        raise SystemExit(asyncio.run(_reloading(worker, environment)))
    os.chdir(ROOT)
    os.execve(sys.executable, worker, environment)


async def _reloading(worker: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run it, and again whenever code changes, until a signal; calls end with it."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    async def start() -> Process:
        # A session of its own: Ctrl-C would reach it twice, and the second time means at once.
        return await asyncio.create_subprocess_exec(
            *worker, cwd=ROOT, env=environment, start_new_session=True
        )

    process = await start()
    try:
        async for _ in awatch(*CODE, stop_event=stop):
            say("parley: code has changed: starting the worker again")
            await _end(process)
            process = await start()
    finally:
        await _end(process)
    return 0


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(STOP_PATIENCE):
            await process.wait()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def worker_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """All that the worker is told, given `full_environment()`. Raises BadSettingsError.

    Its health server takes any free port, for `parley up` may run a worker of its own.
    """
    settings = Settings.load(environment)
    part = worker_part(settings, Ports.chosen(settings.port_base), environment)
    return {**part.environment, "AGENT_HEALTH_PORT": "0"}
