"""What happens in a call, told to the browser in its room, by LiveKit's data messages.

Told and forgotten: what cannot be sent in time is dropped, and nothing waits for it.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from livekit import rtc
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

from agent.call import CallState
from agent.failures import PART_OF_ERROR
from ledger.waterfall import Waterfall

logger = logging.getLogger(__name__)

TOPIC = "parley.events"
VERSION = 1

WAITING = 64
"""Events that may wait to be sent; one more is dropped."""

LONGEST = 2000
"""Characters of a text; a packet holds about 15,000 bytes."""

SENDING = 0.5
"""Seconds that a message may take to leave; at the end of a call, all of them."""

Event = dict[str, Any]
Unspoken = Mapping[str, str]
"""By the id of the history's item: what was cut off."""


class Audience(Protocol):
    def browsers(self) -> Sequence[str]:
        """Identities of those who are there."""

    async def send(self, message: bytes, to: Sequence[str]) -> None:
        """May fail as it likes."""


class RoomAudience:
    """Who is in a room and is neither a telephone nor an agent."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room

    def browsers(self) -> Sequence[str]:
        there = self._room.remote_participants.values()
        standard = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
        return [each.identity for each in there if each.kind == standard]

    async def send(self, message: bytes, to: Sequence[str]) -> None:
        me = self._room.local_participant
        await me.publish_data(message, topic=TOPIC, destination_identities=list(to))


class Show:
    """Of one session. `run` sends what is told, until it is cancelled."""

    def __init__(
        self,
        audience: Audience,
        session: AgentSession[None],
        unspoken: Unspoken,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._audience = audience
        self._unspoken = unspoken
        self._clock = clock
        self._events: asyncio.Queue[Callable[[], Event]] = asyncio.Queue(WAITING)
        self._waterfall = Waterfall()
        self._tools: dict[str, tuple[str, float]] = {}
        session.on("conversation_item_added", self._on_item)
        session.on("tool_execution_updated", self._on_tool)
        session.on("agent_false_interruption", self._on_false_interruption)
        session.on("error", self._on_error)

    async def run(self) -> None:
        while True:
            event = await self._events.get()
            if to := self._audience.browsers():
                await self._send(event(), to)
            self._events.task_done()

    async def flush(self) -> None:
        """Until all has left that was told, for `SENDING` seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SENDING):
                await self._events.join()

    def entered(self, state: CallState) -> None:
        """The call is in it now."""
        self._tell("state", {"state": str(state)})

    async def _send(self, event: Event, to: Sequence[str]) -> None:
        message = json.dumps({"v": VERSION} | event, ensure_ascii=False).encode()
        try:
            async with asyncio.timeout(SENDING):
                await self._audience.send(message, to)
        except Exception as error:  # noqa: BLE001  # a browser that is told nothing ends no call
            logger.debug("a browser was not told", extra={"why": type(error).__name__})

    def _tell(
        self, kind: str, fields: Event, *, at: float | None = None, last: Callable[[], Event] = dict
    ) -> None:
        """`last` are fields that are known when all have heard of what happened."""
        if not self._audience.browsers():
            return
        event = {"kind": kind, "at": round(self._clock() if at is None else at, 3)} | fields
        try:
            self._events.put_nowait(lambda: event | last())
        except asyncio.QueueFull:
            logger.warning("a browser does not keep up: an event was dropped")

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage) or item.role not in {"user", "assistant"}:
            return
        fields = {
            "role": item.role,
            "id": item.id,
            "text": _short(item.text_content or ""),
            "interrupted": item.interrupted,
            "parts": self._waterfall.turn(item.role, item.metrics),
        }
        began = item.metrics.get("started_speaking_at") or item.created_at
        self._tell("turn", fields, at=began, last=lambda: self._cut_off(item.id))
        if item.interrupted:
            self._tell("interruption", {})

    def _cut_off(self, item: str) -> Event:
        return {"unspoken": _short(self._unspoken.get(item, ""))}

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        now = asyncio.get_running_loop().time()
        match event.update:
            case ToolCallStarted(function_call=call):
                self._tools[call.call_id] = (call.name, now)
                self._tool(call.call_id, call.name, "started", None)
            case ToolCallEnded() as ended if ended.call_id in self._tools:
                name, began = self._tools.pop(ended.call_id)
                state = "done" if ended.status == "done" else "failed"
                self._tool(ended.call_id, name, state, round(now - began, 3))

    def _tool(self, id_: str, name: str, state: str, seconds: float | None) -> None:
        self._tell("tool", {"id": id_, "name": name, "state": state, "seconds": seconds})

    def _on_false_interruption(self, event: AgentFalseInterruptionEvent) -> None:
        self._tell("false_interruption", {"resumed": event.resumed})

    def _on_error(self, event: ErrorEvent) -> None:
        if part := PART_OF_ERROR.get(getattr(event.error, "type", "")):
            self._tell("failure", {"part": part, "failure": type(event.error.error).__name__})


@asynccontextmanager
async def shown(
    audience: Audience, session: AgentSession[None], unspoken: Unspoken
) -> AsyncIterator[None]:
    """Inside, the call is active, and a browser that is there is told of it."""
    show = Show(audience, session, unspoken)
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(show.run())
        show.entered(CallState.ACTIVE)
        try:
            yield
            show.entered(CallState.STOPPING)
            await show.flush()
        finally:
            telling.cancel()


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
