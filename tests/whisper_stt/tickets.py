"""Tickets for tests of what schedules them."""

from collections.abc import Hashable

from whisper_engine.model import Kind
from whisper_engine.whisper.tickets import Ticket


def ticket(
    kind: Kind,
    stream: int = 0,
    *,
    deadline: float = 100.0,
    group: Hashable = "4 s",
    payload: str = "",
    frames: int = 400,
) -> Ticket[str]:
    return Ticket(payload, kind, stream, group, frames, deadline)
