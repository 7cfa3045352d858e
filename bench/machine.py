"""What a figure was measured on, and what processes hold while it is."""

import asyncio
import contextlib
import os
import platform
import subprocess
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psutil

_EVERY = 10.0
"""Seconds between two looks: one costs 130 ms of a core, and holds up what it looks at."""
_MIB = 2**20


def facts() -> dict[str, str | int | float]:
    """Machine, date, commit and how busy the machine was before."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": _commit(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _cpu() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    return output("git", "describe", "--always", "--dirty") or "unknown"


def output(*command: str) -> str:
    """What a program prints, stripped; nothing where it fails or is not there."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return ran.stdout.strip()


def memory(pids: Mapping[str, int]) -> dict[str, float]:
    """MiB (PSS, so that shared pages count once) of each process with its children."""
    return {name: round(sum(_pss(tree(pid))) / _MIB, 1) for name, pid in pids.items()}


def tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@contextlib.contextmanager
def gone_is_nothing() -> Generator[None]:
    """Of a process that has ended meanwhile, or is not ours to look at."""
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        yield


def _pss(processes: Iterable[psutil.Process]) -> list[int]:
    held = []
    for process in processes:
        with gone_is_nothing():
            held.append(process.memory_full_info().pss)
    return held


@dataclass
class Peak:
    """The most that was seen, and how busy the cores were."""

    held: dict[str, float] = field(default_factory=dict)
    cpu: list[float] = field(default_factory=list)

    def saw(self, held: Mapping[str, float]) -> None:
        for name, size in held.items():
            self.held[name] = max(size, self.held.get(name, 0.0))


@contextlib.asynccontextmanager
async def watched(pids: Mapping[str, int]) -> AsyncGenerator[Peak]:
    """Inside the block, look every `_EVERY` seconds."""
    peak = Peak()

    async def look() -> None:
        psutil.cpu_percent()
        while True:
            await asyncio.sleep(_EVERY)
            peak.cpu.append(psutil.cpu_percent())
            peak.saw(await asyncio.to_thread(memory, pids))

    looking = asyncio.create_task(look())
    try:
        yield peak
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
