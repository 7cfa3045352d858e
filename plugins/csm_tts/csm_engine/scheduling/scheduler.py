"""Which rows get a frame next, and which prompts are prefilled. Pure: `now` is passed in, in
seconds of one clock that does not go back, and nothing here waits.

The device's loop is: `plan`, launch, `done` when the sound has come back. A second tick may be
planned before the first is done: its rows read their last frame from the device itself.
"""

from collections import deque
from collections.abc import Collection

from csm_engine.scheduling.playout import Playout
from csm_engine.scheduling.rows import Limits, Row, State
from csm_engine.scheduling.step_times import StepTimes
from csm_engine.scheduling.ticks import Outcome, Prefill, Send, Tick

SOON = 1e-3
"""A paused row is not looked at again before that: a sum of floats may put it off for ever."""


class FullError(Exception):
    """As many rows have work as may have. Later there may be room."""


class Scheduler:
    """Those who have heard nothing yet first, then who runs dry the soonest."""

    def __init__(self, times: StepTimes, limits: Limits | None = None) -> None:
        self._times = times
        self._limits = limits or Limits()
        self._rows: dict[int, Row] = {}
        self._in_flight: deque[Tick] = deque()
        self._generations = 0
        self._ticks = 0
        self._small = 0

    def __len__(self) -> int:
        return len(self._rows)

    def state(self, generation: int) -> State | None:
        """None for a row that is gone."""
        row = self._rows.get(generation)
        return None if row is None else row.state

    def submit(self, prompt: int, playout: Playout, now: float) -> int:
        """Take on a sentence whose prompt has that many tokens to prefill; its generation.

        Raises FullError. A line speaks one sentence at a time: ValueError for a second.
        """
        if prompt < 1:
            raise ValueError("a prompt has at least one token")
        if any(row.playout is playout for row in self._rows.values()):
            raise ValueError("this line's last sentence has not ended")
        if len(self._rows) >= self._limits.rows:
            raise FullError(f"{self._limits.rows} sentences are being made; try again later")
        self._generations += 1
        playout.expect(now)
        self._rows[self._generations] = Row(self._generations, playout, prompt, now)
        return self._generations

    def cancel(self, generation: int) -> bool:
        """Barge-in: no later tick names the row. False when it is gone already."""
        row = self._rows.pop(generation, None)
        if row is None:
            return False
        row.playout.cut()
        return True

    def block(self, generation: int, blocked: bool) -> None:
        """Whether its listener takes no more for now: it gets no frames then, and keeps its place."""
        row = self._rows.get(generation)
        if row is not None:
            row.blocked = blocked

    def spare_tokens(self, now: float) -> int:
        """How many could be prefilled now for nobody's next frame; none while a prompt waits, nor
        where they are so few that reading the weights for them would cost more than they do."""
        if any(row.state in (State.WAITING, State.PREFILLING) for row in self._rows.values()):
            return 0
        tokens = self._affordable(now)
        return tokens if tokens >= self._limits.least_prefill else 0

    def end(self, generation: int, now: float) -> Send | None:
        """Its last frame was made: what is held goes out. None when it is gone already."""
        row = self._rows.pop(generation, None)
        if row is None:
            return None
        frames = row.take_chunk(now) if row.held else 0
        row.playout.rest()
        return Send(generation, frames, last=True)

    def plan(self, now: float) -> Tick:
        """The next tick, to be launched and reported `done` unless it is idle.

        Raises RuntimeError when as many ticks as may be are not done.
        """
        if len(self._in_flight) >= self._limits.in_flight:
            raise RuntimeError("report a tick done before planning the next")
        for row in self._rows.values():
            row.pace(now, self._limits)
        prefills = self._prefills(now)
        chosen = self._speakers(sum(prefill.tokens for prefill in prefills), now)
        for row in chosen:
            row.in_flight += 1
        self._ticks += 1
        rows = tuple(row.generation for row in chosen)
        bucket = self._times.bucket(len(rows))
        wake_at = None if rows or prefills else self._wake_at(now)
        tick = Tick(self._ticks, prefills, rows, bucket, wake_at)
        if not tick.idle:
            self._in_flight.append(tick)
        return tick

    def done(
        self,
        tick: Tick,
        seconds: float | None,
        now: float,
        *,
        ended: Collection[int] = (),
        skipped: Collection[int] = (),
    ) -> Outcome:
        """A tick's frames have come back; `seconds` it took, or None when that teaches nothing.

        Frames of `ended` rows were an end (no sound), those of `skipped` rows are not to be sent.
        Ticks are reported in the order they were planned in: ValueError otherwise.
        """
        if not self._in_flight or self._in_flight[0] != tick:
            raise ValueError(f"tick {tick.number} is not the oldest that is not done")
        self._in_flight.popleft()
        if seconds is not None:
            self._times.learn(len(tick.rows), tick.tokens, seconds)
        kept, sends = [], []
        for row in [self._rows[key] for key in tick.rows if key in self._rows]:
            row.in_flight -= 1
            if row.generation in ended:
                sends.append(self.end(row.generation, now))
            elif row.generation not in skipped:
                row.held += 1
                kept.append(row.generation)
                if row.chunk_due(now, self._limits):
                    sends.append(Send(row.generation, row.take_chunk(now)))
        return Outcome(tuple(kept), tuple(send for send in sends if send is not None))

    def _by_deadline(self, now: float, *states: State) -> list[Row]:
        rows = [row for row in self._rows.values() if row.state in states]
        # Rows are kept by age, and sorting is stable: the older of two equals comes first.
        return sorted(rows, key=lambda row: row.deadline(now, self._limits))

    def _prefills(self, now: float) -> tuple[Prefill, ...]:
        waiting = self._by_deadline(now, State.WAITING, State.PREFILLING)
        if not waiting:
            return ()
        left = self._prefill_budget(now)
        prefills = []
        for row in waiting:
            tokens = min(left, row.prompt - row.prefilled)
            if not tokens:
                break
            start = row.prefilled
            row.prefilled += tokens
            left -= tokens
            last = row.prefilled == row.prompt
            prefills.append(Prefill(row.generation, start, tokens, last))
        return tuple(prefills)

    def _prefill_budget(self, now: float) -> int:
        return max(self._affordable(now), self._limits.least_prefill)

    def _affordable(self, now: float) -> int:
        """Tokens that leave those who speak the time for their next frame."""
        ready = (row for row in self._rows.values() if row.state is State.SPEAKING)
        speaking = [row for row in ready if not row.unheard_of]
        if not speaking:
            return self._limits.prefill
        step = self._times.seconds(min(len(speaking), self._times.largest))
        left = self._slack(speaking, now) / (1 + self._limits.margin) - step
        return min(self._limits.prefill, self._times.tokens_in(max(0.0, left)))

    def _speakers(self, tokens: int, now: float) -> list[Row]:
        """Who gets a frame in a tick that prefills so many `tokens`."""
        chosen = self._by_deadline(now, State.SPEAKING)[: self._times.largest]
        first = [row for row in chosen if row.unheard_of]
        if self._small_tick_pays(first, chosen, tokens, now):
            self._small += 1
            return first
        self._small = 0
        return chosen + self._companions(chosen, now)

    def _small_tick_pays(
        self, first: list[Row], chosen: list[Row], tokens: int, now: float
    ) -> bool:
        """Whether first frames may go alone, and the others still hear no gap."""
        if not first or len(first) == len(chosen) or self._small >= self._limits.small_ticks:
            return False
        small, big = self._times.seconds(len(first)), self._times.seconds(len(chosen))
        others = [row for row in chosen if not row.unheard_of]
        both = self._times.seconds(len(first), tokens) + big
        alone = self._slack(others, now) > (1 + self._limits.margin) * both
        return alone and small <= self._limits.small * big

    def _companions(self, chosen: list[Row], now: float) -> list[Row]:
        """Paused rows with room for a frame, if nobody in the tick is in a hurry."""
        if not chosen or self._slack(chosen, now) < self._limits.calm:
            return []
        room = self._times.largest - len(chosen)
        paused = self._by_deadline(now, State.PAUSED)
        return [row for row in paused if not row.blocked and row.lead(now) < self._limits.pause][
            :room
        ]

    def _slack(self, rows: list[Row], now: float) -> float:
        """Seconds until the first of `rows` runs dry, less what the device still has to do."""
        busy = sum(self._times.seconds(len(tick.rows), tick.tokens) for tick in self._in_flight)
        return min(row.slack(now) for row in rows) - busy

    def _wake_at(self, now: float) -> float | None:
        rows = self._rows.values()
        paused = [row.lead(now) for row in rows if row.paused and not row.blocked]
        return now + max(SOON, min(paused) - self._limits.resume) if paused else None
