"""What holds for the scheduler whatever happens, and in whatever order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.whisper_stt.tickets import ticket
from whisper_engine.model import Kind
from whisper_engine.whisper.cost import CPU, CUDA, Coefficients, Cost
from whisper_engine.whisper.scheduler import FullError, Limits, Scheduler
from whisper_engine.whisper.tickets import Batch, Ticket

STREAMS = st.integers(1, 4)
KINDS = st.sampled_from(list(Kind))
GROUPS = st.sampled_from(["a", "b"])
INTERIMS = {Kind.FIRST_INTERIM, Kind.INTERIM}
KEPT = {Kind.FINAL, Kind.FILE}
WORKERS = 3
LIMITS = st.builds(
    Limits,
    longest=st.sampled_from([0.01, 0.2, 1.0]),
    size=st.integers(1, 4),
    waiting=st.integers(1, 6),
    file_every=st.integers(1, 3),
)


class Life(RuleBasedStateMachine):
    """Every ticket that was let in waits until exactly one thing happens to it."""

    @initialize(limits=LIMITS, first=st.sampled_from([CPU, CUDA]))
    def begin(self, limits: Limits, first: Coefficients) -> None:
        self.limits = limits
        self.queue: Scheduler[str] = Scheduler(limits, Cost(first))
        self.now = 0.0
        self.waiting: dict[Ticket[str], Kind] = {}
        self.running: list[Batch[str]] = []
        self.since_file = 0
        self.passed_over = 0

    def leave(self, gone: list[Ticket[str]]) -> list[Kind]:
        """Raises KeyError for what had left before."""
        return [self.waiting.pop(each) for each in gone]

    @rule(kind=KINDS, stream=STREAMS, group=GROUPS, allowed=st.floats(0.0, 1.0))
    def submit(self, kind: Kind, stream: int, group: str, allowed: float) -> None:
        new = ticket(kind, stream, group=group, deadline=self.now + allowed)
        try:
            superseded = self.queue.submit(new, self.now)
        except FullError:
            assert kind is not Kind.FINAL
            assert len(self.waiting) >= self.limits.waiting
            return
        assert all(old.stream == stream for old in superseded)
        kinds = self.leave(superseded)
        assert not KEPT & set(kinds)
        earlier = [each for each in kinds if {each, kind} <= INTERIMS]
        self.waiting[new] = min([kind, *earlier])

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def promote(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(list(self.waiting)))
        assert self.queue.promote(chosen)
        self.waiting[chosen] = Kind.FINAL

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(list(self.waiting)))
        assert self.queue.withdraw(chosen)
        self.leave([chosen])

    @rule(stream=STREAMS)
    def close(self, stream: int) -> None:
        closed = self.queue.close(stream)
        self.leave(closed)
        assert stream not in {each.stream for each in [*self.waiting]}

    @rule(seconds=st.floats(0.001, 0.5))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: len(self.running) < WORKERS)
    @rule()
    def take(self) -> None:
        batch, late = self.queue.take(self.now)
        assert all(each.deadline < self.now for each in late)
        assert set(self.leave(late)) <= INTERIMS
        if batch is None:
            assert set(self.waiting.values()) <= ({Kind.FILE} if self.file_runs else set())
            return
        self.check_first(batch)
        assert len(batch.items) <= self.limits.size
        assert len({item.ticket.group for item in batch.items}) == 1
        for item in batch.items:
            assert item.kind not in INTERIMS or item.ticket.deadline >= self.now
        taken = [item.ticket for item in batch.items]
        assert self.leave(taken) == [item.kind for item in batch.items]
        self.running.append(batch)

    @property
    def file_runs(self) -> bool:
        return any(batch.kind is Kind.FILE for batch in self.running)

    def check_first(self, batch: Batch[str]) -> None:
        """The most urgent one is run, or a file that was passed over often enough."""
        kinds = set(self.waiting.values())
        if batch.kind is Kind.FILE:
            assert not self.file_runs
            assert kinds == {Kind.FILE} or self.since_file >= self.limits.file_every - 1
            self.since_file = self.passed_over = 0
            return
        assert batch.kind is min(kinds)
        self.since_file += 1
        free = Kind.FILE in kinds and not self.file_runs
        self.passed_over = self.passed_over + 1 if free else 0
        assert self.passed_over < self.limits.file_every

    @precondition(lambda self: self.running)
    @rule(data=st.data(), seconds=st.none() | st.floats(0.0, 2.0))
    def finish(self, data: st.DataObject, seconds: float | None) -> None:
        index = data.draw(st.integers(0, len(self.running) - 1))
        self.queue.finished(self.running.pop(index), seconds)

    @invariant()
    def nothing_is_lost(self) -> None:
        assert len(self.queue) == len(self.waiting)

    @invariant()
    def a_stream_waits_for_one_thing_besides_finals_and_files(self) -> None:
        streams = [each.stream for each, kind in self.waiting.items() if kind not in KEPT]
        assert len(streams) == len(set(streams))

    def teardown(self) -> None:
        """What is left is run when there is time."""
        while self.running:
            self.queue.finished(self.running.pop(), 0.1)
        while self.waiting:
            self.take()
            for batch in self.running:
                self.queue.finished(batch, 0.1)
            self.running.clear()


Life.TestCase.settings = settings(max_examples=200, stateful_step_count=40)
TestLife = Life.TestCase


@pytest.mark.parametrize("kind", [Kind.SPECULATIVE, Kind.INTERIM])
@given(
    st.lists(st.integers(0, 5), max_size=80),
    st.lists(st.sampled_from("abc"), min_size=5, max_size=5),
)
def test_no_stream_is_served_twice_while_another_waits(
    kind: Kind, steps: list[int], groups: list[str]
) -> None:
    """Not even when the other one's text is wanted anew each time: 5 is a worker, else a stream."""
    queue: Scheduler[str] = Scheduler(Limits(size=2), Cost(CPU))
    waits_since: dict[int, int] = {}
    served: dict[int, int] = {}
    for now, stream in enumerate(steps):
        if stream < 5:
            queue.submit(ticket(kind, stream, group=groups[stream], deadline=now + 99), now)
            waits_since.setdefault(stream, now)
            continue
        batch, _ = queue.take(now)
        if batch is None:
            continue
        first = batch.items[0].ticket.stream
        for item in batch.items:
            del waits_since[item.ticket.stream]
        assert all(since > served.get(first, -1) for since in waits_since.values())
        served[first] = now


@given(st.integers(1, 30), st.integers(0, 30), st.sampled_from([CPU, CUDA]))
def test_a_final_waits_for_no_more_than_the_finals_before_it(
    finals: int, others: int, first: Coefficients
) -> None:
    queue: Scheduler[str] = Scheduler(Limits(), Cost(first))
    for stream in range(finals + others):
        kind = Kind.FINAL if stream < finals else Kind.SPECULATIVE
        queue.submit(ticket(kind, stream, deadline=float(stream), group=stream % 3), now=0.0)
    for _ in range(finals):
        batch, _late = queue.take(now=0.0)
        if batch is None or batch.kind is not Kind.FINAL:
            break
    assert not [t for t in queue.clear() if t.kind is Kind.FINAL]
