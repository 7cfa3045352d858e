"""What is restored, what is only said, and how often. The real server is in test_livekit_side_server."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import generate_latest

from parley.service_metrics import ServiceMetrics
from sip.changes import Action, Change, SideError
from sip.livekit_side import GONE, TRUNK
from sip.reconcile import EVERY, Reconciler, sort
from tests.fakes.virtual_time import on_virtual_time


async def nothing() -> None:
    """A change that is done by itself."""


def change(action: Action, kind: str = "dispatch rule", /, **fields: tuple[str, str]) -> Change:
    return Change(action, kind, "parley main +15550111", nothing, fields)


class Memory:
    """A side that forgets, or is changed, as a test says; what is created is there."""

    name = "livekit"

    def __init__(self, *changes: Change) -> None:
        self.changes: list[Change] = list(changes)
        self.broken: SideError | None = None
        self.read_at: list[float] = []

    async def plan(self) -> Sequence[Change]:
        self.read_at.append(asyncio.get_running_loop().time())
        if self.broken:
            raise self.broken
        return [self._kept(each) for each in self.changes]

    async def plan_destroy(self) -> Sequence[Change]:
        return []

    def _kept(self, wanted: Change) -> Change:
        async def do() -> None:
            self.changes.remove(wanted)

        return Change(wanted.action, wanted.kind, wanted.name, do, wanted.fields)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Memory"]:
        yield self


def test_what_is_not_there_is_lost_and_what_is_another_has_drifted() -> None:
    created, changed, twin = (
        change("create"),
        change("update", numbers=("1", "2")),
        change("delete"),
    )
    found = sort([twin, changed, created])
    assert found.lost == [created]
    assert found.drift == [twin, changed]


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({TRUNK: (GONE, "parley main")}, True),
        ({TRUNK: ("ST_other", "parley main")}, False),
        ({TRUNK: (GONE, "parley main"), "numbers": ("1", "2")}, False),
    ],
)
def test_a_rule_whose_trunk_is_gone_is_lost_with_it(
    fields: dict[str, tuple[str, str]], lost: bool
) -> None:
    assert bool(sort([change("update", **fields)]).lost) is lost


async def test_what_is_lost_comes_back_and_the_rest_stays() -> None:
    drift = change("update", numbers=("1", "2"))
    side = Memory(change("create", "inbound trunk"), drift, change("create"))
    await Reconciler(side.opened).look()
    assert side.changes == [drift]


async def test_each_look_tells_what_was_lost_and_what_was_changed() -> None:
    metrics = ServiceMetrics()
    side = Memory(change("create", "inbound trunk"), change("update", numbers=("1", "2")))
    reconciler = Reconciler(side.opened, metrics.line)
    for _ in range(2):
        await reconciler.look()
    page = generate_latest(metrics.registry).decode()
    assert "parley_line_restored_total 1.0" in page
    assert "parley_line_drift 1.0" in page


async def test_a_drift_is_said_once_and_no_number_in_the_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    side = Memory(change("update", numbers=("1", "2")))
    reconciler = Reconciler(side.opened)
    for _ in range(3):
        await reconciler.look()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "+15550111" not in record.getMessage()
    named = [key for key, value in vars(record).items() if "+15550111" in str(value)]
    assert named == ["pii_names"]
    side.changes.append(change("delete"))
    await reconciler.look()
    assert len(caplog.records) == 2


async def test_a_failure_is_said_once_and_again_after_it_was_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    side = Memory()
    reconciler = Reconciler(side.opened)
    for broken in (True, True, False, True):
        side.broken = SideError("LiveKit cannot be reached") if broken else None
        await reconciler.look()
    assert [record.getMessage() for record in caplog.records] == [
        "the line cannot be looked after"
    ] * 2


async def test_a_change_that_is_refused_is_said_and_tried_again_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse() -> None:
        raise SideError("no")

    class Refusing(Memory):
        async def plan(self) -> Sequence[Change]:
            await super().plan()
            return [Change("create", "inbound trunk", "parley main", refuse)]

    side = Refusing()
    reconciler = Reconciler(side.opened)
    await reconciler.look()
    await reconciler.look()
    assert len(side.read_at) == 2
    assert [record.getMessage() for record in caplog.records] == ["the line cannot be looked after"]


async def test_without_a_line_there_is_nothing_to_do(caplog: pytest.LogCaptureFixture) -> None:
    @asynccontextmanager
    async def none() -> AsyncIterator[None]:
        yield None

    await Reconciler(none).look()
    assert caplog.records == []


@on_virtual_time
async def test_it_looks_at_the_start_and_every_half_minute() -> None:
    side = Memory()
    running = asyncio.create_task(Reconciler(side.opened).run())
    await asyncio.sleep(2.5 * EVERY)
    running.cancel()
    await asyncio.wait({running})
    assert [at - side.read_at[0] for at in side.read_at] == [0.0, EVERY, 2 * EVERY]
