"""Whole sessions with fakes, on virtual time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from livekit.agents import (
    AgentSession,
    APIConnectionError,
    APIConnectOptions,
    ErrorEvent,
    UserInputTranscribedEvent,
    llm,
)
from livekit.agents.stt import STTError
from livekit.agents.voice.agent_session import SessionConnectOptions

from agent.call import Call
from agent.clips import Clip
from agent.config import Settings
from agent.conversation import LEAD_OUT, Conversation
from agent.persona import Persona
from tests.fakes.models import FakeMind, FakeVoice, Listener, Reply
from tests.fakes.virtual_time import on_virtual_time

ONCE = APIConnectOptions(max_retry=0)
PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")


@dataclass
class Scene:
    """One call without a telephone: `answer` is the mind, `ask` types a caller's turn."""

    answer: Callable[[list[llm.ChatMessage]], Reply] = lambda _: Reply("Of course.")
    voice: FakeVoice = field(default_factory=FakeVoice)

    async def __aenter__(self) -> "Scene":
        self.mind = FakeMind(self.answer)
        self.session = AgentSession[None](
            llm=self.mind,
            tts=self.voice,
            vad=None,
            turn_handling={"turn_detection": "manual"},
            user_away_timeout=None,
            conn_options=SessionConnectOptions(
                llm_conn_options=ONCE, tts_conn_options=ONCE, max_unrecoverable_errors=1_000_000
            ),
        )
        self.listener = Listener()
        self.session.output.audio = self.listener
        self.call = Call(id="c1", started_at=0.0)
        self.talk = Conversation(Settings(), PERSONA, self.call, self.session)
        await self.talk.start()
        self.talking = asyncio.create_task(self.talk.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.talk.end("the test is over")
        await self.talking
        await self.talk.aclose()

    async def ask(self, text: str) -> None:
        await asyncio.sleep(2)  # of virtual time: the greeting is over
        await self.session.generate_reply(user_input=text)

    def lose_ears(self) -> None:
        """One failed try at hearing, of which the framework makes another by itself."""
        error = STTError(
            timestamp=0.0, label="fake", error=APIConnectionError("away"), recoverable=True
        )
        self.session.emit("error", ErrorEvent(error=error, source=self.mind))

    def said(self) -> list[str]:
        messages = self.session.history.messages()
        return [m.text_content or "" for m in messages if m.role == "assistant"]


@on_virtual_time
async def test_the_caller_is_greeted_after_the_line_has_opened() -> None:
    async with Scene() as scene:
        await asyncio.sleep(5)
        assert scene.said() == ["Good day."]
        assert scene.listener.heard == pytest.approx(0.3 + 2 * 0.3, abs=0.05)


@on_virtual_time
async def test_a_reply_is_heard_and_counted() -> None:
    async with Scene() as scene:
        await scene.ask("Are you open?")
        assert scene.said() == ["Good day.", "Of course."]
    assert scene.call.turns == 1
    assert scene.call.spoken_seconds == pytest.approx(0.3 + 4 * 0.3, abs=0.1)


@on_virtual_time
async def test_the_mind_gets_a_history_that_begins_with_the_caller() -> None:
    async with Scene() as scene:
        await asyncio.sleep(5)
        await scene.ask("Are you open?")
        roles = [message.role for message in scene.mind.seen[-1]]
    assert roles == ["system", "user", "assistant", "user"]


@on_virtual_time
async def test_a_long_reply_never_waits_far_ahead_of_the_listener() -> None:
    async with Scene(answer=lambda _: Reply("word " * 200 + "end.")) as scene:
        await scene.ask("Tell me a story.")
        assert scene.listener.heard > 60.0
    assert scene.listener.most_ahead <= 1.0 + 0.25


@on_virtual_time
async def test_the_reply_after_an_interruption_is_heard() -> None:
    """What the voice had ready of the speech cut off must not take the place of the next."""
    async with Scene(answer=lambda _: Reply("word " * 60 + "end.")) as scene:
        await asyncio.sleep(2)
        scene.session.generate_reply(user_input="Tell me a story.")
        await asyncio.sleep(5)
        await scene.session.interrupt()
        heard = scene.listener.heard
        scene.session.generate_reply(user_input="And another.")
        await asyncio.sleep(10)
        await scene.session.interrupt()
        assert scene.listener.heard > heard + 5


@on_virtual_time
async def test_ending_the_call_by_tool_lets_the_goodbye_be_heard() -> None:
    scene = Scene(answer=lambda _: Reply("Goodbye and thank you.", tool="end_call"))
    async with scene:
        await asyncio.sleep(2)
        scene.session.generate_reply(user_input="Goodbye.")
        assert await scene.talking == "agent hung up"
        assert scene.listener.heard == pytest.approx(0.3 + 0.6 + 4 * 0.3, abs=0.1)


@on_virtual_time
async def test_a_mind_that_comes_back_answers_after_one_apology() -> None:
    failures = iter([True, True, True])
    async with Scene(answer=lambda _: Reply("At nine.", fails=next(failures, False))) as scene:
        await scene.ask("When do you open?")
        await asyncio.sleep(15)
        assert scene.said() == ["Good day.", "At nine."]
    assert scene.call.apologies == 1


@on_virtual_time
async def test_an_empty_answer_is_a_failure_and_asked_again() -> None:
    texts = iter(["", "At nine."])
    async with Scene(answer=lambda _: Reply(next(texts))) as scene:
        await scene.ask("When do you open?")
        await asyncio.sleep(15)
        assert scene.said() == ["Good day.", "At nine."]
    assert scene.call.apologies == 1


@on_virtual_time
async def test_a_mind_that_stays_away_ends_the_call_politely() -> None:
    async with Scene(answer=lambda _: Reply(fails=True)) as scene:
        await scene.ask("When do you open?")
        assert await scene.talking == "mind stayed away"
    assert scene.call.apologies == 1


@on_virtual_time
async def test_a_voice_that_comes_back_says_what_was_owed() -> None:
    working = True
    scene = Scene(voice=FakeVoice(lambda: working))
    async with scene:
        await asyncio.sleep(2)
        working = False
        scene.session.generate_reply(user_input="When do you open?")
        await asyncio.sleep(8)
        assert scene.said() == ["Good day."]
        working = True
        await asyncio.sleep(10)
        assert scene.said() == ["Good day.", "Of course."]
    assert scene.call.apologies == 1


@on_virtual_time
async def test_ears_that_stay_away_are_apologised_for_once_and_then_end_the_call() -> None:
    async with Scene() as scene:
        await asyncio.sleep(5)
        heard = scene.listener.heard
        for _ in range(2 * 25):
            scene.lose_ears()
            await asyncio.sleep(0.5)
        assert await scene.talking == "ears stayed away"
        clips = Clip.load("moment").seconds + Clip.load("goodbye").seconds
        assert scene.listener.heard - heard == pytest.approx(clips, abs=0.1)
    assert scene.call.apologies == 1


@on_virtual_time
async def test_ears_that_fail_while_the_agent_speaks_are_not_spoken_of() -> None:
    async with Scene(answer=lambda _: Reply("word " * 60 + "end.")) as scene:
        await asyncio.sleep(2)
        scene.session.generate_reply(user_input="Tell me a story.")
        for _ in range(5):
            await asyncio.sleep(0.5)
            scene.lose_ears()
        await asyncio.sleep(60)
        assert len(scene.said()) == 2
    assert scene.call.apologies == 0


@on_virtual_time
async def test_an_apology_waits_for_the_end_of_the_turn_it_answers() -> None:
    """A mind that is asked before the turn has ended fails then; the turn's end would cut us off."""
    async with Scene(answer=lambda _: Reply(fails=True)) as scene:
        await asyncio.sleep(2)
        heard = UserInputTranscribedEvent(transcript="When do you", is_final=False)
        scene.session.emit("user_input_transcribed", heard)
        scene.session.generate_reply()
        await asyncio.sleep(1.0)
        assert scene.call.apologies == 0
        await asyncio.sleep(0.5)
        assert scene.call.apologies == 1


@on_virtual_time
async def test_the_line_stays_open_until_the_goodbye_has_reached_the_caller() -> None:
    async with Scene(answer=lambda _: Reply("Goodbye.", tool="end_call")) as scene:
        await asyncio.sleep(2)
        scene.session.generate_reply(user_input="Goodbye.")
        await asyncio.wait({scene.talking})
        lasted = asyncio.get_running_loop().time() - scene.listener.finished_at
        assert lasted == pytest.approx(LEAD_OUT, abs=0.05)
