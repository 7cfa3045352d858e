"""Starts parts in order, keeps them up, and stops them in reverse. It knows nothing of calls."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

from parley.lost import DEATHS, DEATHS_WITHIN, Deaths, until_hung
from parley.part import Part, PartError
from parley.part_log import FilteredLog
from parley.processes import dies_with_us, how_it_ended, kill_group

logger = logging.getLogger(__name__)

PROBE_INTERVAL = 0.1
LOG_PATIENCE = 1.0


class Supervisor:
    """Owns the processes of its parts. One `running` each."""

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        folder: Path,
        logs: Path,
        changed: Callable[[], None] = lambda: None,
        first_pause: float = 0.5,
        hung_after: float = 10.0,
    ) -> None:
        """`folder` is the parts' working directory, `changed` is called when a pid has changed.

        A part is started again `first_pause` seconds after its death, then after twice that. One that
        has not answered for `hung_after` seconds is killed.
        """
        self._parts = parts
        self._folder = folder
        self._logs = logs
        self._changed = changed
        self._first_pause = first_pause
        self._hung_after = hung_after
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._filtered: dict[str, FilteredLog] = {}

    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items()}

    def kill(self) -> None:
        """At once, everything: whoever waits for a part to stop waits no longer."""
        for process in self._processes.values():
            kill_group(process)

    def log_of(self, part: Part) -> Path:
        return self._logs / f"{part.name}.log"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Inside, every part is up and kept up; leaving stops them all, last one first.

        Raises:
            PartError: (in a group) a part died while starting, or three times in a minute.
        """
        self._logs.mkdir(parents=True, exist_ok=True)
        for part in self._parts:
            self.log_of(part).unlink(missing_ok=True)
        try:
            async with asyncio.TaskGroup() as keepers:
                kept = []
                for part in self._parts:
                    await self._start(part)
                    kept.append(keepers.create_task(self._keep(part), name=f"keep {part.name}"))
                yield
                for keeper in kept:
                    keeper.cancel()
        finally:
            for part in reversed(self._parts):
                await self._stop(part)

    async def _start(self, part: Part) -> None:
        """Returns when the part answers. Raises PartError when it dies first, or never does."""
        process = await self._spawn(part)
        died = asyncio.ensure_future(process.wait())
        try:
            async with asyncio.timeout(part.patience):
                while not await part.answers():
                    await asyncio.wait({died}, timeout=PROBE_INTERVAL)
                    if died.done():
                        await self._log_is_written(part)
                        raise PartError(self._last_words(part, died.result()))
        except TimeoutError:
            raise PartError(
                f"{part.name} did not answer within {part.patience:.0f} s: see {self.log_of(part)}"
            ) from None
        finally:
            died.cancel()

    async def _spawn(self, part: Part) -> asyncio.subprocess.Process:
        with self._sink(part) as log:
            process = await asyncio.create_subprocess_exec(
                *dies_with_us(part.stop_signal),
                *part.command,
                cwd=self._folder,
                env=dict(part.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes[part.name] = process
        self._changed()
        return process

    @contextlib.contextmanager
    def _sink(self, part: Part) -> Iterator[int]:
        """Where a part's process is to write its log; the process keeps it."""
        if part.log_filter is None:
            with self.log_of(part).open("ab") as log:
                yield log.fileno()
            return
        filtered = FilteredLog(self.log_of(part), part.log_filter)
        self._filtered[part.name] = filtered
        try:
            yield filtered.sink
        finally:
            filtered.close_sink()

    async def _log_is_written(self, part: Part) -> None:
        """All that a process which is gone had to say."""
        if part.name in self._filtered:
            await asyncio.to_thread(self._filtered[part.name].join, LOG_PATIENCE)

    def _last_words(self, part: Part, status: int) -> str:
        log = self.log_of(part)
        lines = log.read_text(errors="replace").strip().splitlines()
        said = f" ({lines[-1].strip()[:200]})" if lines else ""
        return f"{part.name} died while starting, {how_it_ended(status)}{said}: see {log}"

    async def _keep(self, part: Part) -> None:
        deaths = Deaths(self._first_pause)
        while True:
            status = await self._death(part)
            pause = deaths.count(asyncio.get_running_loop().time())
            if pause is None:
                raise PartError(
                    f"{part.name} died {DEATHS} times within {DEATHS_WITHIN:.0f} s, last "
                    f"{how_it_ended(status)}: see {self.log_of(part)}"
                )
            logger.warning(
                "a part died: starting it again",
                extra={"part": part.name, "how": how_it_ended(status), "in_seconds": pause},
            )
            await asyncio.sleep(pause)
            try:
                await self._start(part)
                if part.restarted:
                    await part.restarted()
            except PartError as error:
                logger.warning("a part did not come back", extra={"reason": str(error)})
                kill_group(self._processes[part.name])
            else:
                logger.warning("a part is up again", extra={"part": part.name})

    async def _death(self, part: Part) -> int:
        """The exit status of one that has died, or was killed because it hung."""
        process = self._processes[part.name]

        async def kill_when_hung() -> None:
            silent = await until_hung(part, self._hung_after)
            about = {"part": part.name, "silent_seconds": round(silent, 1)}
            logger.warning("a part does not answer: killed", extra=about)
            kill_group(process)

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(kill_when_hung(), name=f"watch {part.name}")
            status = await process.wait()
            watching.cancel()
        kill_group(process)
        return status

    async def _stop(self, part: Part) -> None:
        process = self._processes.pop(part.name, None)
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(part.stop_signal)
        try:
            async with asyncio.timeout(part.stop_patience):
                await process.wait()
        except TimeoutError:
            logger.warning("a part would not stop: killed", extra={"part": part.name})
        finally:
            kill_group(process)
        await process.wait()
        await self._log_is_written(part)
