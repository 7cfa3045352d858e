"""How busy processes keep the machine's cores."""

import contextlib
from collections.abc import Mapping

import psutil


def cpu_seconds(pids: Mapping[str, int]) -> Mapping[str, Mapping[int, float]]:
    """Of each process and its children, by process id. One that is gone has none."""
    return {name: _tree(pid) for name, pid in pids.items()}


def cores(
    before: Mapping[str, Mapping[int, float]],
    after: Mapping[str, Mapping[int, float]],
    seconds: float,
) -> Mapping[str, float]:
    """Between two looks that are so far apart. What began since counts whole; what ended, not."""
    return {
        name: sum(spent - before[name].get(pid, 0.0) for pid, spent in after[name].items())
        / seconds
        for name in before
    }


def _tree(pid: int) -> dict[int, float]:
    spent = {}
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                spent[process.pid] = times.user + times.system
    return spent
