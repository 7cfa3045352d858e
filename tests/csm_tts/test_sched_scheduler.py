"""What must hold of the scheduler, whatever comes in whatever order."""

from collections import Counter, deque
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from csm_engine.protocol import FRAME_SECONDS
from csm_engine.scheduling.playout import Playout
from csm_engine.scheduling.rows import Limits
from csm_engine.scheduling.scheduler import FullError, Scheduler
from csm_engine.scheduling.step_times import StepTimes
from csm_engine.scheduling.ticks import Tick

BUCKETS = (1, 2, 4)
LIMITS = Limits(rows=12, prefill=100, least_prefill=10)
TINY = 1e-6


class Loop(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.scheduler = Scheduler(StepTimes(buckets=BUCKETS), LIMITS)
        self.prompts: dict[int, int] = {}
        self.lines: dict[int, Playout] = {}
        self.prefilled: Counter[int] = Counter()
        self.unsent: Counter[int] = Counter()
        self.gone: set[int] = set()
        self.in_flight: deque[Tick] = deque()

    @rule(prompt=st.integers(1, 300))
    def submit(self, prompt: int) -> None:
        line = Playout()
        try:
            generation = self.scheduler.submit(prompt, line, self.now)
        except FullError:
            assert len(self.lines) == LIMITS.rows
        else:
            assert generation not in self.prompts
            self.prompts[generation], self.lines[generation] = prompt, line

    @precondition(lambda self: self.prompts)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        generation = data.draw(st.sampled_from(sorted(self.prompts)))
        assert self.scheduler.cancel(generation) == (generation not in self.gone)
        self.forget(generation)

    @precondition(lambda self: self.prompts)
    @rule(data=st.data())
    def end(self, data: Any) -> None:
        generation = data.draw(st.sampled_from(sorted(self.prompts)))
        send = self.scheduler.end(generation, self.now)
        assert (send is None) == (generation in self.gone)
        assert send is None or (send.last and send.frames == self.unsent[generation])
        self.forget(generation)

    def forget(self, generation: int) -> None:
        if generation not in self.gone:
            self.gone.add(generation)
            del self.lines[generation]

    @rule(seconds=st.floats(0, 3))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: len(self.in_flight) < LIMITS.in_flight)
    @rule()
    def plan(self) -> None:
        tick = self.scheduler.plan(self.now)
        self.check_rows(tick)
        self.check_prefills(tick)
        if tick.idle:
            self.check_idle(tick)
        else:
            self.in_flight.append(tick)

    def check_rows(self, tick: Tick) -> None:
        assert len(set(tick.rows)) == len(tick.rows) <= tick.bucket <= max(BUCKETS)
        assert tick.bucket == min((b for b in BUCKETS if b >= len(tick.rows)), default=0) or (
            not tick.rows
        )
        assert self.gone.isdisjoint(tick.rows)

    def check_prefills(self, tick: Tick) -> None:
        assert tick.tokens <= LIMITS.prefill
        for prefill in tick.prefills:
            key = prefill.generation
            assert key not in self.gone
            assert prefill.start == self.prefilled[key]
            self.prefilled[key] += prefill.tokens
            assert prefill.last == (self.prefilled[key] == self.prompts[key])
        assert all(self.prefilled[key] == self.prompts[key] for key in tick.rows)

    def check_idle(self, tick: Tick) -> None:
        """Only when everyone has been given enough."""
        assert all(self.lead(key) > LIMITS.resume - TINY for key in self.lines)
        assert (tick.wake_at is None) == (not self.lines)
        assert tick.wake_at is None or tick.wake_at > self.now

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), seconds=st.floats(0, 0.2))
    def done(self, data: Any, seconds: float) -> None:
        tick = self.in_flight.popleft()
        self.now += seconds
        some = st.sets(st.sampled_from(tick.rows)) if tick.rows else st.just(set())
        ended, skipped = data.draw(some), data.draw(some)
        here = [key for key in tick.rows if key not in self.gone]
        outcome = self.scheduler.done(tick, seconds, self.now, ended=ended, skipped=skipped)
        # Late results of rows that are gone are dropped, and nothing else.
        assert list(outcome.kept) == [key for key in here if key not in ended | skipped]
        self.unsent.update(outcome.kept)
        for send in outcome.sends:
            assert send.last == (send.generation in ended)
            assert send.last or send.frames > 0
            self.unsent[send.generation] -= send.frames
            assert self.unsent[send.generation] == 0
        for key in ended & set(here):
            assert key in {send.generation for send in outcome.sends}
            self.forget(key)

    def lead(self, key: int) -> float:
        flying = sum(key in tick.rows for tick in self.in_flight)
        return self.lines[key].ahead(self.now) + FRAME_SECONDS * (self.unsent[key] + flying)

    @invariant()
    def nobody_is_given_more_than_enough(self) -> None:
        for key in self.lines:
            assert self.lead(key) < LIMITS.pause + FRAME_SECONDS + TINY

    @invariant()
    def what_waits_for_a_chunk_is_little(self) -> None:
        assert all(self.unsent[key] < max(LIMITS.ramp) for key in self.lines)
        assert len(self.scheduler) == len(self.lines)


Loop.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestLoop = Loop.TestCase
