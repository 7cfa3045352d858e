"""What the session and the line tell of the callee, for as long as it is not known who they are."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from livekit import rtc
from livekit.agents import (
    AgentSession,
    ConversationItemAddedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    llm,
)

from agent.limits import NEVER
from agent.outbound.beep import BeepDetector
from agent.outbound.patience import Callee, Machine


class Attention:
    """To one callee. Sound counts while `listens`."""

    def __init__(self, session: AgentSession[None]) -> None:
        self._session = session
        self._detector: BeepDetector | None = None
        self._waiting: Callee | Machine | None = None
        self._changed = asyncio.Event()
        self._words: list[str] = []
        self.listens = False
        self.beeped_at: float | None = None

    def begin(self) -> None:
        self.listens = True
        self._session.on("user_state_changed", self._on_callee)
        self._session.on("user_input_transcribed", self._on_words)

    def end(self) -> None:
        """But for beeps, which are heard while it listens."""
        self._session.off("user_state_changed", self._on_callee)
        self._session.off("user_input_transcribed", self._on_words)

    def hear(self, frame: rtc.AudioFrame) -> None:
        if not self.listens:
            return
        self._detector = self._detector or BeepDetector(frame.sample_rate)
        if self._detector.hear(np.frombuffer(frame.data, np.int16)):
            self.beeped_at = self._now()
            if isinstance(self._waiting, Machine):
                self._waiting.beeps(self.beeped_at)
            self.look()

    @property
    def beeped(self) -> bool:
        return self.beeped_at is not None

    def look(self) -> None:
        """Something has changed that may be waited for."""
        self._changed.set()

    async def until(self, fact: Callable[[], bool], waiting: Callee | Machine) -> bool:
        """Whether the fact came before the patience with whom we are `waiting` for was over."""
        self._waiting = waiting
        try:
            while not fact() and self._now() < waiting.due:
                await self.change(waiting.due)
        finally:
            self._waiting = None
        return fact()

    async def change(self, due: float) -> None:
        """Until a look is worth while, or until then."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(None if due == NEVER else due):
                await self._changed.wait()

    async def keep_words(self) -> None:
        """What the callee said so far is history, and nobody's turn."""
        self._session.clear_user_turn()
        text, self._words = " ".join(self._words), []
        if not text:
            return
        message = llm.ChatMessage(role="user", content=[text])
        agent = self._session.current_agent
        context = agent.chat_ctx.copy()
        context.insert(message)
        await agent.update_chat_ctx(context)
        self._session.history.insert(message)
        self._session.emit("conversation_item_added", ConversationItemAddedEvent(item=message))

    def _on_callee(self, event: UserStateChangedEvent) -> None:
        if self._waiting is None:
            return
        if event.new_state == "speaking":
            self._waiting.speaks()
        elif event.old_state == "speaking":
            self._waiting.is_quiet(self._now())
        self.look()

    def _on_words(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final and event.transcript:
            self._words.append(event.transcript)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
