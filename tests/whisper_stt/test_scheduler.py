"""Which decodes run next: rules one by one. `test_scheduler_rules.py` mixes them at random."""

import pytest

from tests.whisper_stt.tickets import ticket
from whisper_engine.model import Kind
from whisper_engine.whisper.cost import CUDA, Coefficients, Cost
from whisper_engine.whisper.scheduler import CPU_LIMITS, FullError, Limits, Scheduler
from whisper_engine.whisper.tickets import Batch, Ticket

CHEAP = Coefficients(1e-3, 1e-9, 1e-15, 1e-9, 1e-9)
"""A batch of sixteen takes as long as one of one."""

ROWS = Coefficients(1e-9, 1e-3 / 4, 1e-15, 1e-9, 1e-9)
"""Each row of 400 frames takes 0.1 s, and no two are cheaper together."""


def scheduler(first: Coefficients = CHEAP, limits: Limits = CPU_LIMITS) -> Scheduler[str]:
    return Scheduler(limits, Cost(first))


def ran(batch: Batch[str] | None) -> list[Ticket[str]]:
    return [] if batch is None else [item.ticket for item in batch.items]


def drained(queue: Scheduler[str], now: float = 0.0) -> list[list[Ticket[str]]]:
    batches = []
    while (batch := queue.take(now)[0]) is not None:
        batches.append(ran(batch))
        queue.finished(batch, None)
    return batches


def test_an_idle_worker_is_given_one_decode_at_once() -> None:
    queue, only = scheduler(), ticket(Kind.INTERIM)
    queue.submit(only, now=0.0)
    assert drained(queue) == [[only]]
    assert len(queue) == 0


def test_the_most_urgent_kind_runs_first_and_in_a_kind_the_oldest_deadline() -> None:
    kinds = [Kind.FILE, Kind.INTERIM, Kind.FIRST_INTERIM, Kind.SPECULATIVE, Kind.FINAL]
    tickets = [
        ticket(kind, 2 * kind + late, deadline=2.0 + late, group=(kind, late))
        for kind in kinds
        for late in (1, 0)
    ]
    queue = scheduler()
    for each in tickets:
        queue.submit(each, now=0.0)
    assert drained(queue) == [[each] for each in reversed(tickets)]


def test_a_batch_is_of_one_group() -> None:
    queue = scheduler()
    one, other, third = (ticket(Kind.FINAL, n, group=g) for n, g in enumerate("aba"))
    for each in (one, other, third):
        queue.submit(each, now=0.0)
    assert drained(queue) == [[one, third], [other]]


def test_a_batch_has_no_more_decodes_than_allowed() -> None:
    queue = scheduler(limits=Limits(size=4))
    for stream in range(10):
        queue.submit(ticket(Kind.FINAL, stream), now=0.0)
    assert [len(batch) for batch in drained(queue)] == [4, 4, 2]


def test_a_batch_takes_no_longer_than_allowed() -> None:
    queue = scheduler(ROWS, Limits(longest=0.35, size=8))
    for stream in range(7):
        queue.submit(ticket(Kind.FINAL, stream), now=0.0)
    assert [len(batch) for batch in drained(queue)] == [3, 3, 1]


def test_a_model_slower_than_allowed_still_shares_its_batches() -> None:
    slow = Coefficients(1.0, 1e-9, 1e-15, 1e-9, 1e-9)
    queue = scheduler(slow, Limits(longest=0.04))
    for stream in range(4):
        queue.submit(ticket(Kind.FINAL, stream), now=0.0)
    assert [len(batch) for batch in drained(queue)] == [4]


@pytest.mark.parametrize(
    ("kind", "together"), [(Kind.FINAL, 6), (Kind.SPECULATIVE, 6), (Kind.INTERIM, 3)]
)
def test_a_queue_of_finals_is_shortened_by_larger_batches(kind: Kind, together: int) -> None:
    queue = scheduler(ROWS, Limits(longest=0.35, size=8))
    for stream in range(8):
        queue.submit(ticket(kind, stream), now=0.0)
    batch, _ = queue.take(now=0.65)
    assert len(ran(batch)) == together


