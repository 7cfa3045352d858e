"""How much of the caller's voice makes a session's agent stop, without words."""

import asyncio

from livekit.agents import AgentSession

from agent.barge_in.cooldown import Cooldown

NEVER = 1e9
"""Seconds of speech that interrupt, where sound alone shall not."""


class Sound:
    """Sets the session's `min_duration`, which the framework reads with every frame of voice."""

    def __init__(self, session: AgentSession[None], backoff_seconds: float) -> None:
        self._options = session.options.interruption
        self._usual: float = self._options["min_duration"]
        self._cooldown = Cooldown(backoff_seconds)

    def stopped(self) -> None:
        """The agent has been, or has gone on again: for a while sound does not count."""
        loop = asyncio.get_running_loop()
        self._cooldown.stopped(loop.time())
        self._set()
        loop.call_later(self._cooldown.left(loop.time()) + 0.001, self._set)

    def heard(self, *, acknowledgement: bool) -> None:
        self._cooldown.heard(acknowledgement=acknowledgement)
        self._set()

    def silence(self) -> None:
        self._cooldown.silence()
        self._set()

    def _set(self) -> None:
        may = self._cooldown.sound_interrupts(asyncio.get_running_loop().time())
        self._options["min_duration"] = self._usual if may else NEVER
