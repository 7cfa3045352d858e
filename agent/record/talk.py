"""What the framework's session tells of a call: turns, tools, interruptions, failures, tokens."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from livekit.agents import (
    AgentFalseInterruptionEvent,
    AgentSession,
    ConversationItemAddedEvent,
    ErrorEvent,
    llm,
)
from livekit.agents.voice.events import (
    ToolCallEnded,
    ToolCallStarted,
    ToolExecutionUpdatedEvent,
)

from agent.failures import PART_OF_ERROR
from agent.record.page import Page, steady_time
from ledger.tables import ToolCallRow, TurnRow

LATENCIES = (
    "transcription_delay",
    "end_of_turn_delay",
    "on_user_turn_completed_delay",
    "llm_node_ttft",
    "llm_node_ttfs",
    "tts_node_ttfb",
    "playback_latency",
    "e2e_latency",
)
"""The framework's metrics of a message that are durations, in seconds."""

UNFINISHED = "the call ended"


class TalkRecord:
    """Of one session. What is said for a masked input reaches no session, and so no record."""

    def __init__(self, page: Page, session: AgentSession[None]) -> None:
        self._page = page
        self._session = session
        self._tools: dict[str, tuple[int, float]] = {}
        session.on("conversation_item_added", self._on_item)
        session.on("tool_execution_updated", self._on_tool)
        session.on("agent_false_interruption", self._on_false_interruption)
        session.on("error", self._on_error)

    def usage(self) -> list[dict[str, Any]]:
        """Of each model so far: tokens, characters, seconds of sound."""
        used = self._session.usage.model_usage
        return [model.model_dump(exclude_defaults=True) | {"type": model.type} for model in used]

    def end(self) -> None:
        """Tools that are still at work end with the call."""
        for call_id in list(self._tools):
            self._tool_ended(call_id, UNFINISHED, failed=True)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage) or item.role not in {"user", "assistant"}:
            return
        metrics: Mapping[str, Any] = item.metrics
        began = metrics.get("started_speaking_at") or item.created_at
        self._page.add(
            TurnRow,
            at=datetime.fromtimestamp(began, UTC),
            role=item.role,
            text=item.text_content or "",
            interrupted=item.interrupted,
            latencies=latencies_of(item),
        )
        if item.interrupted:
            self._page.happened("interruption")

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        match event.update:
            case ToolCallStarted(function_call=call):
                self._tool_started(call)
            case ToolCallEnded() as ended if ended.call_id in self._tools:
                self._tool_ended(ended.call_id, ended.message, failed=ended.status != "done")

    def _tool_started(self, call: llm.FunctionCall) -> None:
        arguments = arguments_of(call.arguments)
        key = self._page.add(
            ToolCallRow,
            at=self._page.now(),
            tool=call.name,
            arguments=arguments,
            failed=False,
            seconds=0.0,
        )
        if key is not None:
            self._tools[call.call_id] = (key, steady_time())

    def _tool_ended(self, call_id: str, result: str | None, *, failed: bool) -> None:
        key, began = self._tools.pop(call_id)
        seconds = steady_time() - began
        self._page.change(ToolCallRow, key, result=result, failed=failed, seconds=seconds)

    def _on_false_interruption(self, event: AgentFalseInterruptionEvent) -> None:
        self._page.happened("false interruption", resumed=event.resumed)

    def _on_error(self, event: ErrorEvent) -> None:
        if part := PART_OF_ERROR.get(getattr(event.error, "type", "")):
            kind = type(event.error.error).__name__
            recoverable = event.error.recoverable
            self._page.happened("failure", part=part, kind=kind, recoverable=recoverable)


def latencies_of(message: llm.ChatMessage) -> dict[str, float]:
    metrics: Mapping[str, Any] = message.metrics
    return {name: metrics[name] for name in LATENCIES if name in metrics}


def arguments_of(text: str) -> dict[str, Any]:
    """A tool's, as the model wrote them; what is no JSON object stands under `text`."""
    try:
        arguments = json.loads(text or "{}")
    except ValueError:
        return {"text": text}
    return arguments if isinstance(arguments, dict) else {"text": text}
