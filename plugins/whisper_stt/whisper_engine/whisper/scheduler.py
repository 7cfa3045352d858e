"""Which decodes run next, and together. Pure: `now` is passed in, and nothing here waits.

No window is kept open for a batch to fill: a worker without work takes what is there, and batches
form by themselves while all workers are busy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic

from whisper_engine.model import Kind
from whisper_engine.whisper.cost import Cost, Shape
from whisper_engine.whisper.tickets import Batch, Item, PayloadT, Ticket

_KEPT = (Kind.FINAL, Kind.FILE)
_INTERIMS = (Kind.FIRST_INTERIM, Kind.INTERIM)


@dataclass(frozen=True)
class Limits:
    """
    Args:
        longest: seconds that a batch should take at most.
        stretch: a batch may also take this many times what its first decode takes alone, or a
            model slower than `longest` would never share a batch; and as long as a final has
            waited already, since larger batches are what shortens a queue.
        ride: share by which the less urgent may lengthen a batch of the more urgent.
        size: most decodes in a batch.
        waiting: most decodes that wait; finals are let in beyond it.
        file_every: while a file waits, at least one batch in so many is of files.
        files: batches of files that may run at once, so that they do not hold every worker when a
            final comes. At least 1.
    """

    longest: float = 0.2
    stretch: float = 1.5
    ride: float = 0.25
    size: int = 8
    waiting: int = 256
    file_every: int = 16
    files: int = 1


CPU_LIMITS = Limits()
CUDA_LIMITS = Limits(longest=0.04, size=16, waiting=1024)


class FullError(Exception):
    """Too much waits already. Later there may be room."""


@dataclass(frozen=True)
class _Waiting(Generic[PayloadT]):
    ticket: Ticket[PayloadT]
    kind: Kind
    place: float
    since: float

    @property
    def order(self) -> tuple[Kind, float]:
        return (self.kind, self.place)


class Scheduler(Generic[PayloadT]):
    """Finals first, then speculative texts, first interims, interims, and files when nothing else
    waits or when their share is due; the oldest deadline first in each.

    Of a stream at most one decode waits that is neither a final nor of a file: the latest.
    """

    def __init__(self, limits: Limits, cost: Cost) -> None:
        self._limits = limits
        self._cost = cost
        self._waiting: dict[Ticket[PayloadT], _Waiting[PayloadT]] = {}
        self._files_running = 0
        self._since_file = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, ticket: Ticket[PayloadT], now: float) -> list[Ticket[PayloadT]]:
        """The tickets that this one supersedes. Raises FullError for all but finals.

        An interim takes over the place and the urgency of the one that it supersedes: a stream
        whose interims come faster than they are run would else be last for ever.
        """
        old = [] if ticket.kind is Kind.FILE else self._superseded_by(ticket)
        room = self._limits.waiting - len(self._waiting) + len(old)
        if room <= 0 and ticket.kind is not Kind.FINAL:
            raise FullError(f"{len(self._waiting)} decodes wait already; try again later")
        entry = _Waiting(ticket, ticket.kind, ticket.deadline, now)
        for earlier in old:
            del self._waiting[earlier.ticket]
            if _alike(earlier.kind, entry.kind):
                kind, place = min(entry.kind, earlier.kind), min(entry.place, earlier.place)
                entry = replace(entry, kind=kind, place=place)
        self._waiting[ticket] = entry
        return [earlier.ticket for earlier in old]

    def promote(self, ticket: Ticket[PayloadT]) -> bool:
        """Make a waiting ticket a final. False when it does not wait."""
        entry = self._waiting.get(ticket)
        if entry is not None:
            self._waiting[ticket] = replace(entry, kind=Kind.FINAL)
        return entry is not None

    def withdraw(self, ticket: Ticket[PayloadT]) -> bool:
        """False when it does not wait."""
        return self._waiting.pop(ticket, None) is not None

    def close(self, stream: int) -> list[Ticket[PayloadT]]:
        """Forget what waits of a stream, finals too; they are returned."""
        return self._forget([t for t in self._waiting if t.stream == stream])

    def clear(self) -> list[Ticket[PayloadT]]:
        return self._forget(list(self._waiting))

    def longest_wait(self, now: float) -> float:
        """Seconds that the oldest ticket has waited which somebody on a call waits for."""
        calls = [entry.since for entry in self._waiting.values() if entry.kind < Kind.INTERIM]
        return max(0.0, now - min(calls, default=now))

    def take(self, now: float) -> tuple[Batch[PayloadT] | None, list[Ticket[PayloadT]]]:
        """What to run next, if anything, and the interims dropped because they are late."""
        late = self._forget(
            [
                ticket
                for ticket, entry in self._waiting.items()
                if entry.kind in _INTERIMS and ticket.deadline < now
            ]
        )
        first = self._first()
        if first is None:
            return None, late
        chosen = self._company(first, now)
        self._account(first)
        self._forget([entry.ticket for entry in chosen])
        items = tuple(Item(e.ticket, e.kind, max(0.0, now - e.since)) for e in chosen)
        shape = _shape(chosen)
        return Batch(items, shape, self._need(shape)), late

    def finished(self, batch: Batch[PayloadT], seconds: float | None) -> None:
        """`seconds` that it took, or None when it failed and they teach nothing."""
        if batch.kind is Kind.FILE:
            self._files_running -= 1
        if seconds is not None:
            self._cost.learn(batch.shape, seconds)

    def _superseded_by(self, ticket: Ticket[PayloadT]) -> list[_Waiting[PayloadT]]:
        entries = self._waiting.values()
        return [e for e in entries if e.ticket.stream == ticket.stream and e.kind not in _KEPT]

    def _forget(self, tickets: list[Ticket[PayloadT]]) -> list[Ticket[PayloadT]]:
        for ticket in tickets:
            del self._waiting[ticket]
        return tickets

    def _first(self) -> _Waiting[PayloadT] | None:
        free = self._files_running < self._limits.files
        allowed = [e for e in self._waiting.values() if free or e.kind is not Kind.FILE]
        if free and self._since_file >= self._limits.file_every - 1:
            allowed = [e for e in allowed if e.kind is Kind.FILE] or allowed
        return min(allowed, key=lambda entry: entry.order, default=None)

    def _account(self, first: _Waiting[PayloadT]) -> None:
        if first.kind is Kind.FILE:
            self._files_running += 1
            self._since_file = 0
        elif any(entry.kind is Kind.FILE for entry in self._waiting.values()):
            self._since_file += 1

    def _company(self, first: _Waiting[PayloadT], now: float) -> list[_Waiting[PayloadT]]:
        """`first` and those that may share its batch, most urgent first."""
        group = first.ticket.group
        others = [e for e in self._waiting.values() if e.ticket.group == group and e is not first]
        longest = self._longest(_shape([first]))
        if first.kind <= Kind.SPECULATIVE:
            longest = max(longest, now - first.since)
        chosen = [first]
        for entry in sorted(others, key=lambda entry: entry.order)[: self._limits.size - 1]:
            most = longest
            if entry.kind > first.kind:
                urgent = _shape([e for e in chosen if e.kind <= first.kind])
                most = min(longest, (1 + self._limits.ride) * self._cost.seconds(urgent))
            if self._cost.seconds(_shape([*chosen, entry])) > most:
                break
            chosen.append(entry)
        return chosen

    def _longest(self, alone: Shape) -> float:
        return max(self._limits.longest, self._limits.stretch * self._cost.seconds(alone))

    def _need(self, shape: Shape) -> float:
        sizes = [replace(shape, size=size) for size in range(1, self._limits.size + 1)]
        longest = self._longest(sizes[0])
        seconds = [self._cost.seconds(each) for each in sizes]
        allowed = [took / size for size, took in enumerate(seconds, 1) if took <= longest]
        return min(1.0, shape.size * min(allowed) / seconds[shape.size - 1])


def _alike(one: Kind, other: Kind) -> bool:
    return one is other or {one, other} <= set(_INTERIMS)


def _shape(entries: Sequence[_Waiting[PayloadT]]) -> Shape:
    tickets = [entry.ticket for entry in entries]
    return Shape(max(t.frames for t in tickets), len(tickets), max(t.tokens for t in tickets))
