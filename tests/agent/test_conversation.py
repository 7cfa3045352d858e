"""Whole sessions with fakes, on virtual time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from livekit.agents import AgentSession, APIConnectOptions, llm
from livekit.agents.voice.agent_session import SessionConnectOptions

from agent.call import Call
from agent.config import Settings
from agent.conversation import Conversation
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
