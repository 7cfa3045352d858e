"""The first moments of a call that the agent placed: who answered, and what they hear of it."""

import asyncio
from contextlib import AsyncExitStack, suppress

from livekit import rtc
from livekit.agents import AMD, AgentSession, AMDCategory, AMDPredictionEvent

from agent.call import Call, Outcome
from agent.failures import Failures
from agent.outbound.attention import Attention
from agent.outbound.patience import JUDGEMENT, NO_BEEP, ON_HOLD, Callee, Machine
from agent.persona import Persona

SETTLING = 0.3
"""Seconds after the answer until any sound: the way to the callee opens behind it."""
ROBOTS = 3
"""Times in a row that a robot is told who calls."""
LONGEST_MESSAGE = 60.0
"""Seconds of a message, its wait for the voice included."""

PERSON_PAUSE, MACHINE_PAUSE = 0.5, 0.8
"""Seconds of silence after a callee's words, without and with the mind's word for who spoke. A
machine pauses for longer, but its beep is waited for anyway; a person waits for an answer."""

MESSAGE_LEFT, NOT_LEFT, MACHINE_ANSWERED = "voicemail left", "voicemail failed", "machine answered"


class Opening:
    """Of one call. Turns that the callee ends while it is pending are none of the talk's."""

    def __init__(
        self, persona: Persona, session: AgentSession[None], call: Call, failures: Failures
    ) -> None:
        self._plan = persona.outbound
        self._greeting = persona.greeting
        self._session = session
        self._call = call
        self._failures = failures
        self._callee = Attention(session)
        self._pending = True
        self._turns = {True: 0, False: 0}  # by whether it was pending
        self._last_beep = 0.0

    async def run(self) -> str | None:
        """From the answer on. Why the call is over; None when it is time for the greeting."""
        self._last_beep = self._now() + self._plan.beep_max_await_seconds
        self._call.outcome = Outcome.ANSWERED
        self._failures.hush()
        self._session.options.preemptive_generation["enabled"] = False
        self._callee.begin()
        if reason := await self._meet():
            return reason
        self._callee.end()
        self._callee.beeped_at = None
        self._pending = False
        self._session.options.preemptive_generation["enabled"] = True
        self._failures.speak_up()
        return None

    async def unmasked(self) -> str | None:
        """From the greeting on: a machine that was taken for a person is known by its beep,
        and gets its message. None when a person has answered, or is taken for one."""
        while self._plan.voicemail_detection and self._now() < self._last_beep:
            if self._turns[False] > 1:
                break
            if self._callee.beeped:
                self._pending = True
                self._failures.hush()
                await self._session.interrupt(force=True)
                return await self._tell_a_machine()
            await self._callee.change(self._last_beep)
        self._callee.listens = False
        return None

    def hear(self, frame: rtc.AudioFrame) -> None:
        """The callee's sound."""
        self._callee.hear(frame)

    def takes_turn(self) -> bool:
        """The callee has ended a turn. Whether it is none of the talk's."""
        self._turns[self._pending] += 1
        self._callee.look()
        return self._pending

    async def _meet(self) -> str | None:
        """Why the call is over; None for whoever is to be greeted, and when."""
        if self._plan.first_message_mode == "assistant-speaks-first":
            await asyncio.sleep(SETTLING)
            return None
        callee = Callee(self._now(), silence=max(SETTLING, self._plan.callee_silence_seconds))
        for _ in range(ROBOTS):
            category = await self._who_answers(callee)
            if category == AMDCategory.HUMAN:
                self._call.outcome = Outcome.ANSWERED
            if category == AMDCategory.MACHINE_VM:
                return await self._tell_a_machine()
            if category == AMDCategory.MACHINE_UNAVAILABLE:
                break
            await self._callee.keep_words()
            if category != AMDCategory.MACHINE_IVR:
                return None
            self._call.outcome = Outcome.MACHINE
            text = self._plan.screening_message or self._greeting
            await self._session.say(text, allow_interruptions=False)
            callee = Callee(self._now(), silence=ON_HOLD, undecided=ON_HOLD)
        self._call.outcome = Outcome.MACHINE
        return MACHINE_ANSWERED

    async def _who_answers(self, callee: Callee) -> AMDCategory | None:
        """None where nobody can tell."""
        self._callee.beeped_at = None
        if not self._plan.voicemail_detection:
            turns = self._turns[True]
            await self._callee.until(lambda: self._turns[True] > turns, callee)
            return None
        async with AsyncExitStack() as stack:
            detector = await stack.enter_async_context(self._detector())
            verdict: asyncio.Future[AMDPredictionEvent] = asyncio.ensure_future(detector.execute())
            verdict.add_done_callback(lambda _: self._callee.look())
            stack.callback(verdict.cancel)
            await self._callee.until(lambda: verdict.done() or self._callee.beeped, callee)
            if self._callee.beeped:
                judged = Callee(self._now(), silence=JUDGEMENT, undecided=JUDGEMENT)
                await self._callee.until(verdict.done, judged)
            category = verdict.result().category if verdict.done() else None
            if self._callee.beeped and category != AMDCategory.MACHINE_IVR:
                return AMDCategory.MACHINE_VM
            endless = category is None and callee.is_endless(self._now())
            return AMDCategory.MACHINE_UNAVAILABLE if endless else category

    def _detector(self) -> AMD:
        """By the mind and the ears of the session: those of its makers' cloud are never asked."""
        return AMD(
            self._session,
            llm=None,
            stt=None,
            ivr_detection=False,
            suppress_compatibility_warning=True,
            detection_options={
                "human_silence_threshold": PERSON_PAUSE,
                "machine_silence_threshold": MACHINE_PAUSE,
                "max_endpointing_delay": MACHINE_PAUSE,
                "no_speech_threshold": 2 * ON_HOLD,  # who says nothing is waited for in `Callee`
            },
        )

    async def _tell_a_machine(self) -> str:
        """Once, when it is ready, and for no longer than a message may be."""
        self._call.outcome = Outcome.MACHINE
        if self._plan.voicemail_message is None:
            return MACHINE_ANSWERED
        speaking = self._session.user_state == "speaking"
        cap = max(self._last_beep, self._now() + NO_BEEP)
        machine = Machine(self._now(), cap=cap, speaking=speaking)
        if self._callee.beeped_at is not None:
            machine.beeps(self._callee.beeped_at)
        await self._callee.until(lambda: False, machine)
        await self._callee.keep_words()
        speech = self._session.say(self._plan.voicemail_message, allow_interruptions=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_MESSAGE):
                await speech
        said = [item for item in speech.chat_items if item.type == "message" and item.text_content]
        return MESSAGE_LEFT if said else NOT_LEFT

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
