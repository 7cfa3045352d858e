"""The agent as the framework knows it: what it hears, thinks and says passes by here."""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from livekit import rtc
from livekit.agents import Agent, FlushSentinel, ModelSettings, StopResponse, llm, stt
from livekit.agents.voice import UserTurnExceededEvent
from livekit.agents.voice.io import TimedString

from agent import voice
from agent.aside import SLOW, later, split, unless_soon
from agent.clips import Clip
from agent.persona import Persona
from agent.prompt import strict_context

if TYPE_CHECKING:
    from agent.conversation import Conversation

TOO_LONG = (
    "The caller has been speaking for a long time. Politely take the word: one short sentence, then "
    "a question about what matters most."
)


class PhoneAgent(Agent):
    """A persona on the telephone."""

    def __init__(self, persona: Persona, talk: "Conversation") -> None:
        super().__init__(instructions=persona.instructions, tools=talk.toolbox.tools)
        self._talk = talk
        self._budget = persona.memory
        self._moment = persona.failure_plan.moment_message
        self._asides = 0

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncGenerator[stt.SpeechEvent]:
        async def counted() -> AsyncGenerator[rtc.AudioFrame]:
            async for frame in audio:
                self._talk.call.heard_seconds += frame.duration
                self._talk.hear(frame)
                if not self._talk.toolbox.secret:
                    voice.hear(self.session, frame)
                yield self._talk.floor.hear(frame)

        async with (
            aclosing(Agent.default.stt_node(self, counted(), model_settings)) as heard,
            aclosing(self._talk.failures.unheard.listen(heard)) as noted,
            aclosing(self._talk.toolbox.listen(noted)) as meant,
            aclosing(self._talk.floor.listen(meant)) as events,
        ):
            async for event in events:
                yield event

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        if not await self._talk.takes_turn():
            raise StopResponse

    async def on_user_turn_exceeded(self, ev: UserTurnExceededEvent) -> None:
        """What the caller has said is a turn by now; the framework would keep it for the next, too."""
        self.session.clear_user_turn()
        if not await self._talk.takes_turn():
            return
        await self.session.generate_reply(
            user_input=ev.transcript,
            instructions=TOO_LONG,
            allow_interruptions=False,
            tool_choice="none",
        )

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncGenerator[Any]:
        context = strict_context(chat_ctx, self._budget, self._talk.memory.notes)
        async with aclosing(Agent.default.llm_node(self, context, tools, model_settings)) as chunks:
            async for chunk in unless_soon(chunks, SLOW, self._aside):
                yield chunk

    async def transcription_node(
        self, text: AsyncIterable[str | TimedString], model_settings: ModelSettings
    ) -> AsyncGenerator[str | TimedString]:
        async for piece in self._talk.floor.speak(self._without_aside(text)):
            yield piece

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncGenerator[rtc.AudioFrame]:
        opening = 0.0
        async for frame in self._talk.open_line():
            opening += frame.duration
            yield frame
        is_aside, text = await split(text, self._moment)
        if is_aside and (clip := Clip.load("moment")).text == self._moment:
            yield clip.frame()
            return
        written = text if is_aside else self._remembered(text)
        async with aclosing(Agent.default.tts_node(self, written, model_settings)) as sound:
            async for frame in self._explained(sound):
                await self._talk.admit(frame.duration)
                yield later(frame, opening)

    async def _explained(
        self, sound: AsyncGenerator[rtc.AudioFrame]
    ) -> AsyncGenerator[rtc.AudioFrame]:
        """A voice that takes its time, after a clip."""
        clip, shift = Clip.load("moment").frame(), 0.0
        slow = self._talk.failures.slow
        async for frame in unless_soon(sound, SLOW, lambda: [clip] if slow() else []):
            if frame is clip:
                shift = clip.duration
                yield clip
            else:
                yield later(frame, shift)

    def _aside(self) -> list[str | FlushSentinel]:
        if not self._talk.failures.slow():
            return []
        self._asides += 1
        return [self._moment, FlushSentinel()]

    async def _without_aside(
        self, text: AsyncIterable[str | TimedString]
    ) -> AsyncGenerator[str | TimedString]:
        """An apology that is a speech of its own says the same words, and those are shown."""
        is_aside, text = await split(text, self._moment)
        if is_aside and self._asides:
            self._asides -= 1
            return
        async for piece in text:
            yield piece

    async def _remembered(self, text: AsyncIterable[str]) -> AsyncGenerator[str]:
        speech = self.session.current_speech
        async for piece in text:
            if speech:
                self._talk.memory.written(speech.id, piece)
            yield piece
