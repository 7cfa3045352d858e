"""A program of the cluster, which a test may kill and start again."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from parley.part import Part
from parley.settings import ROOT

PATIENCE = 90.0
"""Seconds for whatever a test waits for: a busy machine is no failure."""

LOOK = 0.1


async def until(fact: Callable[[], Awaitable[bool]], what: str) -> None:
    """Raises AssertionError when it does not become true."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await fact():  # noqa: ASYNC110  nobody tells of it
                await asyncio.sleep(LOOK)
    except TimeoutError:
        raise AssertionError(f"waited in vain: {what}") from None


@dataclass
class Node:
    """It belongs to no event loop: the tests have one each."""

    part: Part
    logs: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        return self.logs / f"{self.part.name}.log"

    @property
    def is_up(self) -> bool:
        return self._process is not None

    def said(self) -> str:
        """All that it has written, whenever it was started."""
        return self.log.read_text(errors="replace")

    def spawn(self) -> None:
        """It dies with us, on Linux, whatever becomes of us."""
        setpriv = shutil.which("setpriv")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*((setpriv, "--pdeathsig", "KILL") if setpriv else ()), *self.part.command],
                cwd=ROOT,
                env=dict(self.part.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def answering(self) -> None:
        async def answers() -> bool:
            assert self._process is not None
            ended = self._process.poll()
            assert ended is None, f"{self.part.name} ended ({ended}): {self.said()[-1000:]}"
            return await self.part.answers()

        await until(answers, f"{self.part.name} to answer: {self.log}")

    async def start(self) -> None:
        self.spawn()
        await self.answering()

    def kill(self) -> None:
        """At once, with all that it has started."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
