"""The agent as the framework knows it: what it hears, thinks and says passes by here."""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from livekit import rtc
from livekit.agents import Agent, ModelSettings, llm, stt

from agent import voice
from agent.persona import Persona
from agent.prompt import strict_context

if TYPE_CHECKING:
    from agent.conversation import Conversation


class PhoneAgent(Agent):
    """A persona on the telephone."""

    def __init__(self, persona: Persona, talk: "Conversation") -> None:
        super().__init__(instructions=persona.instructions, tools=talk.toolbox.tools)
        self._talk = talk

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncGenerator[stt.SpeechEvent]:
        async def counted() -> AsyncGenerator[rtc.AudioFrame]:
            async for frame in audio:
                self._talk.call.heard_seconds += frame.duration
                if not self._talk.toolbox.secret:
                    voice.hear(self.session, frame)
                yield frame

        async with aclosing(Agent.default.stt_node(self, counted(), model_settings)) as events:
            async for event in events:
                if not self._talk.toolbox.takes(event):
                    yield event

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncGenerator[Any]:
        context = strict_context(chat_ctx)
        async with aclosing(Agent.default.llm_node(self, context, tools, model_settings)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncGenerator[rtc.AudioFrame]:
        async for frame in self._talk.open_line():
            yield frame
        async with aclosing(Agent.default.tts_node(self, text, model_settings)) as sound:
            async for frame in sound:
                await self._talk.admit(frame.duration)
                yield frame
