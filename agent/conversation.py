"""The talk of one call, from the greeting to the goodbye, on the framework's session."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

from livekit import rtc
from livekit.agents import (
    AgentSession,
    CloseEvent,
    CloseReason,
    ConversationItemAddedEvent,
    SpeechCreatedEvent,
    llm,
)
from livekit.agents.voice import SpeechHandle, io

from agent import voice
from agent.barge_in import Floor
from agent.call import Call
from agent.clips import SAMPLE_RATE, Clip, frames
from agent.config import Settings
from agent.failures import Failures
from agent.hold import follow
from agent.memory import START, Memory
from agent.outbound import Opening
from agent.persona import Persona
from agent.phone_agent import PhoneAgent
from agent.playback import Playback, chain, load_clip
from agent.recording.call import Beside, CallRecording
from agent.timekeeper import Timekeeper
from agent.tools.box import Surroundings, Toolbox
from agent.tools.telephone import Telephone

logger = logging.getLogger(__name__)

LEAD_OUT = 0.4
"""Seconds between the agent's last sound and hanging up: the way to the caller is that long."""


class Conversation:
    """Runs the talk until somebody ends it; `over` then holds why."""

    def __init__(
        self, settings: Settings, persona: Persona, call: Call, session: AgentSession[None]
    ) -> None:
        self.call = call
        self.memory = Memory()
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._playback: Playback | None = None
        self._settings = settings
        self._persona = persona
        self._session = session
        self._toolbox: Toolbox | None = None
        self._telephone: Telephone | None = None
        self._placed = False
        self._opening: Opening | None = None
        self._lead_in = settings.lead_in
        self._beside: Beside | None = None
        self.recorded_since: datetime | None = None

    @property
    def toolbox(self) -> Toolbox:
        """Once the talk has started."""
        assert self._toolbox is not None
        return self._toolbox

    def introduce(self, persona: Persona, *, placed: bool = False) -> None:
        """The persona as this caller gets it; `placed`: it is the agent who called.

        To be called before `start`.
        """
        self._persona, self._placed = persona, placed

    async def start(
        self, telephone: Telephone | None = None, beside: Beside | None = None, **where: Any
    ) -> None:
        """Start the session (`room=`, `room_options=` as the framework takes them).

        `beside` plays what is no speech of the session's; without it, the session says that, too.
        """
        self._beside = beside
        self._telephone = telephone
        self._toolbox = self._make_toolbox(telephone)
        self.floor = Floor(self._persona, self._session)
        self.failures = Failures(
            self._settings,
            self._persona,
            self.call,
            self._session,
            end=self.end,
            hand_over=self.toolbox.hand_over,
            took_since=self._took_since,
        )
        self._timekeeper = Timekeeper(self._persona, self._session, self.failures, self.end)
        if self._placed:
            self._opening = Opening(self._persona, self._session, self.call, self.failures)
        self._session.on("conversation_item_added", self._on_item)
        self._session.on("speech_created", self._on_speech)
        self._session.on("close", self._on_close)
        self.failures.watch()
        self._timekeeper.watch()
        self._recording = self._make_recording()
        await self._session.start(PhoneAgent(self._persona, self), **where)
        self._recording.overhear(self._session)
        voice.follow(self._session)
        if outputs := list(chain(self._session.output.audio)):  # a console may be text alone
            self._playback = self._make_playback(outputs[-1])
            self._session.output.replace_audio_tail(self._playback)
        self.floor.watch(self._playback)

    def _took_since(self, moment: float) -> bool:
        return self.toolbox.took_since(moment) or self.floor.withheld_since(moment)

    def _make_recording(self) -> CallRecording:
        plan, folder = self._persona.recording_plan, self._settings.recordings
        return CallRecording(plan, folder, self.call.id, secret=lambda: self.toolbox.secret)

    def _make_playback(self, room: io.AudioOutput) -> Playback:
        plan, limit = self._persona.stop_speaking_plan, self._settings.max_queued_audio
        path = self._settings.personas / plan.trailing_clip if plan.trailing_clip else None
        clip = [load_clip(path, SAMPLE_RATE)] if path else []
        witness = self.floor.witness(self._recording.recorder)
        return Playback(room, limit=limit, fade=plan.fade_seconds, clip=clip, witness=witness)

    async def run(self) -> str:
        """Greet, then talk until the end, which is returned."""
        async with asyncio.TaskGroup() as tasks:
            watches = [
                tasks.create_task(self.failures.run()),
                tasks.create_task(self.toolbox.run()),
                tasks.create_task(self._converse()),
            ]
            reason = await self.over
            for watch in watches:
                watch.cancel()
        await asyncio.sleep(LEAD_OUT)
        return reason

    async def _converse(self) -> None:
        """The greeting, once somebody is there for it, then the time that the talk takes."""
        if self._opening and (reason := await self._opening.run()):
            self.end(reason)
            return
        await self._recording.begin(self._session, self._beside)
        self._session.say(self._persona.greeting)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._timekeeper.run())
            if self._telephone:
                tasks.create_task(follow(self._telephone.packets, self._timekeeper.hold))
            if self._opening and (reason := await self._opening.unmasked()):
                self.end(reason)

    def hear(self, frame: rtc.AudioFrame) -> None:
        """The caller's sound, as it comes in."""
        self.toolbox.hear(frame)
        if self._opening:
            self._opening.hear(frame)

    async def takes_turn(self) -> bool:
        """Whether the turn that the caller has ended is a turn of the talk, when it is time for it."""
        if self._opening and self._opening.takes_turn():
            return False
        await self._recording.told.wait()
        return True

    def hold(self, held: bool) -> None:
        """They wait, for an answer or for somebody else, or need not any more: nobody listens."""
        self._timekeeper.hold(held, "we")
        self._session.input.set_audio_enabled(not held)

    def end(self, reason: str) -> None:
        if not self.over.done():
            self.over.set_result(reason)

    async def parting(self, reason: str) -> str:
        """Why the call is over, once the talk has ended or the caller has left for `reason`."""
        return await self._toolbox.parting(reason) if self._toolbox else reason

    async def aclose(self) -> None:
        """Stop talking and let go of ears, mind and voice, which the session does not close."""
        if self._playback:
            self.call.spoken_seconds = self._playback.played_seconds
            self.call.stalls = self._playback.stalls
        await self._session.aclose()
        if self._toolbox and (path := await self._recording.end()):
            self.call.recording, self.recorded_since = str(path), self._recording.since
        if self._playback:
            await self._playback.aclose()
        for model in (self._session.stt, self._session.tts, self._session.llm):
            if model is not None:
                await model.aclose()

    async def admit(self, seconds: float) -> None:
        """Wait until there is room for so much more of the agent's sound."""
        if self._playback and self._playback in chain(self._session.output.audio):
            await self._playback.admit(seconds)

    async def open_line(self) -> AsyncGenerator[rtc.AudioFrame]:
        """Silence before the first words: the bridge answers on the first packet, and the way to
        the caller opens behind it."""
        if self._playback:
            self._playback.begin()
        seconds, self._lead_in = self._lead_in, 0.0
        async for frame in frames(Clip.silence(seconds)):
            yield frame

    def _make_toolbox(self, telephone: Telephone | None) -> Toolbox:
        around = Surroundings(
            session=self._session,
            telephone=telephone,
            end=self.end,
            call_id=self.call.id,
            folder=self._settings.personas,
            secrets=os.environ,
            stop_recording=self.stop_recording,
            hold=self.hold,
        )
        return Toolbox(self._persona, around)

    def stop_recording(self, discard: bool) -> bool:
        """From now on, and with `discard` altogether; False: this call is not recorded."""
        return self._recording.cease(discard=discard)

    def _on_close(self, event: CloseEvent) -> None:
        self.end("session failed" if event.reason is CloseReason.ERROR else "worker stopped")

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        event.speech_handle.add_done_callback(self._on_spoken)

    def _on_spoken(self, speech: SpeechHandle) -> None:
        if speech.interrupted:
            items = self._session.history.items
            self.memory.unheard(speech.id, items[-1].id if items else START)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage):
            return
        if item.role == "user":
            self.call.turns += 1
        elif item.role == "assistant":
            self.call.interruptions += item.interrupted
            self.memory.heard(item.id, item.text_content or "", cut=item.interrupted)
        about = {"role": item.role, "interrupted": item.interrupted}
        logger.info("turn", extra=about | {"metrics": dict(item.metrics)})
