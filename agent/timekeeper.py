"""Says in a call what silence and the clock ask for, and ends it when they do."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)

from agent.clips import Clip
from agent.failures import Failures
from agent.limits import NEVER, Notice, TimeLimit
from agent.persona import Persona
from agent.silence import Silence

GOODBYE = 20.0
"""Seconds that a last message may take, its wait for the voice included."""


class Timekeeper:
    """Of one session; `run` returns when the call is over."""

    def __init__(
        self,
        persona: Persona,
        session: AgentSession[None],
        failures: Failures,
        end: Callable[[str], None],
    ) -> None:
        self._limits = persona.limits
        self._session = session
        self._failures = failures
        self._end = end
        self._silence = Silence(persona.message_plan)
        self._held: set[str] = set()
        self._changed = asyncio.Event()

    def watch(self) -> None:
        self._session.on("agent_state_changed", self._on_state)
        self._session.on("user_state_changed", self._on_state)
        self._session.on("user_input_transcribed", self._on_heard)

    def hold(self, held: bool, who: str = "the caller") -> None:
        """One holds the other, or is back: what silence there is meanwhile is not the caller's."""
        (self._held.add if held else self._held.discard)(who)
        self._on_state()

    async def run(self) -> None:
        limit = TimeLimit(self._limits, self._now())
        self._silence.afresh(self._now())
        while True:
            await self._wait_until(min(limit.due, self._silence.due))
            if notice := limit.take(self._now()):
                if await self._over(notice):
                    return self._end("time is up")
            elif notice := self._silence.take(self._now()):
                if self._failures.troubled:
                    continue  # it is not the caller who lets the other wait
                if await self._over(notice, allow_interruptions=True):
                    return self._end("silence")

    async def _over(self, notice: Notice, *, allow_interruptions: bool = False) -> bool:
        """Say it; whether the call is over."""
        if not notice.last:
            self._session.say(notice.text)
            return False
        if not allow_interruptions:
            self._session.interrupt()
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                heard = await self._failures.tell(
                    notice.text, Clip.load("goodbye"), allow_interruptions=allow_interruptions
                )
                return heard or not allow_interruptions
        return True

    async def _wait_until(self, due: float) -> None:
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(None if due == NEVER else due):
                await self._changed.wait()

    def _on_state(self, _: AgentStateChangedEvent | UserStateChangedEvent | None = None) -> None:
        """In a console of text alone there is no silence: who types is not in a hurry."""
        session = self._session
        spoken = session.stt is not None and session.output.audio is not None
        idle = session.agent_state in {"listening", "idle"} and session.user_state != "speaking"
        if spoken and idle and not self._held:
            self._silence.quiet(self._now())
        else:
            self._silence.busy()
        self._changed.set()

    def _on_heard(self, _: UserInputTranscribedEvent) -> None:
        self._silence.answered()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
