"""What one call tells the worker's metrics while it goes on."""

import asyncio
from collections.abc import Iterable

from livekit.agents import (
    AgentFalseInterruptionEvent,
    AgentSession,
    ConversationItemAddedEvent,
    ErrorEvent,
    llm,
)
from livekit.agents.voice.events import ToolCallEnded, ToolCallStarted, ToolExecutionUpdatedEvent

from agent.call import Call
from agent.failures import PART_OF_ERROR
from agent.figures.post import Figure, Sink
from agent.record import outcome_of
from agent.record.talk import latencies_of
from ledger.waterfall import Waterfall


class CallFigures:
    """Of one call. Without a sink, nobody is told."""

    def __init__(self, sink: Sink | None) -> None:
        self._sink = sink
        self._direction = ""
        self._tools: dict[str, float] = {}
        self._waterfall = Waterfall()

    def begun(self, direction: str) -> None:
        self._direction = direction
        self._tell([Figure("calls_begun", labels={"direction": direction})])

    def watch(self, session: AgentSession[None]) -> None:
        session.on("conversation_item_added", self._on_item)
        session.on("tool_execution_updated", self._on_tool)
        session.on("agent_false_interruption", self._on_false_interruption)
        session.on("error", self._on_error)

    def ended(self, call: Call, now: float) -> None:
        """The call is over, and nothing is told after this; `now` is on the call's clock."""
        labels = {"direction": self._direction, "outcome": str(outcome_of(call))}
        stalls = (Figure("stalls", n, {"reason": why}) for why, n in call.stalls.items())
        if self._direction:
            self._tell(
                [
                    Figure("calls_ended", labels=labels),
                    Figure("call_seconds", call.age(now)),
                    Figure("apologies", call.apologies),
                    *stalls,
                ]
            )
        if self._sink:
            self._sink.close()

    def _tell(self, figures: Iterable[Figure]) -> None:
        if self._sink:
            self._sink.send(figures)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if not isinstance(event.item, llm.ChatMessage):
            return
        took = self._waterfall.turn(event.item.role, latencies_of(event.item))
        figures = [Figure("turn_seconds", s, {"part": part}) for part, s in took.items()]
        if event.item.interrupted:
            figures.append(Figure("interruptions"))
        if figures:
            self._tell(figures)

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        match event.update:
            case ToolCallStarted(function_call=call):
                self._tools[call.call_id] = _now()
            case ToolCallEnded() as ended if ended.call_id in self._tools:
                failed = "false" if ended.status == "done" else "true"
                seconds = _now() - self._tools.pop(ended.call_id)
                count = Figure("tool_calls", labels={"failed": failed})
                self._tell([count, Figure("tool_seconds", seconds)])

    def _on_false_interruption(self, event: AgentFalseInterruptionEvent) -> None:
        resumed = "true" if event.resumed else "false"
        self._tell([Figure("false_interruptions", labels={"resumed": resumed})])

    def _on_error(self, event: ErrorEvent) -> None:
        if part := PART_OF_ERROR.get(getattr(event.error, "type", "")):
            self._tell([Figure("part_failures", labels={"part": part})])


def _now() -> float:
    return asyncio.get_running_loop().time()
