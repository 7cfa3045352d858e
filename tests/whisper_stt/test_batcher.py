"""The threads between the event loop and a model; the model here is a script that waits its turn."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Coroutine, Sequence
from random import Random
from typing import TypeVar

import pytest

from tests.whisper_stt.tickets import ticket
from whisper_engine.model import Kind, Pace
from whisper_engine.whisper.batcher import Batcher, ClosedError, Drop
from whisper_engine.whisper.cost import CUDA, Cost
from whisper_engine.whisper.pace import BUSY_PAUSE, PAUSE
from whisper_engine.whisper.scheduler import CPU_LIMITS, FullError, Limits

AnyT = TypeVar("AnyT")

PATIENT = 10.0
"""Seconds after which a test that hangs fails."""


class Script:
    """Says every task in capitals. A task named `hold…` is kept until `go`; one named `bad…`
    fails the batch that it is in."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self._entered = threading.Semaphore(0)
        self._go = threading.Semaphore(0)

    def __call__(self, tasks: Sequence[str]) -> list[str]:
        self.batches.append(list(tasks))
        if any(task.startswith("hold") for task in tasks):
            self._entered.release()
            assert self._go.acquire(timeout=PATIENT)
        if bad := [task for task in tasks if task.startswith("bad")]:
            raise ValueError(f"cannot hear {bad[0]}")
        return [task.upper() for task in tasks]

    @property
    def ran(self) -> list[str]:
        return [task for batch in self.batches for task in batch]

    async def held(self) -> None:
        """Until a worker is kept."""
        assert await asyncio.to_thread(self._entered.acquire, timeout=PATIENT)

    def go(self) -> None:
        self._go.release()


class Counted:
    def __init__(self) -> None:
        self.waits: list[tuple[Kind, float]] = []
        self.sizes: list[int] = []
        self.seconds: list[float] = []
        self.drops: list[tuple[Kind, Drop]] = []

    def queued(self, kind: Kind, seconds: float) -> None:
        self.waits.append((kind, seconds))

    def ran(self, size: int, seconds: float) -> None:
        self.sizes.append(size)
        self.seconds.append(seconds)

    def dropped(self, kind: Kind, reason: Drop) -> None:
        self.drops.append((kind, reason))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    def __init__(self, *, workers: int = 1, limits: Limits = CPU_LIMITS) -> None:
        self.script = Script()
        self.counted = Counted()
        self.clock = Clock()
        self.batcher: Batcher[str, str] = Batcher(
            self.script,
            workers=workers,
            limits=limits,
            cost=Cost(CUDA),
            patience=0.25,
            observer=self.counted,
            clock=self.clock,
        )

    def decode(
        self, payload: str, kind: Kind = Kind.FINAL, stream: int = 0, deadline: float = 100.0
    ) -> Coroutine[None, None, str | None]:
        return self.batcher.decode(ticket(kind, stream, deadline=deadline, payload=payload))

    @contextlib.asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """The only worker is kept inside."""
        async with asyncio.timeout(PATIENT):
            holding = await begun(self.decode("hold", stream=99))
            await self.script.held()
            yield
            self.script.go()
            assert await holding == "HOLD"


async def begun(work: Coroutine[None, None, AnyT]) -> "asyncio.Task[AnyT]":
    """A task that has come to its first wait."""
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    return task


async def test_everyone_gets_their_own_result() -> None:
    bench = Bench(workers=3)
    names = [f"task {number}" for number in range(100)]
    async with bench.batcher.running():
        results = await asyncio.gather(*(bench.decode(n, stream=i) for i, n in enumerate(names)))
    assert results == [name.upper() for name in names]
    assert sorted(bench.script.ran) == sorted(names)
    assert sum(bench.counted.sizes) == len(bench.counted.waits) == len(names)


async def test_while_the_worker_is_busy_a_batch_forms() -> None:
    bench = Bench()
    async with bench.batcher.running():
        async with bench.busy():
            tasks = [await begun(bench.decode(name, stream=i)) for i, name in enumerate("abc")]
        assert await asyncio.gather(*tasks) == ["A", "B", "C"]
    assert bench.script.batches == [["hold"], ["a", "b", "c"]]
    assert bench.counted.sizes == [1, 3]


