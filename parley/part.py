"""What the supervisor must know of a program to run it."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from parley.part_log import LineFilter

Hook = Callable[[], Awaitable[None]]
Probe = Callable[[], Awaitable[bool]]


class PartError(Exception):
    """A part that Parley cannot run without; the message is one sentence."""


@dataclass(frozen=True)
class Part:
    """A program that Parley runs.

    `answers` is asked until it says yes, at most `patience` seconds long. From then on `alive` is
    asked whether the part does anything at all (`answers`, if None); one that does not is killed, later
    while `spared` says that its death would end calls. `restarted` is awaited
    when the part is up again after a death. `port` is what others reach it by. A part that has
    not ended `stop_patience` seconds after `stop_signal` is killed. With a `log_filter`, its log has
    what that makes of each line.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    port: int
    answers: Probe
    patience: float = 20.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_patience: float = 5.0
    alive: Probe | None = None
    spared: Probe | None = None
    restarted: Hook | None = None
    log_filter: LineFilter | None = None

    def with_defaults(self, variables: Mapping[str, str]) -> Self:
        """The same part with `variables` under those that it has."""
        return replace(self, environment={**variables, **self.environment})
