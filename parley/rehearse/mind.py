"""Who answers in a rehearsal: the scripted model without its server, or a real one."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError, llm, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.plugins import openai

from parley.rehearse.record import Record
from parley.scripted.play import Answer, Player
from parley.scripted.strict import fault
from parley.scripted.wire import Message, error_body

TOMORROW = "{tomorrow}"
"""Stands for that date in the arguments of a script's calls."""


class ScriptedMind(llm.LLM):
    """Plays a script on the loop's own time, and notes what it was sent."""

    def __init__(self, player: Player, record: Record, works: Callable[[], bool]) -> None:
        super().__init__()
        self.player = player
        self.works = works
        self._record = record

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        self._record.prompts.append(as_text(chat_ctx))
        offered = [] if tool_choice == "none" else tools or []
        return _Thought(self, chat_ctx=chat_ctx, tools=offered, conn_options=conn_options)


class RealMind(openai.LLM):
    """Notes what it was sent, too."""

    def __init__(self, record: Record, **how: Any) -> None:
        super().__init__(**how)
        self._record = record

    def chat(self, *, chat_ctx: llm.ChatContext, **how: Any) -> openai.llm.LLMStream:
        self._record.prompts.append(as_text(chat_ctx))
        return super().chat(chat_ctx=chat_ctx, **how)


class _Thought(llm.LLMStream):
    async def _run(self) -> None:
        mind = self._llm
        assert isinstance(mind, ScriptedMind)
        if not mind.works():
            raise APIConnectionError("the mind is away")
        answer = mind.player.answer(*self._asked())
        await asyncio.sleep(answer.delay)
        if answer.status is not None:
            raise APIStatusError("the script asks for this error", status_code=answer.status)
        for number, word in enumerate(answer.text.split()):
            await asyncio.sleep(answer.pace or 0.0 if number else 0.0)
            self._say(llm.ChoiceDelta(role="assistant", content=f" {word}" if number else word))
        if answer.call:
            self._say(llm.ChoiceDelta(role="assistant", tool_calls=[_call(answer)]))

    def _asked(self) -> tuple[list[Message], list[str]]:
        """Raises APIStatusError for what a strict chat template refuses."""
        messages = _messages(self._chat_ctx)
        if why := fault(messages):
            raise APIStatusError(why, status_code=400, body=error_body(400, why))
        return messages, list(llm.ToolContext(self._tools).function_tools)

    def _say(self, delta: llm.ChoiceDelta) -> None:
        self._event_ch.send_nowait(llm.ChatChunk(id="rehearsed", delta=delta))


def _messages(context: llm.ChatContext) -> list[Message]:
    sent, _ = context.to_provider_format("openai")
    return [Message.model_validate(message) for message in sent]


def as_text(context: llm.ChatContext) -> str:
    """What a model is sent, a message a line: `user: ...`."""
    return "\n".join(f"{message.role}: {message.text}" for message in _messages(context))


def _call(answer: Answer) -> llm.FunctionToolCall:
    assert answer.call is not None
    tomorrow = datetime.now().astimezone().date() + timedelta(days=1)
    return llm.FunctionToolCall(
        name=answer.call.name,
        arguments=json.dumps(answer.call.arguments).replace(TOMORROW, tomorrow.isoformat()),
        call_id=utils.shortuuid("call_"),
    )
