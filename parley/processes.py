"""What there is to do with a part's process, and to say of it."""

import asyncio
import contextlib
import os
import shutil
import signal


def kill_group(process: asyncio.subprocess.Process) -> None:
    """What a part leaves behind, or itself; its session makes its pid the group's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def dies_with_us(stop_signal: signal.Signals) -> tuple[str, ...]:
    """On Linux, a prefix that stops the part if this process is killed outright."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", stop_signal.name.removeprefix("SIG")) if setpriv else ()


def how_it_ended(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
