"""How much of the caller's voice makes a session's agent stop, without words."""

import asyncio
from collections.abc import Callable

from livekit.agents import AgentSession

from agent.barge_in.cooldown import Cooldown
from agent.barge_in.verdict import WITHHELD, Meaning

NEVER = 1e9
"""Seconds of speech that interrupt, where sound alone shall not."""


class Sound:
    """Sets the session's `min_duration`, which the framework reads with every frame of voice.
    `faint`: whether that voice is too faint to be the caller's."""

    def __init__(
        self, session: AgentSession[None], backoff_seconds: float, faint: Callable[[], bool]
    ) -> None:
        self._options = session.options.interruption
        self._usual: float = self._options["min_duration"]
        self._cooldown = Cooldown(backoff_seconds)
        self._faint = faint

    def stopped(self) -> None:
        """The agent has been, or has gone on again: for a while sound does not count."""
        loop = asyncio.get_running_loop()
        self._cooldown.stopped(loop.time())
        self.check()
        loop.call_later(self._cooldown.left(loop.time()) + 0.001, self.check)

    def heard(self, meaning: Meaning) -> None:
        """Of the caller's words so far."""
        self._cooldown.heard(
            asyncio.get_running_loop().time(),
            acknowledgement=meaning in WITHHELD,
            beginning=meaning is Meaning.BEGINNING,
        )
        self.check()

    def silence(self) -> None:
        self._cooldown.silence()
        self.check()

    def check(self) -> None:
        may = self._cooldown.sound_interrupts(asyncio.get_running_loop().time())
        may = may and not self._faint()
        self._options["min_duration"] = self._usual if may else NEVER
