"""`parley up`: everything that a call needs, on this machine, until Ctrl-C."""

import asyncio
import fcntl
import json
import logging
import os
import signal
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from parley.door import Door
from parley.part import PartError
from parley.parts import PARTS, build_parts
from parley.ports import Ports
from parley.probes import HOST
from parley.ready import ready_block
from parley.services import build_services, run_services
from parley.settings import ROOT, BadSettingsError, Settings, full_environment, say
from parley.supervisor import Supervisor

logger = logging.getLogger(__name__)

HANG_UP_PATIENCE = 5.0
AGAIN = 5.0
"""Seconds after which stack.json, for which there was no room, is written again."""


def up(without: Collection[str] = ()) -> int:
    """Run all parts but those named `without`.

    Returns the exit status: 0 after Ctrl-C or SIGTERM, 1 when a part failed, 2 on bad settings.
    """
    try:
        environment = full_environment()
        settings = Settings.load(environment)
        with alone_in(settings.run_dir):
            return asyncio.run(_Stack(settings, environment, without).run())
    except BadSettingsError as error:
        say(f"parley: {error}")
        return 2


class _Stack:
    def __init__(
        self, settings: Settings, environment: Mapping[str, str], without: Collection[str]
    ) -> None:
        wanted = Ports.chosen(settings.port_base)
        self._settings = settings
        self._environment = environment
        # A bridge that runs elsewhere has its port already.
        self._ports = wanted if "livekit-sip" in without else wanted.with_free_sip()
        self._door = Door(settings, self._ports.livekit_url)
        services = build_services(settings, self._ports, environment)
        _refuse_unknown(without, services.keys() | set(PARTS))
        self._parts = build_parts(
            settings,
            self._ports,
            environment,
            self._door.ensure,
            without=without,
            calls=self._door.has_calls,
        )
        self._services = {name: run for name, run in services.items() if name not in without}
        listeners = [(part.name, part.port) for part in self._parts]
        if settings.tls and "livekit-sip" not in without:
            listeners.append(("livekit-sip", self._ports.sips))
        self._ports.check(listeners)
        self._supervisor = Supervisor(
            self._parts,
            folder=ROOT,
            logs=settings.run_dir / "logs",
            changed=self._write_stack,
            hung_after=settings.hung_after,
        )
        self._file = settings.run_dir / "stack.json"
        self._is_up = False
        if self._ports.sip != wanted.sip:
            say(f"parley: port {wanted.sip} is taken: SIP is on port {self._ports.sip}")

    async def run(self) -> int:
        """Until a signal (0) or until a part has failed for good (1)."""
        running = asyncio.create_task(self._run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled, running)
        await asyncio.wait({running})
        if running.cancelled():
            return 0
        if not (failure := running.exception()):
            return 0
        if not isinstance(failure, BaseExceptionGroup) or failure.split(PartError)[1]:
            raise failure
        say(f"parley: {failure.exceptions[0]}")
        return 1

    def _signalled(self, running: asyncio.Task[None]) -> None:
        """The first signal hangs up and stops in order; a second one kills."""
        if running.cancelling():
            self._supervisor.kill()
        else:
            say("parley: hanging up and stopping")
            running.cancel()

    async def _run(self) -> None:
        self._file.unlink(missing_ok=True)
        try:
            async with self._supervisor.running():
                try:
                    await self._door.ensure()
                    self._is_up = True
                    self._write_stack()
                    say(ready_block(self._settings, self._ports, self._environment))
                    await run_services(self._services)
                finally:
                    self._is_up = False
                    await self._door.hang_up_all(HANG_UP_PATIENCE)
        finally:
            self._file.unlink(missing_ok=True)

    def _write_stack(self) -> None:
        """What others need to find this stack. It holds no secret."""
        if not self._is_up:
            return
        pids = self._supervisor.pids()
        stack = {
            "pid": os.getpid(),
            "livekit_url": self._ports.livekit_url,
            "sip_host": HOST,
            "sip_port": self._ports.sip,
            "number": self._settings.number,
            "parts": {
                part.name: {"pid": pids.get(part.name), "port": part.port} for part in self._parts
            },
        }
        whole = self._file.with_suffix(".tmp")
        try:
            whole.write_text(json.dumps(stack, indent=2) + "\n")
            whole.replace(self._file)
        except OSError as error:  # a part that died on a full disk is started again all the same
            logger.warning("stack.json cannot be written now", extra={"why": error.strerror})
            asyncio.get_running_loop().call_later(AGAIN, self._write_stack)


def _refuse_unknown(names: Collection[str], known: Collection[str]) -> None:
    if unknown := set(names) - set(known):
        raise BadSettingsError(
            f"--without {min(unknown)}: the parts are {', '.join(sorted(known))}"
        )


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Two stacks in one run folder would share redis' data."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadSettingsError(
                f"Parley is running in {folder} already: stop it, or set PARLEY_RUN_DIR and "
                "PARLEY_PORT_BASE for a second one"
            ) from None
        yield
