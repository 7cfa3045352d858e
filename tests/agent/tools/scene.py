"""A call without a line in which the model uses tools."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livekit.agents import NOT_GIVEN, AgentSession, APIConnectOptions, llm
from livekit.agents.voice.agent_session import SessionConnectOptions

from agent.call import Call
from agent.config import Settings
from agent.conversation import Conversation
from agent.persona import Persona
from tests.fakes.caller import Caller
from tests.fakes.models import FakeMind, FakeVoice, Listener, Reply
from tests.fakes.telephone import FakeTelephone

ONCE = APIConnectOptions(max_retry=0)


@dataclass
class ToolScene:
    """The model uses `uses` in turn, one whenever it is asked, and then says "Done."."""

    tools: list[dict[str, Any]]
    uses: list[Reply] = field(default_factory=list)
    telephone: FakeTelephone = field(default_factory=FakeTelephone)
    folder: Path = Path()
    policies: Mapping[str, Any] = field(default_factory=dict)
    caller: Caller | None = None
    """Who speaks, in scenes where somebody does."""

    async def __aenter__(self) -> "ToolScene":
        uses = iter(self.uses)
        self.mind = FakeMind(lambda _: next(uses, Reply("Done.")))
        self.session = AgentSession[None](
            llm=self.mind,
            tts=FakeVoice(),
            stt=self.caller.ears if self.caller else NOT_GIVEN,
            vad=self.caller.vad if self.caller else None,
            turn_handling={
                "turn_detection": "vad" if self.caller else "manual",
                "preemptive_generation": {"enabled": False},  # it would use up a reply unheard
            },
            aec_warmup_duration=None,
            transcription_timeout=3.0,
            user_away_timeout=None,
            conn_options=SessionConnectOptions(llm_conn_options=ONCE, tts_conn_options=ONCE),
        )
        self.session.output.audio = Listener()
        persona = Persona.model_validate(
            {
                "name": "clerk",
                "instructions": "Be brief.",
                "greeting": "Good day.",
                "tools": self.tools,
                **self.policies,
            }
        )
        self.call = Call(id="c1", started_at=0.0)
        settings = Settings(personas=self.folder)
        self.talk = Conversation(settings, persona, self.call, self.session)
        await self.talk.start(self.telephone)
        self.talking = asyncio.create_task(self.talk.run())
        await asyncio.sleep(2)  # of virtual time: the greeting is over
        return self

    async def __aexit__(self, *_: object) -> None:
        self.talk.end("the test is over")
        await self.talking
        await self.talk.aclose()

    def results(self) -> list[Any]:
        """What the model was told by its tools, in order."""
        items = self.session.history.items
        outputs = [item.output for item in items if item.type == "function_call_output"]
        return [json.loads(output) if output.startswith("{") else output for output in outputs]

    def turns(self) -> list[str]:
        """What the caller said, as the history has it."""
        messages = self.session.history.messages()
        return [m.text_content or "" for m in messages if m.role == "user"]

    def said(self) -> list[str]:
        messages = self.session.history.messages()
        return [m.text_content or "" for m in messages if m.role == "assistant"]


def use(tool: str, saying: str = "", /, **arguments: object) -> Reply:
    """The model's use of a tool, with what it says before."""
    return Reply(saying, tool=tool, arguments=json.dumps(arguments))


def everything_kept(session: AgentSession[None]) -> str:
    """All of the history, as text."""
    return json.dumps([item.model_dump(mode="json") for item in session.history.items])


def seen_by(mind: FakeMind) -> str:
    """All that the model was ever sent, as text."""
    contexts: list[list[llm.ChatMessage]] = mind.seen
    return json.dumps([[m.model_dump(mode="json") for m in messages] for messages in contexts])
