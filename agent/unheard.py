"""What the agent says when speech brought no words. Its ears may be late: they are waited for."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable

from livekit.agents import (
    AgentSession,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    UserTranscriptionTimeoutEvent,
    stt,
)

from agent.barge_in.events import text_of
from agent.recovery import Unheard

LEAST_SPEECH = 0.5
"""Seconds that are more than a cough: less is not answered when no words come of it."""

LATEST_ANSWER = 5.0
"""Seconds. Ears that answer at all have done so by then, or failed (`assemble` gives them 4)."""


class UnheardSpeech:
    """Of one session. `ask` is called when speech has ended without words.

    The framework's `transcription_timeout` counts from the end of the voice alone: on a machine
    that stalls the words may still be on their way. Ears that answer a flush (`manual_flush`) say
    when there are none, by a final of empty text; others are taken at the framework's word.
    `known` says whether what was said since then, by the loop's time, asks for no answer.
    """

    def __init__(
        self,
        session: AgentSession[None],
        *,
        known: Callable[[float], bool],
        ask: Callable[[], None],
    ) -> None:
        self._session = session
        self._known = known
        self._ask = ask
        self._limit = Unheard()
        self._spoke_at = 0.0
        self._over_agent = False
        self._answered = False  # the ears, to the caller's last speech
        self._waiting: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        self._session.on("user_input_transcribed", self._on_heard)
        self._session.on("user_state_changed", self._on_caller)
        self._session.on("user_transcription_timeout", self._on_timeout)

    async def listen(
        self, events: AsyncIterable[stt.SpeechEvent]
    ) -> AsyncGenerator[stt.SpeechEvent]:
        """The ears' events, as they are."""
        async for event in events:
            if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT:
                self._answered = True
                if self._stop_waiting() and not text_of(event):
                    self._speak()
            yield event

    def _on_heard(self, event: UserInputTranscribedEvent) -> None:
        self._stop_waiting()
        if event.is_final:
            self._limit.heard()

    def _on_caller(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._stop_waiting()
            self._answered = False
            self._over_agent = self._session.agent_state == "speaking"
            self._spoke_at = asyncio.get_running_loop().time()

    def _on_timeout(self, event: UserTranscriptionTimeoutEvent) -> None:
        if event.speech_duration < LEAST_SPEECH:
            return
        ears = self._session.stt
        if self._answered or ears is None or not ears.capabilities.manual_flush:
            self._speak()
        else:
            loop = asyncio.get_running_loop()
            self._waiting = loop.call_later(LATEST_ANSWER, self._speak)

    def _speak(self) -> None:
        self._waiting = None
        silent = self._session.agent_state == "listening" and self._session.user_state != "speaking"
        asked_for = not (self._over_agent or self._known(self._spoke_at))
        if silent and asked_for and self._limit.speak():
            self._ask()

    def _stop_waiting(self) -> bool:
        """Whether an answer of the ears was waited for."""
        waited, self._waiting = self._waiting, None
        if waited:
            waited.cancel()
        return waited is not None
