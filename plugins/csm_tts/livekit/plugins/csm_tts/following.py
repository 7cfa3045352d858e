"""A session that is followed: its caller's turns, and what was heard of ours, go to the engine."""

from livekit.agents import (
    AgentSession,
    ConversationItemAddedEvent,
    SpeechCreatedEvent,
    llm,
)
from livekit.agents.voice import SpeechHandle, io
from livekit.plugins.csm_tts.memory import Memory
from livekit.plugins.csm_tts.playing import Played


class Following:
    """Ends with `detach`, or with the TTS."""

    def __init__(self, session: AgentSession, memory: Memory) -> None:
        self.session = session
        self._memory = memory
        self._played: Played | None = None
        self.ended = False
        session.on("conversation_item_added", self._on_item)
        session.on("speech_created", self._on_speech)
        self._tap()

    def detach(self) -> None:
        """Twice is once. What is in the way of the sound stays there, and only passes it on."""
        self.ended = True
        self._memory.watched = False
        self.session.off("conversation_item_added", self._on_item)
        self.session.off("speech_created", self._on_speech)
        if self._played is not None:
            self._played.release()

    def _tap(self) -> None:
        """The session may get its output when it starts, and another one later."""
        output = self.session.output.audio
        if output is None or self._played in _chain(output):
            return
        if self._played is not None:
            self._played.release()
        self._played = Played(output, self._memory.cut, self._memory.unclaimed)
        self.session.output.audio = self._played
        self._memory.watched = True

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, llm.ChatMessage) and item.role == "user":
            self._memory.heard(item.text_content or "")

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        self._tap()
        generation = self._memory.next_generation()

        def settle(handle: SpeechHandle) -> None:
            if handle.interrupted:
                self._memory.cut_unplayed(generation)

        event.speech_handle.add_done_callback(settle)


def _chain(output: io.AudioOutput | None) -> list[io.AudioOutput]:
    chain = []
    while output is not None:
        chain.append(output)
        output = output.next_in_chain
    return chain
