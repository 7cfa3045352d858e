"""A whole call of Parley's, but for the models and the telephone, on virtual time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from livekit.agents import AgentSession, ConversationItemAddedEvent, llm
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.transcription import TranscriptSynchronizer

from agent.call import Call
from agent.config import Settings
from agent.conversation import Conversation
from agent.persona import Persona
from agent.playback import Playback, chain
from agent.recording.call import Beside
from agent.session import Models, assemble
from tests.fakes.caller import Caller
from tests.fakes.earpiece import Earpiece, Samples
from tests.fakes.models import RATE, Reply
from tests.fakes.steady import LEVEL, SteadyMind, SteadyVoice
from tests.fakes.telephone import FakeTelephone

PATIENCE = 120.0
"""Seconds, of virtual time, that something is waited for."""

GREETED = 3.0
"""Seconds after which the greeting is over."""

STORY = (
    "Once there lived a poor fisherman. He had three daughters and a leaking old boat. "
    "Every morning he rowed far beyond the harbour wall. His eldest mended torn nets under a lamp. "
    "One day they found a golden herring among the others. It begged them kindly for its life."
)


class FakeDetector:
    """A turn model that always says the same."""

    model, provider = "fake", "tests"

    def __init__(self, probability: float) -> None:
        self._probability = probability

    async def unlikely_threshold(self, language: object) -> float:
        return 0.25

    async def supports_language(self, language: object) -> bool:
        return True

    async def predict_end_of_turn(self, chat_ctx: llm.ChatContext, **_: object) -> float:
        return self._probability


@dataclass
class Talk:
    """`caller` speaks, `ear` is what reaches them."""

    caller: Caller
    ear: Earpiece
    mind: SteadyMind
    voice: SteadyVoice
    session: AgentSession[None]
    conversation: Conversation

    async def told(self, seconds: float = 3.0, text: str = "Tell me a story.") -> SpeechHandle:
        """The agent has been asked, and has been answering for so long."""
        speech = self.session.generate_reply(user_input=text)
        await self.speaking()
        await asyncio.sleep(seconds)
        return speech

    async def speaking(self) -> None:
        await self.state("speaking")

    async def state(self, state: str) -> None:
        """Until the agent is in it."""
        began = asyncio.Event()

        def on_state(_: object) -> None:
            if self.session.agent_state == state:
                began.set()

        self.session.on("agent_state_changed", on_state)
        on_state(None)
        async with asyncio.timeout(30.0):
            await began.wait()
        self.session.off("agent_state_changed", on_state)

    def history(self, role: str = "assistant") -> list[str]:
        messages = self.session.history.messages()
        return [m.text_content or "" for m in messages if m.role == role]

    async def until_said(self, text: str, *, again: bool = False) -> None:
        """It is in the history; `again`: once more than it is there now."""

        def times() -> int:
            return sum(said.strip() == text for said in self.history())

        wanted = times() + 1 if again else 1
        added = asyncio.Event()

        def on_item(_: ConversationItemAddedEvent) -> None:
            added.set()

        self.session.on("conversation_item_added", on_item)
        async with asyncio.timeout(PATIENCE):
            while times() < wanted:
                added.clear()
                await added.wait()
        self.session.off("conversation_item_added", on_item)

    async def ended(self) -> str:
        """Why the agent hung up."""
        async with asyncio.timeout(PATIENCE):
            return await asyncio.shield(self.conversation.over)

    @property
    def playback(self) -> Playback:
        return next(out for out in chain(self.session.output.audio) if isinstance(out, Playback))

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()


@asynccontextmanager
async def talk(
    persona: Persona,
    replies: Sequence[str | Reply],
    *,
    end_of_turn: float = 0.9,
    settings: Settings = Settings(),  # noqa: B008  # frozen
    telephone: FakeTelephone | None = None,
    ears_answer: bool = False,
    beside: Beside | None = None,
    placed: bool = False,
) -> AsyncIterator[Talk]:
    """The greeting is over; of a call that the agent `placed`, it has just been answered.

    The mind gives the replies in turn, and the last one again.
    """
    left = [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]
    caller, ear = Caller(ears_answer=ears_answer), Earpiece()
    mind = SteadyMind(lambda _: left.pop(0) if len(left) > 1 else left[0])
    voice = SteadyVoice()
    models = Models(caller.ears, mind, voice, caller.vad, FakeDetector(end_of_turn))
    session = assemble(settings, persona, models)
    synchronized = TranscriptSynchronizer(next_in_chain_audio=ear, next_in_chain_text=None)
    session.output.audio = synchronized.audio_output
    session.output.transcription = synchronized.text_output
    conversation = Conversation(settings, persona, Call(id="c1", started_at=0.0), session)
    conversation.introduce(persona, placed=placed)
    await conversation.start(telephone, beside)
    talking = asyncio.create_task(conversation.run())
    await asyncio.sleep(0.0 if placed else GREETED)
    try:
        yield Talk(caller, ear, mind, voice, session, conversation)
    finally:
        conversation.end("the test is over")
        await talking
        await conversation.aclose()
        await synchronized.aclose()


def loud(recording: Samples) -> npt.NDArray[np.bool_]:
    """Which samples are no more than 20 dB under the agent's level."""
    return np.abs(recording) > LEVEL / 10


def heard(said: str) -> str:
    """As it was written."""
    return " ".join(said.split())


def silences(ear: Earpiece, since: float) -> list[tuple[float, float]]:
    """Start and length, in seconds, of each from that time on which sound follows."""
    from_sample = round((since - ear.opened) * RATE)
    sounds = np.flatnonzero(loud(ear.recording())[from_sample:])
    gaps = np.flatnonzero(np.diff(sounds) > 1)
    return [
        (since + float(sounds[i]) / RATE, float(sounds[i + 1] - sounds[i]) / RATE) for i in gaps
    ]


def last_sound(ear: Earpiece) -> float:
    return ear.opened + float(np.flatnonzero(loud(ear.recording()))[-1]) / RATE
