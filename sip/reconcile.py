"""Keeps what was applied: restores what LiveKit lost, and says what somebody changed.

livekit-server keeps trunks and rules in redis, and a redis without a file of its own forgets them.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sip.changes import Change, Side, SideError, StoppedError, apply
from sip.livekit_side import GONE, TRUNK

logger = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds."""


@dataclass(frozen=True)
class Findings:
    """`lost` is not there any more. `drift` is what somebody changed, who may have had a reason:
    `parley sip apply` undoes it, nothing here does."""

    lost: Sequence[Change] = ()
    drift: Sequence[Change] = ()


def sort(changes: Sequence[Change]) -> Findings:
    """What of a plan restores, and what would undo somebody's work. Pure."""
    lost = [change for change in changes if _is_lost(change)]
    return Findings(lost, [change for change in changes if not _is_lost(change)])


async def restore(side: Side) -> Findings:
    """Raises `SideError` or `StoppedError` when the side cannot be read, or refuses."""
    findings = sort(await side.plan())
    async for change in apply(findings.lost):
        logger.warning("restored what was lost", extra=_told(side, [change]))
    return findings


def _is_lost(change: Change) -> bool:
    """A rule whose trunk is gone takes no calls, as if it were not there."""
    if change.action == "update" and change.fields.keys() == {TRUNK}:
        return change.fields[TRUNK][0] == GONE
    return change.action == "create"


class Reconciler:
    """`open_side` gives what is to be kept now, or None. Raises `SideError`. `found` is told of each
    round that could look.

    A drift or a failure is said once, and again when it is another or has been away.
    """

    def __init__(
        self,
        open_side: Callable[[], AbstractAsyncContextManager[Side | None]],
        found: Callable[[Findings], None] = lambda _: None,
    ) -> None:
        self._open_side = open_side
        self._found = found
        self._said: object = None

    async def run(self, every: float = EVERY) -> None:
        """At once and then every so many seconds, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(every)

    async def look(self) -> None:
        """One round. What it finds stands in the log, as far as it is new."""
        try:
            async with self._open_side() as side:
                findings = await restore(side) if side else Findings()
                self._found(findings)
                drift = findings.drift
                if self._is_new([change.to_json() for change in drift]) and side and drift:
                    logger.warning(
                        "somebody changed the line: `parley sip plan` shows what",
                        extra=_told(side, drift),
                    )
        except (SideError, StoppedError) as error:
            if self._is_new(str(error)):
                logger.warning("the line cannot be looked after", extra={"pii_why": str(error)})

    def _is_new(self, found: object) -> bool:
        before, self._said = self._said, found
        return found != before


def _told(side: Side, changes: Sequence[Change]) -> dict[str, object]:
    """Names hold telephone numbers."""
    return {
        "side": side.name,
        "kinds": ", ".join(sorted({change.kind for change in changes})),
        "pii_names": ", ".join(change.name for change in changes),
    }
