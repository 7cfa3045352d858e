"""The framework's worker, with room for so many calls, and a health server."""

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable
from typing import Any, NoReturn

from livekit.agents import NOT_GIVEN, AgentServer, JobProcess, JobRequest, NotGivenOr

from agent.call import HeldCalls
from agent.config import Settings
from agent.figures import Metrics, receiving
from agent.figures.post import VARIABLE
from agent.forking import InThisEnvironment
from agent.health import Health, PortError
from agent.registration import watched

logger = logging.getLogger(__name__)

LOAD_WHEN_FULL = 0.69
"""LiveKit offers no call at its `agents.target_load`, 0.7 by default, and hears of a place that
has become free seconds late. So a full worker is offered calls too; `choose` refuses them."""


class Worker(AgentServer):
    """Takes calls while it holds fewer than `settings.max_calls`."""

    def __init__(self, settings: Settings, prepare: Callable[[JobProcess], None]) -> None:
        super().__init__(
            # The gate is `choose`, which counts exactly; the framework's estimate of the load of
            # calls that have not started would refuse the second of two calls that come at once.
            load_threshold=math.inf,
            load_fnc=self._load,
            num_idle_processes=settings.idle_processes,
            host="127.0.0.1",
            port=0,
            setup_fnc=InThisEnvironment(prepare),
            preload_modules=["agent.preload"],
        )
        self._held = HeldCalls(settings.max_calls)
        self._metrics = Metrics()
        self._health = Health(self._held, self._active, settings, self._metrics)
        self.on("worker_registered", self._health.on_registered)

    async def run(self, *, devmode: bool = False, unregistered: bool = False) -> None:
        """Serve until closed; `unregistered` is the console, which nobody asks for its health.

        Raises SystemExit with one sentence: LiveKit's address or keys are missing, it stayed away,
        or the health server's port is taken.
        """
        if unregistered:
            await super().run(devmode=devmode, unregistered=True)
            return
        try:
            async with (
                self._health.serving(),
                watched(self._health.registration),
                receiving(self._metrics.take) as address,
            ):
                os.environ[VARIABLE] = address  # for the calls' processes, which inherit it
                await super().run(devmode=devmode)
        except (PortError, ValueError) as error:
            _end(f"the worker cannot start: {error}")
        except RuntimeError as error:
            await self.drain()
            await self.aclose()
            _end(f"the worker stops: {error}")

    async def drain(self, timeout: NotGivenOr[int | None] = NOT_GIVEN) -> None:
        """Take no more calls, and wait for the end of those that it holds."""
        self._health.on_draining()
        await super().drain(timeout)

    async def choose(self, request: JobRequest) -> None:
        """Take the call if there is room for it; else leave it to another worker."""
        if not self._held.accept(request.id, self._active(), time.monotonic()):
            logger.warning("call left to other workers", extra={"held": self._held.limit})
            self._metrics.left.inc()
            await request.reject(terminate=False)
            return
        try:
            await request.accept(name="agent")  # returns when the job has a process
        finally:
            self._held.started(request.id)

    def _active(self) -> set[str]:
        return {running.job.id for running in self.active_jobs}

    def _load(self) -> float:
        """Calls held by calls allowed. Never the CPU: a busy machine must not leave callers ringing."""
        return LOAD_WHEN_FULL * self._held.load(self._active(), time.monotonic())


def _end(sentence: str) -> NoReturn:
    """The framework's command line would log a traceback, and exit as if all were well."""

    def read(task: asyncio.Task[Any]) -> None:
        task.exception()  # or asyncio calls it never retrieved

    task = asyncio.current_task()
    assert task is not None
    task.add_done_callback(read)
    raise SystemExit(sentence)
