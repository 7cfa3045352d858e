"""The caller's and the agent's claim to the word, in one session."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable

from livekit import rtc
from livekit.agents import (
    AgentFalseInterruptionEvent,
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    SpeechCreatedEvent,
    UserStateChangedEvent,
    llm,
    stt,
)
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.io import TimedString

from agent.barge_in.echo import ECHO_TAIL, ROUND_TRIP, OwnWords, without_echo
from agent.barge_in.events import taken_back, text_of, with_text
from agent.barge_in.loudness import Loudness
from agent.barge_in.merge import merged
from agent.barge_in.meter import Metered, silenced
from agent.barge_in.pacing import Pacing
from agent.barge_in.script import Script
from agent.barge_in.sound import Sound
from agent.barge_in.told import Told
from agent.barge_in.turns import is_question, is_short_answer
from agent.barge_in.verdict import Meaning, judge
from agent.lexicon import Lexicon, Words
from agent.persona import Persona
from agent.playback import Playback
from agent.playback.room import Witness

ANSWER_WITHIN = 1.5
"""Seconds before the end of a question in which an acknowledgement was meant as its answer."""


class Floor:
    """Adds to the framework's interruptions what the words mean.

    What the ears heard passes by in `listen`, what the agent says in `speak`. An acknowledgement or
    an echo under the agent's voice is kept from the session, and the voice goes on; words that claim
    the turn interrupt at once. Else the framework decides, by sound or by final words.
    """

    def __init__(self, persona: Persona, session: AgentSession[None]) -> None:
        self._start, self._stop = persona.start_speaking_plan, persona.stop_speaking_plan
        self._lexicon = Lexicon.of(
            persona.language,
            acknowledgements=self._stop.acknowledgement_phrases,
            interruptions=self._stop.interruption_phrases,
            answers=self._start.short_answer_phrases,
        )
        self._session = session
        self._playback: Playback | None = None
        self._told: Told | None = None
        self._own = OwnWords()
        self._loudness = Loudness()
        self._sound = Sound(session, self._stop.backoff_seconds, lambda: self._loudness.faint)
        self._pacing = Pacing(session, self._start)
        self._script = Script()  # of what the agent said last
        self._heard: list[str] = []  # in this turn of the caller's
        self._onset: float | None = None  # of the caller's voice under the agent's, in its sound
        self._kept: asyncio.Queue[stt.SpeechEvent] = asyncio.Queue(maxsize=1)
        self._kept_last: tuple[stt.SpeechEvent, float] | None = None
        self._withheld_at = float("-inf")
        self._passed_on = False  # words that are not final

    def watch(self, playback: Playback | None) -> None:
        """To be called when the session has its outputs."""
        self._playback = playback
        if output := self._session.output.audio:
            self._told = Told(output)
            self._session.output.audio = self._told
        self._session.on("user_state_changed", self._on_caller)
        self._session.on("agent_state_changed", self._on_agent)
        self._session.on("agent_false_interruption", self._on_false_interruption)
        self._session.on("conversation_item_added", self._on_item)
        self._session.on("speech_created", self._on_speech)

    def witness(self, other: Witness | None) -> Witness:
        """Of the agent's sound, to be told what the caller hears."""
        return Metered(self._loudness, other)

    def hear(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        """The caller's sound, as it comes; returned as the ears shall hear it."""
        frame = silenced(self._loudness, frame)
        self._sound.check()
        return frame

    async def listen(
        self, events: AsyncIterable[stt.SpeechEvent]
    ) -> AsyncGenerator[stt.SpeechEvent]:
        """What of the ears' events the session shall know."""
        async for event in merged(events, self._kept):
            if not (text := text_of(event)):
                if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT:
                    self._on_wordless()
                yield event
            elif passed := self._weigh(event, text):
                self._passed_on = event.type != stt.SpeechEventType.FINAL_TRANSCRIPT
                yield passed
            else:
                self._withheld_at = self._now()
                if self._passed_on:  # the session would take it for the caller's turn
                    self._passed_on = False
                    yield taken_back(event)

    async def speak(
        self, text: AsyncIterable[str | TimedString]
    ) -> AsyncGenerator[str | TimedString]:
        """The agent's words, on their way to be spoken."""
        begins = self._playback.position if self._playback else 0.0
        self._own.cut(begins)
        self._own.say("", begins)
        script = self._told.begin() if self._told else Script()
        self._script, unsaid = script, ""
        async for piece in text:
            start, end = (getattr(piece, name, None) for name in ("start_time", "end_time"))
            if isinstance(start, float):
                script.add(piece, start)
                self._own.say(
                    piece, begins + start, begins + end if isinstance(end, float) else None
                )
            else:  # a model parts words where it likes
                script.add(piece)
                whole, space, unsaid = (unsaid + piece).rpartition(" ")
                self._own.say(whole + space)
            yield piece
        self._own.say(unsaid)
        script.end()

    def withheld_since(self, moment: float) -> bool:
        """Whether there were words that the session does not know of, by the loop's time."""
        return self._withheld_at >= moment

    def _weigh(self, event: stt.SpeechEvent, text: str) -> stt.SpeechEvent | None:
        final = event.type == stt.SpeechEventType.FINAL_TRANSCRIPT
        if not self._agent_has_word():
            text = without_echo(text, self._echoes())
            return self._pass(event, text, final=final) if text else None
        verdict = judge(
            text, own=self._echoes(), lexicon=self._lexicon, num_words=self._stop.num_words
        )
        self._sound.heard(verdict.meaning)
        if verdict.withheld:
            if final and verdict.meaning is Meaning.ACKNOWLEDGEMENT:
                self._kept_last = event, self._now()
            self._go_on()
            return None
        if verdict.meaning is Meaning.INTERRUPTION:
            self._interrupt()
        elif final:  # the framework interrupts on it
            self._stopped()
        return self._pass(event, verdict.text, final=final)

    def _pass(self, event: stt.SpeechEvent, text: str, *, final: bool) -> stt.SpeechEvent:
        turn = " ".join((*self._heard, text))
        answers = self._start.short_answers and is_short_answer(
            turn, self._script.text, self._lexicon
        )
        self._pacing.change(answers=answers)
        if final:
            self._heard.append(text)
        return with_text(event, text)

    def _agent_has_word(self) -> bool:
        speech = self._session.current_speech
        return speech is not None and not speech.done() and not speech.interrupted

    def _echoes(self) -> Words:
        """The agent's words that may come back, where the voice that says them began under its own."""
        if self._onset is None or self._playback is None:
            return ()
        return self._own.between(self._onset - ROUND_TRIP, self._playback.played_seconds)

    def _interrupt(self) -> None:
        speech = self._session.current_speech
        if speech is not None and speech.allow_interruptions:
            self._session.interrupt()
            self._stopped()

    def _stopped(self) -> None:
        """The agent was cut off, unless it was still thinking: then the caller merely went on."""
        if self._session.agent_state == "thinking":
            return
        if self._playback:
            self._own.cut(self._playback.played_seconds)
        self._sound.stopped()
        self._pacing.change(hurried=True)

    def _go_on(self) -> None:
        """The framework would, too, but later: it waits for words until it does."""
        if self._session.output.audio:
            self._session.output.audio.resume()

    def _on_wordless(self) -> None:
        """Ears that answer a flush say when there were no words: nobody needs to wait for any."""
        paused = self._playback is not None and self._playback.paused
        if paused and self._agent_has_word() and self._session.user_state != "speaking":
            self._go_on()
            self._resumed()

    def _resumed(self) -> None:
        self._sound.stopped()
        self._pacing.change(hurried=False)

    def _on_caller(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._loudness.began(self._now())
            playback = self._playback
            under = playback is not None and playback.silent_for < ECHO_TAIL
            self._onset = playback.played_seconds if playback and under else None
        else:
            self._loudness.ended()
        self._sound.silence()

    def _on_agent(self, event: AgentStateChangedEvent) -> None:
        paused = self._playback is not None and self._playback.paused
        if paused and event.old_state == "speaking" and event.new_state == "listening":
            self._pacing.change(hurried=True)  # until it is known what for

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        event.speech_handle.add_done_callback(self._on_spoken)

    def _on_spoken(self, speech: SpeechHandle) -> None:
        """What sounded like an acknowledgement may have been the answer."""
        if speech.interrupted or not self._kept_last or not is_question(self._script.text):
            return
        kept, at = self._kept_last
        if self._now() - at <= ANSWER_WITHIN and not self._kept.full():
            self._kept.put_nowait(kept)

    def _on_false_interruption(self, event: AgentFalseInterruptionEvent) -> None:
        if event.resumed:
            self._resumed()

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage):
            return
        if item.role == "user":
            self._heard.clear()
            self._kept_last = None
            self._pacing.change(hurried=False, answers=False)
        elif item.role == "assistant" and item.interrupted:
            self._script = Script()
            self._script.add(item.text_content or "")

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
