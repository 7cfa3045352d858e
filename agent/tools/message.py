"""A caller's message, written down for those who were not there."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from livekit.agents import RunContext
from pydantic import Field

from agent.tools.files import append, locked
from agent.tools.guard import Arguments, ToolFailure, Work, in_thread
from agent.tools.kinds import TakeMessage

LIMIT = 5.0
"""Seconds to write a line."""


class Message(Arguments):
    text: str = Field(min_length=1, max_length=2000, description="What the caller wants to say.")
    name: str = Field(min_length=1, max_length=200, description="Who called.")
    callback: str | None = Field(
        None, max_length=100, description="A number to call back, as the caller said it."
    )


def write(path: Path, message: Message, call_id: str, now: datetime, max_bytes: int) -> None:
    """One line of JSON more. Raises `ToolFailure` when the file is full."""
    line = json.dumps(
        {"at": now.isoformat(timespec="seconds"), "call": call_id, **message.model_dump()},
        ensure_ascii=False,
    )
    with locked(path):
        size = path.stat().st_size if path.exists() else 0
        if size + len(line.encode()) + 2 > max_bytes:
            raise ToolFailure("full", "No more messages can be taken. Offer another way.")
        append(path, line)


def taking(
    declared: TakeMessage, folder: Path, call_id: str, clock: Callable[[], datetime]
) -> Work:
    path = folder / declared.folder / "messages.jsonl"

    async def take_message(_: RunContext[None], message: Message) -> object:
        await in_thread(write, path, message, call_id, clock(), declared.max_bytes)
        return {"status": "written down"}

    about = declared.description or (
        "Write down a message for those who are not there. Say it back to the caller first."
    )
    return Work(declared.name, about, Message, take_message, limit=LIMIT)
