"""The talk of one call: greeting, turns, failures and goodbye, on the framework's session."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing, suppress
from typing import Any

from livekit import rtc
from livekit.agents import (
    Agent,
    AgentSession,
    CloseEvent,
    CloseReason,
    ConversationItemAddedEvent,
    ErrorEvent,
    ModelSettings,
    RunContext,
    SpeechCreatedEvent,
    UserInputTranscribedEvent,
    function_tool,
    llm,
    stt,
)

from agent import voice
from agent.call import Call
from agent.clips import Clip, frames
from agent.config import Settings
from agent.persona import Persona
from agent.playback import Playback
from agent.prompt import strict_context
from agent.recovery import Part, Recovery

logger = logging.getLogger(__name__)

LEAD_OUT = 0.4
"""Seconds between the agent's last sound and hanging up: the way to the caller is that long."""

TURN_MARGIN = 0.5
"""Seconds that the end of a turn may be late."""

PART_OF_ERROR: dict[str, Part] = {"stt_error": "ears", "llm_error": "mind", "tts_error": "voice"}


class PhoneAgent(Agent):
    """A persona on the telephone."""

    def __init__(self, persona: Persona, talk: "Conversation") -> None:
        super().__init__(instructions=persona.instructions)
        self._talk = talk

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncGenerator[stt.SpeechEvent]:
        async def counted() -> AsyncGenerator[rtc.AudioFrame]:
            async for frame in audio:
                self._talk.call.heard_seconds += frame.duration
                voice.hear(self.session, frame)
                yield frame

        async with aclosing(Agent.default.stt_node(self, counted(), model_settings)) as events:
            async for event in events:
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

    @function_tool
    async def end_call(self, context: RunContext[None]) -> None:
        """End the telephone call. Say goodbye first; use it when the caller wants to stop."""
        await context.wait_for_playout()
        self._talk.end("agent hung up")


class Conversation:
    """Runs the talk until somebody ends it; `over` then holds why."""

    def __init__(
        self, settings: Settings, persona: Persona, call: Call, session: AgentSession[None]
    ) -> None:
        self.call = call
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._playback: Playback | None = None
        self._settings = settings
        self._persona = persona
        self._session = session
        self._recovery = Recovery(settings.recovery.patience, settings.recovery.episode)
        # One failure waits while one is dealt with; more of the same say nothing new.
        self._failures: asyncio.Queue[Part] = asyncio.Queue(maxsize=1)
        self._failures_seen = 0
        self._turn_taken = asyncio.Event()
        self._turn_taken.set()
        self._lead_in = settings.lead_in

    async def start(self, **where: Any) -> None:
        """Start the session (`room=`, `room_options=` as the framework takes them)."""
        self._session.on("conversation_item_added", self._on_item)
        self._session.on("user_input_transcribed", self._on_heard)
        self._session.on("speech_created", self._on_speech)
        self._session.on("error", self._on_error)
        self._session.on("close", self._on_close)
        await self._session.start(PhoneAgent(self._persona, self), **where)
        voice.follow(self._session)
        if output := self._session.output.audio:  # a console may be text alone
            self._playback = Playback(output, limit=self._settings.max_queued_audio)
            self._session.output.audio = self._playback

    async def run(self) -> str:
        """Greet, then talk until the end, which is returned."""
        async with asyncio.TaskGroup() as tasks:
            recovery = tasks.create_task(self._recover())
            self._session.say(self._persona.greeting)
            reason = await self.over
            recovery.cancel()
        await asyncio.sleep(LEAD_OUT)
        return reason

    def end(self, reason: str) -> None:
        if not self.over.done():
            self.over.set_result(reason)

    async def aclose(self) -> None:
        """Stop talking and let go of ears, mind and voice, which the session does not close."""
        if self._playback:
            self.call.spoken_seconds = self._playback.played_seconds
            self.call.stalls = self._playback.stalls
        await self._session.aclose()
        for model in (self._session.stt, self._session.tts, self._session.llm):
            if model is not None:
                await model.aclose()

    async def admit(self, seconds: float) -> None:
        """Wait until there is room for so much more of the agent's sound."""
        if self._playback and self._session.output.audio is self._playback:
            await self._playback.admit(seconds)

    async def open_line(self) -> AsyncGenerator[rtc.AudioFrame]:
        """Silence before the first words: the bridge answers on the first packet, and the way to
        the caller opens behind it."""
        seconds, self._lead_in = self._lead_in, 0.0
        async for frame in frames(Clip.silence(seconds)):
            yield frame

    async def _recover(self) -> None:
        while True:
            part = await self._failures.get()
            if part == "ears" and self._session.current_speech is not None:
                continue  # nobody misses them while the agent speaks; if need be they fail again
            advice = self._recovery.failed(part, asyncio.get_running_loop().time())
            if advice.give_up:
                await self._play(Clip.load("goodbye"))
                self.end(f"{part} stayed away")
                return
            if advice.apologise:
                await self._turn_is_taken()
                self.call.apologies += 1
                await self._play(Clip.load("moment"))
            if advice.retry_after is not None:
                await asyncio.sleep(advice.retry_after)
                self._retry(part)

    async def _play(self, clip: Clip) -> None:
        await self._session.say(clip.text, audio=frames(clip), add_to_chat_ctx=False)

    async def _turn_is_taken(self) -> None:
        """The mind may fail over words whose turn has not ended: its end cuts off what we say."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.turn.max_delay + TURN_MARGIN):
                await self._turn_taken.wait()

    def _retry(self, part: Part) -> None:
        """Answer the caller's last words, or the silence before any, unless somebody speaks."""
        messages = self._session.history.messages()
        if messages and messages[-1].role == "assistant":
            self._recovery.settled(part)
        elif self._session.current_speech is None and self._session.user_state != "speaking":
            self._session.generate_reply()

    def _fail(self, part: Part) -> None:
        self._failures_seen += part != "ears"
        if not self._failures.full():
            self._failures.put_nowait(part)

    def _on_error(self, event: ErrorEvent) -> None:
        part = PART_OF_ERROR.get(getattr(event.error, "type", ""))
        if part is None:
            return
        kind = type(event.error.error).__name__
        about = {"part": part, "recoverable": event.error.recoverable, "kind": kind}
        logger.warning("a part failed", extra=about)
        if part == "ears" or not event.error.recoverable:
            self._fail(part)

    def _on_close(self, event: CloseEvent) -> None:
        self.end("session failed" if event.reason is CloseReason.ERROR else "worker stopped")

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        if event.source != "generate_reply":
            return
        handle, failures_before = event.speech_handle, self._failures_seen

        def check(_: object) -> None:
            """The framework takes an empty reply for a reply: the caller would hear nothing."""
            silent = not handle.interrupted and not handle.chat_items
            if silent and self._failures_seen == failures_before:
                self._fail("mind")

        handle.add_done_callback(check)

    def _on_heard(self, event: UserInputTranscribedEvent) -> None:
        self._turn_taken.clear()
        if event.is_final:
            self._recovery.worked("ears")

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage):
            return
        if item.role == "user":
            self._turn_taken.set()
            self.call.turns += 1
        elif item.role == "assistant":
            self.call.interruptions += item.interrupted
            self._recovery.worked("voice")
            if "llm_node_ttft" in item.metrics:
                self._recovery.worked("mind")
        logger.info(
            "turn",
            extra={
                "role": item.role,
                "interrupted": item.interrupted,
                "metrics": dict(item.metrics),
            },
        )
