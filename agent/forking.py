"""The process that calls' processes are forked from, begun before the worker has imported anything.

Both import the framework, seconds of a core each: side by side, a worker is ready that much sooner.
"""

import multiprocessing
import os
from collections.abc import Callable, Mapping
from typing import Any

PRELOADED = (
    "livekit.plugins.csm_tts",
    "livekit.plugins.openai",
    "livekit.plugins.whisper_stt",
    "agent.preload",
    "livekit.agents.ipc._preload",
    "livekit.agents.ipc._preload_freeze",
)
"""What the framework would name, in its order: it finds the process there, and begins no other."""
SILERO = "livekit.plugins.silero"
"""For who asks for it."""


def begin() -> None:
    """Returns at once. Where the framework does not fork, nothing is begun."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    from multiprocessing import forkserver  # noqa: PLC0415  # not on every system

    detector = [SILERO] if os.environ.get("AGENT_VAD") == "silero" else []
    forkserver.set_forkserver_preload([*detector, *PRELOADED])
    forkserver.ensure_running()


class InThisEnvironment:
    """`prepare`, in the environment of the process that sends it: what is forked has one as old as
    the process that it is forked from, and the framework completes its own later."""

    def __init__(self, prepare: Callable[..., None]) -> None:
        self._prepare = prepare

    def __call__(self, *args: Any) -> None:
        self._prepare(*args)

    def __reduce__(self) -> tuple[Callable[..., "InThisEnvironment"], tuple[Any, ...]]:
        return _received, (self._prepare, dict(os.environ))


def _received(prepare: Callable[..., None], environment: Mapping[str, str]) -> InThisEnvironment:
    os.environ.clear()
    os.environ.update(environment)
    return InThisEnvironment(prepare)
