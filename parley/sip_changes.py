"""Plans, applies and shows the changes of several sides, in the order in which they are given."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sip.changes import Change, Side, SideError, StoppedError, apply

SIGNS = {"create": "+", "update": "~", "delete": "-", "link": "+", "unlink": "-"}
DONE = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "link": "linked",
    "unlink": "unlinked",
}


@dataclass(frozen=True)
class Planned:
    """A change, and whose."""

    side: str
    change: Change

    def to_json(self) -> dict[str, object]:
        return {"side": self.side, **self.change.to_json()}


class FailedError(Exception):
    """Something was not done. The message says what, why, and what is left."""


async def plan(sides: Sequence[Side]) -> list[Planned]:
    """All sides are read before anything is changed. Raises `FailedError`."""
    planned: list[Planned] = []
    for side in sides:
        with _named(side):
            planned += [Planned(side.name, change) for change in await side.plan()]
    return planned


async def plan_destroy(sides: Sequence[Side]) -> list[Planned]:
    """In the reverse order of sides. Raises `FailedError`."""
    planned: list[Planned] = []
    for side in reversed(sides):
        with _named(side):
            planned += [Planned(side.name, change) for change in await side.plan_destroy()]
    return planned


async def do(planned: Sequence[Planned]) -> AsyncIterator[str]:
    """A line for each change that is done. Raises `FailedError` at the first that is not."""
    try:
        done = 0
        async for change in apply([each.change for each in planned]):
            yield f"{planned[done].side}: {DONE[change.action]} {change.kind} {change.name!r}"
            done += 1
    except StoppedError as error:
        side = planned[error.done].side
        raise FailedError(
            f"{side}: {error} ({error.done} done, {error.left} left: run it again)"
        ) from error


async def states(sides: Sequence[Side]) -> dict[str, dict[str, object]]:
    """By side: how many changes would make it what `sip.yaml` says, or why it cannot be read."""
    found: dict[str, dict[str, object]] = {}
    for side in sides:
        try:
            found[side.name] = {"changes": len(await side.plan())}
        except SideError as error:
            found[side.name] = {"error": str(error)}
    return found


def show(planned: Sequence[Planned]) -> str:
    """A block a side: what would be done, and for each field what is there and what shall be."""
    lines: list[str] = []
    for each in planned:
        if f"{each.side}:" not in lines:
            lines.append(f"{each.side}:")
        change = each.change
        lines.append(f"  {SIGNS[change.action]} {change.action} {change.kind} {change.name!r}")
        lines += [
            f"      {key}: {shall}"
            if is_ is None
            else f"      {key}: {is_} -> {shall or 'nothing'}"
            for key, (is_, shall) in change.fields.items()
        ]
    return "".join(f"{line}\n" for line in lines)


def to_json(planned: Sequence[Planned]) -> str:
    """`{"changes": [{"side", "action", "kind", "name", "fields"}, …]}`."""
    return json.dumps({"changes": [each.to_json() for each in planned]}, indent=2) + "\n"


@contextmanager
def _named(side: Side) -> Iterator[None]:
    try:
        yield
    except SideError as error:
        raise FailedError(f"{side.name}: {error}") from error