async def test_two_workers_run_at_once() -> None:
    bench = Bench(workers=2)
    async with asyncio.timeout(PATIENT), bench.batcher.running():
        tickets = [ticket(Kind.FINAL, n, group=n, payload=f"hold {n}") for n in range(2)]
        tasks = [await begun(bench.batcher.decode(each)) for each in tickets]
        for _ in tasks:
            await bench.script.held()
        bench.script.go()
        bench.script.go()
        assert await asyncio.gather(*tasks) == ["HOLD 0", "HOLD 1"]


async def test_a_superseded_interim_is_none() -> None:
    bench = Bench()
    async with bench.batcher.running():
        async with bench.busy():
            old = await begun(bench.decode("old", Kind.INTERIM))
            new = await begun(bench.decode("new", Kind.INTERIM))
            assert await old is None
        assert await new == "NEW"
    assert bench.counted.drops == [(Kind.INTERIM, Drop.SUPERSEDED)]


async def test_a_late_interim_is_none() -> None:
    bench = Bench()
    async with bench.batcher.running():
        async with bench.busy():
            late = await begun(bench.decode("late", Kind.INTERIM, deadline=1.0))
            final = await begun(bench.decode("final", Kind.FINAL, 2, deadline=1.0))
            bench.clock.now = 1.5
        assert await late is None
        assert await final == "FINAL"
    assert bench.counted.drops == [(Kind.INTERIM, Drop.LATE)]
    assert (Kind.FINAL, 1.5) in bench.counted.waits


async def test_when_full_interims_are_dropped_files_refused_and_finals_heard() -> None:
    bench = Bench(limits=Limits(waiting=1))
    async with bench.batcher.running():
        async with bench.busy():
            first = await begun(bench.decode("first", Kind.INTERIM, 1))
            assert await bench.decode("second", Kind.INTERIM, 2) is None
            with pytest.raises(FullError):
                await bench.decode("file", Kind.FILE, 3)
            final = await begun(bench.decode("final", Kind.FINAL, 4))
        assert [await first, await final] == ["FIRST", "FINAL"]
    assert bench.counted.drops == [(Kind.INTERIM, Drop.FULL), (Kind.FILE, Drop.FULL)]


async def test_cancelling_withdraws_what_waits() -> None:
    bench = Bench()
    async with bench.batcher.running():
        async with bench.busy():
            task = await begun(bench.decode("unwanted"))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await bench.decode("next") == "NEXT"
    assert bench.script.batches == [["hold"], ["next"]]
    assert bench.counted.drops == [(Kind.FINAL, Drop.WITHDRAWN)]


async def test_cancelling_what_runs_throws_its_result_away() -> None:
    bench = Bench()
    async with asyncio.timeout(PATIENT), bench.batcher.running():
        task = await begun(bench.decode("hold"))
        await bench.script.held()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        bench.script.go()
        assert await bench.decode("next") == "NEXT"
    assert bench.counted.drops == []


async def test_a_promoted_text_comes_as_a_final_does() -> None:
    bench = Bench(limits=Limits(size=1))
    speculative = ticket(Kind.SPECULATIVE, 1, deadline=0.5, payload="promoted")
    async with bench.batcher.running():
        async with bench.busy():
            final = await begun(bench.decode("final", stream=2, deadline=1.0))
            task = await begun(bench.batcher.decode(speculative))
            assert bench.batcher.promote(speculative)
            interim = await begun(bench.decode("interim", Kind.INTERIM, stream=1))
        assert [await task, await final, await interim] == ["PROMOTED", "FINAL", "INTERIM"]
        assert not bench.batcher.promote(speculative)
    assert bench.script.batches == [["hold"], ["promoted"], ["final"], ["interim"]]


async def test_what_was_superseded_cannot_be_promoted() -> None:
    bench = Bench()
    speculative = ticket(Kind.SPECULATIVE, 1)
    async with bench.batcher.running(), bench.busy():
        task = await begun(bench.batcher.decode(speculative))
        later = await begun(bench.decode("later", Kind.INTERIM, stream=1))
        assert not bench.batcher.promote(speculative)
        assert await task is None
        later.cancel()


