"""How long the agent waits for whoever answers, and for a machine's beep. Pure: `now` is passed in, in
seconds on any clock that does not jump."""

from agent.limits import NEVER

UNDECIDED = 3.0
"""Seconds of silence after the callee's words: a person who waits for longer hangs up."""
ON_HOLD = 20.0
"""The same with a robot that looks for a person."""
LONGEST_ANSWER = 60.0
"""Seconds of one who goes on speaking: no person does."""
JUDGEMENT = 1.0
"""Seconds after a beep in which the mind may still say that it was a robot's, who asks for words."""

AFTER_BEEP = 0.6
"""Seconds: some machines beep more than once."""
NO_BEEP = 4.0
"""Seconds of silence after a machine's words: nearly all have beeped by then, few have hung up."""


class Callee:
    """When the agent shall speak to whoever answered, while it is not known who that is."""

    def __init__(self, now: float, *, silence: float, undecided: float = UNDECIDED) -> None:
        """`silence` is for a callee who says nothing at all."""
        self._end = now + LONGEST_ANSWER
        self._due = now + silence
        self._undecided = undecided

    @property
    def due(self) -> float:
        return min(self._due, self._end)

    def is_endless(self, now: float) -> bool:
        """It is no person who speaks."""
        return self._due > now >= self._end

    def speaks(self) -> None:
        self._due = NEVER

    def is_quiet(self, now: float) -> None:
        """After they spoke."""
        if self._due == NEVER:
            self._due = now + self._undecided


class Machine:
    """When an answering machine is ready for the message."""

    def __init__(self, now: float, *, cap: float, speaking: bool = False) -> None:
        """It is at `cap` at the latest."""
        self._cap = cap
        self._quiet_since = NEVER if speaking else now
        self._beeped = NEVER

    @property
    def due(self) -> float:
        return min(self._cap, self._beeped + AFTER_BEEP, self._quiet_since + NO_BEEP)

    def speaks(self) -> None:
        """What follows a tone is the machine's again: the tone was not yet the last."""
        self._quiet_since = self._beeped = NEVER

    def is_quiet(self, now: float) -> None:
        self._quiet_since = now

    def beeps(self, now: float) -> None:
        """A beep has ended."""
        self._beeped = now
