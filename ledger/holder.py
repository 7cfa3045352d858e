"""The process that holds a call, by a name under which its own machine can look it up."""

import os
import socket
from pathlib import Path

NAMESPACE = Path("/proc/self/ns/pid")


def this_process() -> str:
    """`PLACE:PID`."""
    return f"{this_place()}:{os.getpid()}"


def this_place() -> str:
    """Where processes are numbered: containers of one machine may share its name, not their numbers."""
    numbered = NAMESPACE.stat().st_ino if NAMESPACE.exists() else 0
    return f"{socket.gethostname()}:{numbered}"


def parsed(holder: str) -> tuple[str, int]:
    """Place and number of what `this_process` said. Raises ValueError."""
    place, _, pid = holder.rpartition(":")
    return place, int(pid)