async def test_what_fails_does_not_fail_its_neighbours(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    async with bench.batcher.running():
        async with bench.busy():
            names = ["a", "bad 1", "b", "bad 2"]
            tasks = [await begun(bench.decode(name, stream=i)) for i, name in enumerate(names)]
        a, bad, b, worse = await asyncio.gather(*tasks, return_exceptions=True)
    assert (a, b) == ("A", "B")
    assert (str(bad), str(worse)) == ("cannot hear bad 1", "cannot hear bad 2")
    assert [record.message for record in caplog.records] == ["a batch failed"]


async def test_what_fails_alone_is_not_tried_again() -> None:
    bench = Bench()
    async with bench.batcher.running():
        with pytest.raises(ValueError, match="cannot hear bad"):
            await bench.decode("bad")
        assert await bench.decode("next") == "NEXT"
    assert bench.script.batches == [["bad"], ["next"]]


async def test_a_model_that_loses_a_result_is_an_error() -> None:
    def forgetful(_tasks: Sequence[str]) -> list[str]:
        return []

    batcher: Batcher[str, str] = Batcher(
        forgetful, workers=1, limits=CPU_LIMITS, cost=Cost(CUDA), patience=0.25
    )
    async with batcher.running():
        with pytest.raises(ValueError, match="shorter"):
            await batcher.decode(ticket(Kind.FINAL))


async def test_closing_a_stream_ends_its_waits_and_no_other() -> None:
    bench = Bench()
    async with bench.batcher.running():
        async with bench.busy():
            mine = await begun(bench.decode("mine", stream=1))
            other = await begun(bench.decode("other", stream=2))
            bench.batcher.close(1)
            with pytest.raises(ClosedError):
                await mine
        assert await other == "OTHER"
    assert bench.script.batches == [["hold"], ["other"]]


async def test_at_the_end_what_runs_is_delivered_and_what_waits_is_refused() -> None:
    bench = Bench()
    before = set(threading.enumerate())
    async with asyncio.timeout(PATIENT):
        async with bench.batcher.running():
            running = await begun(bench.decode("hold"))
            await bench.script.held()
            kinds = [Kind.FINAL, Kind.SPECULATIVE, Kind.INTERIM, Kind.FILE]
            waiting = [await begun(bench.decode("late", kind, kind + 1)) for kind in kinds]
            waiting[0].add_done_callback(lambda _: bench.script.go())
        left = set(threading.enumerate()) - before
        assert not [thread for thread in left if thread.name.startswith("whisper-")]
        assert await running == "HOLD"
        ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(end, ClosedError) for end in ends)
    with pytest.raises(ClosedError, match="not running"):
        await bench.decode("after")


async def test_what_batches_take_sets_the_pace() -> None:
    """The model lets the clock run on by what it takes."""
    clock = Clock()

    def slow(tasks: Sequence[str]) -> Sequence[str]:
        clock.now += 1.0
        return tasks

    batcher: Batcher[str, str] = Batcher(
        slow, workers=1, limits=Limits(size=1), cost=Cost(CUDA), patience=0.25, clock=clock
    )
    async with batcher.running():
        assert batcher.pace == Pace(pause=PAUSE, tail=PAUSE)
        assert batcher.has_room
        for _ in range(30):
            await batcher.decode(ticket(Kind.FINAL, deadline=clock.now + 1))
        assert batcher.utilisation > 0.98
        assert batcher.pace == Pace(
            interim=None, first_interim=False, speculative=False, pause=BUSY_PAUSE, tail=PAUSE
        )
        assert not batcher.has_room
        clock.now += 60
        assert batcher.has_room


async def test_a_crowd_that_comes_and_goes() -> None:
    bench, chance = Bench(workers=2, limits=Limits(size=4)), Random(4)

    async def call(stream: int) -> None:
        for number in range(20):
            name = f"{stream}.{number} said"
            kind = chance.choice(list(Kind))
            task = await begun(bench.decode(name, kind, stream))
            if chance.random() < 0.3:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            else:
                assert await task == name.upper()

    async with asyncio.timeout(PATIENT), bench.batcher.running(), asyncio.TaskGroup() as calls:
        for stream in range(20):
            calls.create_task(call(stream))
    ran = bench.script.ran
    assert len(ran) == len(set(ran))
    assert len(ran) + len(bench.counted.drops) == 400
    assert {reason for _, reason in bench.counted.drops} <= {Drop.WITHDRAWN}
