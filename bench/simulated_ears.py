"""An engine on virtual time. The scheduler and the load policy are the real ones."""

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from whisper_engine.model import Kind
from whisper_engine.whisper.cost import CPU, CUDA, Coefficients, Cost
from whisper_engine.whisper.pace import Load
from whisper_engine.whisper.scheduler import CPU_LIMITS, CUDA_LIMITS, Limits, Scheduler
from whisper_engine.whisper.tickets import Batch, Ticket


@dataclass(frozen=True)
class Machine:
    """
    Args:
        takes: what batches take, give or take `jitter`; the scheduler believes `believed` at first.
        contention: how much longer a batch takes for each other one that runs.
        silence: seconds of it before a speculative decode.
        padded: whether finals are decoded at 30 s.
        period: least seconds from one interim to the next; infinite: there are none.
    """

    workers: int
    limits: Limits
    takes: Coefficients
    believed: Coefficients
    patience: float
    contention: float
    silence: float
    padded: bool
    jitter: float = 0.1
    period: float = 0.0


CPU_BOX = Machine(2, CPU_LIMITS, CPU, CPU, 0.4, 0.0, 0.128, padded=False)
CARD = Machine(2, CUDA_LIMITS, CUDA, CUDA, 0.25, 0.5, 0.096, padded=True)


@dataclass
class Report:
    """`speculative`: seconds from the end of speech until its text is ready, of those that were
    not in vain. `finals`: from flush to final. `loads` and `rooms`: once a second."""

    speculative: list[float] = field(default_factory=list)
    finals: list[float] = field(default_factory=list)
    flushes: int = 0
    interims: int = 0
    dropped: int = 0
    late_interims: int = 0
    most_waiting: int = 0
    sizes: list[int] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    rooms: list[bool] = field(default_factory=list)


@dataclass(frozen=True)
class Decode:
    ready: Callable[[], None]


class Ears:
    """The engine's clock, queue and workers."""

    def __init__(self, machine: Machine, seed: int) -> None:
        self.now = 0.0
        self.machine = machine
        self.report = Report()
        self.load = Load(machine.workers, machine.patience)
        self.scheduler: Scheduler[Decode] = Scheduler(machine.limits, Cost(machine.believed))
        self._truth = Cost(machine.takes)
        self._chance = Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._running = 0

    def at(self, when: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), event))

    def run(self) -> None:
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()
            while self._running < self.machine.workers and self._start():
                pass

    def submit(self, ticket: Ticket[Decode]) -> None:
        self.report.dropped += len(self.scheduler.submit(ticket, self.now))
        self.report.most_waiting = max(self.report.most_waiting, len(self.scheduler))

    def note_load(self) -> None:
        wait = self.scheduler.longest_wait(self.now)
        self.report.loads.append(self.load.utilisation(self.now, wait))
        self.report.rooms.append(self.load.has_room(self.now, wait))

    def _start(self) -> bool:
        batch, late = self.scheduler.take(self.now)
        self.report.dropped += len(late)
        if batch is None:
            return False
        seconds = self._truth.seconds(batch.shape)
        seconds *= 1 + self.machine.contention * self._running
        seconds *= math.exp(self._chance.gauss(0, self.machine.jitter))
        self._running += 1
        self.at(self.now + seconds, partial(self._finish, batch, seconds))
        return True

    def _finish(self, batch: Batch[Decode], seconds: float) -> None:
        self._running -= 1
        self.scheduler.finished(batch, seconds)
        self.load.ran(batch.kind, seconds, batch.need, self.now)
        self.report.sizes.append(len(batch.items))
        for item in batch.items:
            self.load.waited(item.kind, item.waited, self.now)
            if item.kind in (Kind.FIRST_INTERIM, Kind.INTERIM):
                self.report.interims += 1
                began = self.now - seconds
                self.report.late_interims += began > item.ticket.deadline + 1e-9
            item.ticket.payload.ready()
