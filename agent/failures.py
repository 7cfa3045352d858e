"""Watches ears, mind and voice fail in a call, and does what recovery.py advises."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from livekit.agents import (
    AgentSession,
    ConversationItemAddedEvent,
    ErrorEvent,
    SpeechCreatedEvent,
    UserInputTranscribedEvent,
    llm,
)

from agent.call import Call
from agent.clips import Clip, frames
from agent.config import Settings
from agent.persona import Persona
from agent.recovery import Part, Recovery
from agent.tools.guard import ToolFailure
from agent.unheard import UnheardSpeech

logger = logging.getLogger(__name__)

TURN_MARGIN = 0.5
"""Seconds that the end of a turn may be late."""

PART_OF_ERROR: dict[str, Part] = {"stt_error": "ears", "llm_error": "mind", "tts_error": "voice"}


class Failures:
    """Of one session. `run` deals with them until it is cancelled or has to call `end`.

    `hand_over` takes the call to somebody else, or raises `ToolFailure`. `took_since` says whether
    words of the caller's have gone to a tool since then.
    """

    def __init__(
        self,
        settings: Settings,
        persona: Persona,
        call: Call,
        session: AgentSession[None],
        *,
        end: Callable[[str], None],
        hand_over: Callable[[str], Awaitable[None]],
        took_since: Callable[[float], bool],
    ) -> None:
        self._plan = persona.failure_plan
        self._longest_turn = persona.start_speaking_plan.max_wait_seconds + TURN_MARGIN
        self._call = call
        self._session = session
        self._end = end
        self._hand_over = hand_over
        self.unheard = UnheardSpeech(
            session,
            known=lambda moment: (
                self._hushed_until >= moment or self._recovery.is_away("ears") or took_since(moment)
            ),
            ask=self._say_unheard,
        )
        self._recovery = Recovery(settings.recovery.patience, settings.recovery.episode)
        # One failure waits while one is dealt with; more of the same say nothing new.
        self._waiting: asyncio.Queue[Part] = asyncio.Queue(maxsize=1)
        self._seen = 0
        self._hushed_until = float("-inf")
        self._turn_taken = asyncio.Event()
        self._turn_taken.set()

    def watch(self) -> None:
        self._session.on("conversation_item_added", self._on_item)
        self._session.on("user_input_transcribed", self._on_heard)
        self._session.on("speech_created", self._on_speech)
        self._session.on("error", self._on_error)
        self.unheard.watch()

    async def run(self) -> None:
        while True:
            part = await self._waiting.get()
            if part == "ears" and self._session.current_speech is not None:
                continue  # nobody misses them while the agent speaks; if need be they fail again
            advice = self._recovery.failed(part, self._now())
            if advice.give_up:
                return await self._leave(f"{part} stayed away")
            if advice.apologise:
                await self._turn_is_taken()
                self._call.apologies += 1
                await self.tell(self._plan.moment_message, Clip.load("moment"))
            if advice.retry_after is not None:
                await asyncio.sleep(advice.retry_after)
                self._retry(part)

    def hush(self) -> None:
        """Nobody is there yet who could be told: what fails is passed over until `speak_up`."""
        self._hushed_until = float("inf")

    def speak_up(self) -> None:
        self._hushed_until = self._now()

    @property
    def troubled(self) -> bool:
        return self._recovery.troubled

    def slow(self) -> bool:
        """The mind takes its time; whether to say so now."""
        asks = self._hushed_until < self._now() and self._recovery.slow()
        self._call.apologies += asks
        return asks

    async def tell(self, text: str, clip: Clip, *, allow_interruptions: bool = True) -> bool:
        """Say `text`, by the clip if it says just that or if the voice cannot; it is no part of the
        talk. False if the caller interrupted."""
        failures_before = self._seen
        if text != clip.text and not self._recovery.is_away("voice"):
            speech = self._session.say(
                text, add_to_chat_ctx=False, allow_interruptions=allow_interruptions
            )
            await speech
            if speech.interrupted or self._seen == failures_before:
                return not speech.interrupted
        speech = self._session.say(
            clip.text,
            audio=frames(clip),
            add_to_chat_ctx=False,
            allow_interruptions=allow_interruptions,
        )
        await speech
        return not speech.interrupted

    async def _leave(self, reason: str) -> None:
        """To whom the persona says; failing that, with a goodbye."""
        if self._plan.transfer_to:
            with suppress(ToolFailure):
                await self._hand_over(self._plan.transfer_to)
                return
        await self.tell(self._plan.goodbye_message, Clip.load("goodbye"))
        self._end(reason)

    async def _turn_is_taken(self) -> None:
        """The mind may fail over words whose turn has not ended: its end cuts off what we say."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._longest_turn):
                await self._turn_taken.wait()

    def _retry(self, part: Part) -> None:
        """Answer the caller's last words, or the silence before any, unless somebody speaks."""
        messages = self._session.history.messages()
        if messages and messages[-1].role == "assistant":
            self._recovery.settled(part)
        elif self._session.current_speech is None and self._session.user_state != "speaking":
            self._session.generate_reply()

    def _fail(self, part: Part) -> None:
        self._seen += part != "ears"
        if self._hushed_until < self._now() and not self._waiting.full():
            self._waiting.put_nowait(part)

    def _on_error(self, event: ErrorEvent) -> None:
        part = PART_OF_ERROR.get(getattr(event.error, "type", ""))
        if part is None:
            return
        kind = type(event.error.error).__name__
        about = {"part": part, "recoverable": event.error.recoverable, "kind": kind}
        logger.warning("a part failed", extra=about)
        if part == "ears" or not event.error.recoverable:
            self._fail(part)

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        if event.source != "generate_reply":
            return
        handle, failures_before = event.speech_handle, self._seen

        def check(_: object) -> None:
            """The framework takes an empty reply for a reply: the caller would hear nothing."""
            silent = not handle.interrupted and not handle.chat_items
            if silent and self._seen == failures_before:
                self._fail("mind")

        handle.add_done_callback(check)

    def _on_heard(self, event: UserInputTranscribedEvent) -> None:
        self._turn_taken.clear()
        if event.is_final:
            self._recovery.worked("ears")

    def _say_unheard(self) -> None:
        self._session.say(self._plan.unheard_message)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage):
            return
        if item.role == "user":
            self._turn_taken.set()
        elif item.role == "assistant":
            self._recovery.worked("voice")
            if "llm_node_ttft" in item.metrics:
                self._recovery.worked("mind")

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
