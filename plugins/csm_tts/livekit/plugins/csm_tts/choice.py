"""Which engine a conversation goes to. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Seen:
    """What is known of one engine.

    Args:
        room: how many more calls it takes; 0 when it is full or not ready, None when it is silent.
        failed: it refused or lost a call a moment ago.
    """

    url: str
    room: int | None
    failed: bool = False


def by_room(engines: Sequence[Seen]) -> list[str]:
    """All, most room first; equals keep their order.

    One that has just failed comes after every other with room. Those without are tried last: what
    they said may no longer be so.
    """
    return [engine.url for engine in sorted(engines, key=_rank)]


def _rank(engine: Seen) -> tuple[bool, bool, bool, int]:
    room = engine.room or 0
    return engine.room is None, room == 0, engine.failed, -room
