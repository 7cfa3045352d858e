"""What would be done to the objects of a side (Twilio, LiveKit), and doing it, one step at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Action = Literal["create", "update", "delete", "link", "unlink"]

SECRET = "(secret)"
"""Stands for a value that is never shown."""


class SideError(Exception):
    """A side cannot be read, or refuses a change. The message names the fix; it holds no secret."""


@dataclass(frozen=True)
class Change:
    """One object: what it is, what becomes of it, and how.

    `fields` holds, by name, what is there and what shall be: None where nothing is. `apply` reads
    ids of objects made before it from the side that planned it, so that a plan's changes are applied
    in its order. Raises `SideError`.
    """

    action: Action
    kind: str
    name: str
    apply: Callable[[], Awaitable[None]] = field(repr=False, compare=False)
    fields: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        return {
            "action": self.action,
            "kind": self.kind,
            "name": self.name,
            "fields": {
                key: {"is": is_, "shall": shall} for key, (is_, shall) in self.fields.items()
            },
        }


class Side(Protocol):
    """Twilio's or LiveKit's objects of one line. Both plans read the real state.

    Objects are known by their name, which is the line's; those of other names are left alone, and
    one that stands in the way (a number on another trunk, a domain taken) is a `SideError`.
    """

    name: str

    async def plan(self) -> Sequence[Change]:
        """What makes the objects what `sip.yaml` says, in order; empty if they are."""
        ...

    async def plan_destroy(self) -> Sequence[Change]:
        """What removes all that is ours, in reverse order."""
        ...


class StoppedError(Exception):
    """A change failed. What was `done` before it stays: the next run goes on from there."""

    def __init__(self, failed: Change, why: SideError, done: int, left: int) -> None:
        super().__init__(f"{failed.action} {failed.kind} {failed.name!r}: {why}")
        self.failed = failed
        self.done = done
        self.left = left


async def apply(changes: Sequence[Change]) -> AsyncIterator[Change]:
    """Yields each change when it is done. Raises `StoppedError` at the first that fails."""
    for done, change in enumerate(changes):
        try:
            await change.apply()
        except SideError as error:
            left = len(changes) - done
            raise StoppedError(change, error, done, left) from error
        yield change
