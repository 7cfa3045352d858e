"""How long a call may last. Pure: `now` is passed in, in seconds."""

from dataclasses import dataclass

from agent.persona.policies import Limits

NEVER = float("inf")


@dataclass(frozen=True)
class Notice:
    """Something to be said; the call is over after the last one."""

    text: str
    last: bool = False


class TimeLimit:
    """One warning, then the end. There is no warning that would come before the talk."""

    def __init__(self, limits: Limits, started: float) -> None:
        self._limits = limits
        self._end = started + limits.max_duration_seconds
        before = limits.duration_warning_seconds
        self._warning = self._end - before if 0 < before < limits.max_duration_seconds else NEVER

    @property
    def due(self) -> float:
        """When there is something to be said next."""
        return min(self._warning, self._end)

    def take(self, now: float) -> Notice | None:
        """What is due, once."""
        if now >= self._end:
            self._end = self._warning = NEVER
            return Notice(self._limits.duration_end_message, last=True)
        if now >= self._warning:
            self._warning = NEVER
            return Notice(self._limits.duration_warning_message)
        return None