def test_an_interim_rides_along_with_a_final_where_that_costs_nothing() -> None:
    queue = scheduler(CHEAP)
    queue.submit(ticket(Kind.INTERIM, 1), now=0.0)
    queue.submit(ticket(Kind.FINAL, 2), now=0.0)
    assert [len(batch) for batch in drained(queue)] == [2]


def test_an_interim_does_not_make_a_final_wait_where_it_costs_much() -> None:
    queue, final = scheduler(ROWS, Limits(longest=1.0)), ticket(Kind.FINAL, 2)
    queue.submit(ticket(Kind.INTERIM, 1), now=0.0)
    queue.submit(final, now=0.0)
    assert drained(queue)[0] == [final]


@pytest.mark.parametrize("kind", [Kind.FINAL, Kind.SPECULATIVE, Kind.FIRST_INTERIM, Kind.INTERIM])
@pytest.mark.parametrize("earlier", [Kind.SPECULATIVE, Kind.FIRST_INTERIM, Kind.INTERIM])
def test_what_a_stream_wants_now_supersedes_what_it_wanted(kind: Kind, earlier: Kind) -> None:
    queue = scheduler()
    old, new, of_another = ticket(earlier, 1), ticket(kind, 1), ticket(earlier, 2)
    queue.submit(old, now=0.0)
    queue.submit(of_another, now=0.0)
    assert queue.submit(new, now=0.1) == [old]
    assert {each for batch in drained(queue) for each in batch} == {new, of_another}


@pytest.mark.parametrize("kept", [Kind.FINAL, Kind.FILE])
@pytest.mark.parametrize("kind", list(Kind))
def test_finals_and_files_are_not_superseded(kind: Kind, kept: Kind) -> None:
    queue, old = scheduler(), ticket(kept, 1)
    queue.submit(old, now=0.0)
    assert queue.submit(ticket(kind, 1), now=0.1) == []
    assert len(queue) == 2


def test_a_piece_of_a_file_supersedes_nothing() -> None:
    queue = scheduler()
    queue.submit(ticket(Kind.INTERIM, 1), now=0.0)
    assert queue.submit(ticket(Kind.FILE, 1), now=0.1) == []


def test_a_newer_interim_takes_the_place_and_the_urgency_of_the_older() -> None:
    queue = scheduler()
    newer = ticket(Kind.INTERIM, 1, deadline=9.0, group="a")
    queue.submit(ticket(Kind.FIRST_INTERIM, 1, deadline=1.0, group="b"), now=0.0)
    queue.submit(ticket(Kind.FIRST_INTERIM, 2, deadline=2.0, group="c"), now=0.0)
    queue.submit(newer, now=0.5)
    batch, _ = queue.take(now=0.6)
    assert ran(batch) == [newer]
    assert batch is not None
    assert batch.kind is Kind.FIRST_INTERIM


def test_a_late_interim_is_dropped_and_nothing_else_is() -> None:
    queue = scheduler()
    late = [ticket(kind, kind, deadline=1.0) for kind in Kind]
    for each in late:
        queue.submit(each, now=0.0)
    batch, dropped = queue.take(now=1.1)
    assert {each.kind for each in dropped} == {Kind.FIRST_INTERIM, Kind.INTERIM}
    assert {each.kind for each in ran(batch)} == {Kind.FINAL, Kind.SPECULATIVE, Kind.FILE}


def test_a_speculative_decode_becomes_a_final() -> None:
    queue = scheduler()
    speculative = ticket(Kind.SPECULATIVE, 1, group="a", deadline=1.0)
    queue.submit(ticket(Kind.FINAL, 2, group="b", deadline=2.0), now=0.0)
    queue.submit(speculative, now=0.0)
    assert queue.promote(speculative)
    assert queue.submit(ticket(Kind.INTERIM, 1, group="c"), now=0.1) == []
    batch, _ = queue.take(now=0.2)
    assert ran(batch) == [speculative]
    assert batch is not None
    assert batch.kind is Kind.FINAL


def test_what_runs_already_is_not_promoted_or_withdrawn() -> None:
    queue, speculative = scheduler(), ticket(Kind.SPECULATIVE)
    queue.submit(speculative, now=0.0)
    queue.take(now=0.0)
    assert not queue.promote(speculative)
    assert not queue.withdraw(speculative)


