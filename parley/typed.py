"""A talk that is typed: all of the agent but its ears and its voice, on the clock of the wall."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from livekit.agents import ConversationItemAddedEvent, llm, stt
from livekit.agents.language import LanguageCode
from livekit.agents.voice import io
from livekit.agents.voice.events import ToolCallEnded, ToolCallStarted, ToolExecutionUpdatedEvent

from agent.call import Call
from agent.config import Settings
from agent.conversation import Conversation
from agent.persona import Persona
from agent.record.talk import arguments_of
from agent.session import Models, assemble
from parley.rehearse.ears import Line
from parley.rehearse.voice import Voice
from sip.transfer import TransferError

HUNG_UP = "caller hung up"
KEYS = "/keys "
"""Begins a line that is keys of a telephone, no words."""

LOOK = 0.1
"""Seconds without a change of the agent's state. That it has failed is known a little after it has
stopped, and that a tool waits for digits nobody tells."""

Tell = Callable[[Mapping[str, object]], None]
"""Takes what happened: its `kind` is `say`, `tool`, `keys`, `transfer`,
`ring`, `interrupted` or `end`."""


class TypedTalk:
    """Of one call. The caller's next line is asked for when the agent has answered the last one."""

    def __init__(self, persona: Persona, settings: Settings, mind: llm.LLM, tell: Tell) -> None:
        self._tell = tell
        self._persona = persona
        line = Line(persona.language)
        models = Models(line.ears, mind, Voice(), line.vad, line.turns)
        self._session = assemble(settings, persona, models)
        self._page = _Page(tell)
        self._session.output.transcription = self._page
        self._session.on("tool_execution_updated", self._on_tool)
        self._session.on("conversation_item_added", self._on_item)
        self._session.on("agent_state_changed", lambda _: self._changed.set())
        self._talk = Conversation(
            settings, persona, Call(id="typed", started_at=_now()), self._session
        )
        self._telephone = _Telephone(tell)
        self._changed = asyncio.Event()
        self._tools: dict[str, tuple[llm.FunctionCall, float]] = {}

    async def run(self, lines: AsyncIterable[str]) -> str:
        """Why it ended: the agent's reason, or `HUNG_UP` when there are no more lines."""
        self._talk.introduce(self._persona)
        await self._talk.start(self._telephone)
        agent = asyncio.create_task(self._talk.run())
        caller = asyncio.create_task(self._converse(lines))
        try:
            await asyncio.wait({agent, caller}, return_when=asyncio.FIRST_COMPLETED)
            if caller.done():
                caller.result()
            reason = await agent if agent.done() or self._talk.over.done() else HUNG_UP
        finally:
            for task in (agent, caller):
                task.cancel()
            await asyncio.wait({agent, caller})
            await self._talk.aclose()
        self._tell({"kind": "end", "reason": reason})
        return reason

    async def _converse(self, lines: AsyncIterable[str]) -> None:
        await self._page.begun.wait()
        await self._answered()
        async for line in lines:
            if self._talk.over.done():
                return
            if line.startswith(KEYS):
                self._telephone.caller_presses(line.removeprefix(KEYS).strip())
            elif await self._is_a_turn(line):
                # Without words to say it fails, too: what then happens is up to the agent.
                self._session.generate_reply(user_input=line)
            await self._answered()

    async def _is_a_turn(self, line: str) -> bool:
        """A tool that collects digits gets the words before anybody else does."""
        said = stt.SpeechEvent(
            type=stt.SpeechEventType.FINAL_TRANSCRIPT,
            alternatives=[stt.SpeechData(LanguageCode(self._persona.language), line)],
        )

        async def heard() -> AsyncIterator[stt.SpeechEvent]:
            yield said

        return bool(line) and bool([each async for each in self._talk.toolbox.listen(heard())])

    async def _answered(self) -> None:
        """The agent has had nothing to say for a moment, or waits for digits."""
        while True:
            self._changed.clear()
            try:
                async with asyncio.timeout(LOOK):
                    await self._changed.wait()
            except TimeoutError:
                if self._is_idle() or self._talk.toolbox.collecting:
                    return

    def _is_idle(self) -> bool:
        session = self._session
        silent = session.current_speech is None and session.agent_state in {"listening", "idle"}
        return silent and not self._tools and not self._talk.failures.troubled

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        match event.update:
            case ToolCallStarted(function_call=call):
                self._tools[call.call_id] = (call, _now())
            case ToolCallEnded() as ended if ended.call_id in self._tools:
                call, began = self._tools.pop(ended.call_id)
                self._tell(
                    {
                        "kind": "tool",
                        "name": call.name,
                        "arguments": arguments_of(call.arguments),
                        "failed": ended.status != "done",
                        "result": ended.message,
                        "seconds": round(_now() - began, 3),
                    }
                )

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, llm.ChatMessage) and event.item.interrupted:
            self._tell({"kind": "interrupted"})


class _Page(io.TextOutput):
    """Where the agent's words come: told by the speech, on one line."""

    def __init__(self, tell: Tell) -> None:
        super().__init__(label="page", next_in_chain=None)
        self.begun = asyncio.Event()
        self._tell = tell
        self._text = ""

    async def capture_text(self, text: str) -> None:
        self._text += text

    def flush(self) -> None:
        text, self._text = " ".join(self._text.split()), ""
        if text:
            self._tell({"kind": "say", "text": text})
        self.begun.set()


class _Telephone:
    """`agent.tools.telephone.Telephone`: every cold transfer is answered, no warm one, and what is
    pressed is told."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._listeners: list[Callable[[str], None]] = []

    def caller_presses(self, keys: str) -> None:
        for key in keys:
            for listener in self._listeners:
                listener(key)

    def on_key(self, pressed: Callable[[str], None]) -> None:
        self._listeners.append(pressed)

    async def press(self, key: str) -> None:
        self._tell({"kind": "keys", "keys": key})

    async def transfer(self, number: str, ringing: int) -> None:
        self._tell({"kind": "transfer", "to": number})

    async def music(self, clip: Path | None) -> None:
        """Nobody hears it."""
        await asyncio.Event().wait()

    @asynccontextmanager
    async def ring(self, number: str, ringing: int) -> AsyncIterator[Any]:
        """A colleague could not be asked: there is no voice to ask with."""
        self._tell({"kind": "ring", "to": number})
        raise TransferError("unreachable")
        yield  # what makes it a generator

    async def packets(self) -> None:
        """It has no line that could be quiet."""


def _now() -> float:
    return asyncio.get_running_loop().time()