def test_nothing_of_a_closed_stream_is_run() -> None:
    queue = scheduler()
    mine = [ticket(Kind.FINAL, 1), ticket(Kind.FILE, 1), ticket(Kind.INTERIM, 1)]
    of_another = ticket(Kind.FINAL, 2)
    for each in [*mine, of_another]:
        queue.submit(each, now=0.0)
    assert queue.close(1) == mine
    assert drained(queue) == [[of_another]]


def test_when_full_only_finals_are_let_in() -> None:
    queue = scheduler(limits=Limits(waiting=2))
    queue.submit(ticket(Kind.FILE, 1), now=0.0)
    queue.submit(ticket(Kind.INTERIM, 2), now=0.0)
    for kind in set(Kind) - {Kind.FINAL}:
        with pytest.raises(FullError, match="2 decodes wait"):
            queue.submit(ticket(kind, 3), now=0.0)
    queue.submit(ticket(Kind.FINAL, 3), now=0.0)
    assert len(queue) == 3


def test_when_full_a_stream_may_still_replace_what_it_waits_for() -> None:
    queue, old = scheduler(limits=Limits(waiting=1)), ticket(Kind.INTERIM, 1)
    queue.submit(old, now=0.0)
    assert queue.submit(ticket(Kind.INTERIM, 1), now=0.1) == [old]


def test_a_file_gets_its_share_of_a_busy_engine() -> None:
    queue, piece = scheduler(limits=Limits(file_every=4)), ticket(Kind.FILE, 99, group="file")
    queue.submit(piece, now=0.0)
    for stream in range(10):
        queue.submit(ticket(Kind.FINAL, stream, group=stream), now=0.0)
    assert drained(queue).index([piece]) == 3


def test_files_leave_a_worker_free() -> None:
    queue, final = scheduler(limits=Limits(files=1)), ticket(Kind.FINAL, 3, group="final")
    for stream in (1, 2):
        queue.submit(ticket(Kind.FILE, stream, group=stream), now=0.0)
    first, _ = queue.take(now=0.0)
    assert queue.take(now=0.1) == (None, [])
    queue.submit(final, now=0.2)
    assert ran(queue.take(now=0.2)[0]) == [final]
    assert first is not None
    queue.finished(first, 1.0)
    assert queue.take(now=0.3)[0] is not None


def test_a_small_batch_needs_less_of_a_worker_than_it_takes() -> None:
    queue = scheduler(CHEAP, Limits(size=8))
    needs = []
    for size in (1, 4, 8):
        for stream in range(size):
            queue.submit(ticket(Kind.FINAL, stream), now=0.0)
        batch, _ = queue.take(now=0.0)
        assert batch is not None
        needs.append(batch.need)
    assert needs == pytest.approx([1 / 8, 1 / 2, 1], rel=0.01)


def test_where_rows_cost_the_same_together_all_of_the_time_is_needed() -> None:
    queue = scheduler(ROWS)
    queue.submit(ticket(Kind.FINAL), now=0.0)
    batch, _ = queue.take(now=0.0)
    assert batch is not None
    assert batch.need == pytest.approx(1, rel=0.01)


def test_what_batches_take_decides_how_large_they_get() -> None:
    queue = scheduler(CUDA, Limits(longest=0.35, size=8))
    sizes = []
    for waiting in [1, 2, 4, 8] * 50:
        for stream in range(waiting):
            queue.submit(ticket(Kind.FINAL, stream), now=0.0)
        batch, _ = queue.take(now=0.0)
        assert batch is not None
        sizes.append(len(batch.items))
        queue.finished(batch, 0.1 * sizes[-1])
        queue.clear()
    assert sizes[-1] in (3, 4)


def test_how_long_a_caller_has_waited_leaves_out_interims_and_files() -> None:
    queue = scheduler()
    queue.submit(ticket(Kind.FILE, 1), now=0.0)
    queue.submit(ticket(Kind.INTERIM, 2), now=0.0)
    assert queue.longest_wait(now=5.0) == 0.0
    queue.submit(ticket(Kind.FIRST_INTERIM, 3), now=1.0)
    queue.submit(ticket(Kind.FINAL, 4), now=2.0)
    assert queue.longest_wait(now=5.0) == 4.0
