"""An engine's scheduler on virtual time: replies begin at random, whatever the load (open loop),
and a device of a given speed speaks them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random

from csm_engine.protocol import FRAME_SECONDS
from csm_engine.scheduling.admission import Admission
from csm_engine.scheduling.playout import Playout
from csm_engine.scheduling.scheduler import Scheduler
from csm_engine.scheduling.step_times import FirstValues, StepTimes
from csm_engine.scheduling.ticks import Send, Tick

SENTENCES = (1, 4)
SENTENCE = (1.0, 6.0)
"""Seconds."""

PROMPT = (20, 60)
"""Tokens of a sentence that continues a kept context."""

COLD_PROMPT = 1000
COLD = 0.1
"""Share of the replies whose context is read anew."""

BARGE_IN = 0.2
"""Share of the replies that the caller cuts short."""

WARM_UP = 3
"""Steps of each bucket that are measured before the first call."""

MEAN_REPLY = sum(SENTENCES) / 2 * sum(SENTENCE) / 2


@dataclass(frozen=True)
class Machine:
    """What its ticks really take, in seconds, and the share by which each may differ."""

    takes: FirstValues
    jitter: float = 0.1
    in_flight: int = 1

    def seconds(self, bucket: int, tokens: int) -> float:
        step = self.takes.step + self.takes.row * bucket if bucket else 0.0
        return step + self.takes.token * tokens


H200 = Machine(FirstValues())
RTX_4090 = Machine(FirstValues(step=1.19e-2, row=1.3e-4, token=3e-5))
L4 = Machine(FirstValues(step=2.7e-2, row=5.5e-4, token=4e-5))
"""All three as csm.md's targets and estimates have them; none is measured."""


@dataclass
class Report:
    """Times in seconds."""

    capacity: int = 0
    lasted: float = 0.0
    replies: int = 0
    refused: int = 0
    first_sound: list[float] = field(default_factory=list)
    cancels: list[float] = field(default_factory=list)
    """From a barge-in until the device no longer works for it."""
    underruns: int = 0
    starved: float = 0.0
    ticks: int = 0
    frames: int = 0
    lost: int = 0
    """Frames made for rows that were gone."""
    busy: float = 0.0
    speaking: list[int] = field(default_factory=list)
    """Replies under way, at each that begins."""


class Voices:
    """The engine, the clock, and what is under way."""

    def __init__(self, machine: Machine, seed: int) -> None:
        self.now = 0.0
        self.report = Report()
        self.machine = machine
        self.times = StepTimes()
        self._chance = Random(seed)
        for bucket in self.times.buckets * WARM_UP:
            self.times.learn(bucket, 0, machine.seconds(bucket, 0))
        self.scheduler = Scheduler(self.times)
        self.admission = Admission(self.times)
        self.replies: set[Reply] = set()
        self.spoken: dict[int, Reply] = {}
        self.device_free = 0.0
        self._launched = 0
        self._wake = 0.0
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, when: float, call: Callable[[], None]) -> None:
        heappush(self._events, (when, next(self._order), call))

    def run(self) -> None:
        while self._events:
            self.now, _, call = heappop(self._events)
            call()
            self._launch()

    def _launch(self) -> None:
        while self._launched < self.machine.in_flight:
            tick = self.scheduler.plan(self.now)
            if tick.idle:
                if tick.wake_at is not None and self._wake <= self.now:
                    self._wake = tick.wake_at
                    self.at(tick.wake_at, lambda: None)
                return
            chance = self._chance.uniform(-1, 1) * self.machine.jitter
            seconds = self.machine.seconds(tick.bucket, tick.tokens) * (1 + chance)
            self.device_free = max(self.now, self.device_free) + seconds
            self._launched += 1
            self.at(self.device_free, partial(self._done, tick, seconds))

    def _done(self, tick: Tick, seconds: float) -> None:
        self._launched -= 1
        here = [key for key in tick.rows if key in self.spoken]
        ended = {key for key in here if self.spoken[key].take_frame()}
        outcome = self.scheduler.done(tick, seconds, self.now, ended=ended)
        self.report.ticks += 1
        self.report.busy += seconds
        self.report.frames += len(outcome.kept)
        self.report.lost += len(tick.rows) - len(here)
        for send in outcome.sends:
            self.spoken[send.generation].sent(send)


class Reply:
    """Sentences that are spoken one after the other on a line of their own."""

    def __init__(self, voices: Voices, seed: int) -> None:
        chance = Random(seed)
        self._voices = voices
        self._playout = Playout()
        self._sentences = [
            (round(chance.uniform(*SENTENCE) / FRAME_SECONDS), chance.randint(*PROMPT))
            for _ in range(chance.randint(*SENTENCES))
        ]
        if chance.random() < COLD:
            self._sentences[0] = (self._sentences[0][0], COLD_PROMPT)
        length = FRAME_SECONDS * sum(frames for frames, _ in self._sentences)
        self._cut_after = chance.uniform(0, length) if chance.random() < BARGE_IN else None
        self._generation = 0
        self._frames = 0
        self._began = 0.0

    def begin(self) -> None:
        voices = self._voices
        voices.report.replies += 1
        if voices.admission.ask(len(voices.replies), 1, 1):
            voices.report.refused += 1
            return
        voices.replies.add(self)
        voices.report.speaking.append(len(voices.replies))
        self._began = voices.now
        self._speak_next()

    def take_frame(self) -> bool:
        """A frame has been made; whether it is the one that says that the sentence has ended."""
        self._frames -= 1
        return self._frames < 0

    def sent(self, send: Send) -> None:
        voices = self._voices
        if self._began >= 0 and send.frames:
            voices.report.first_sound.append(voices.now - self._began)
            if self._cut_after is not None:
                voices.at(voices.now + self._cut_after, self._barge_in)
            self._began = -1
        if send.last:
            del voices.spoken[send.generation]
            if self._sentences:
                self._speak_next()
            else:
                self._end()

    def _speak_next(self) -> None:
        self._frames, prompt = self._sentences.pop(0)
        now = self._voices.now
        self._generation = self._voices.scheduler.submit(prompt, self._playout, now)
        self._voices.spoken[self._generation] = self

    def _barge_in(self) -> None:
        voices = self._voices
        if self in voices.replies:
            voices.scheduler.cancel(self._generation)
            del voices.spoken[self._generation]
            voices.report.cancels.append(max(0.0, voices.device_free - voices.now))
            self._end()

    def _end(self) -> None:
        self._voices.replies.remove(self)
        self._voices.report.underruns += self._playout.underruns
        self._voices.report.starved += self._playout.starved


def simulate(machine: Machine, load: float, seconds: float, seed: int = 1) -> Report:
    """`load` replies under way on average, if all are admitted and spoken to their end."""
    voices = Voices(machine, seed)
    voices.report.capacity = voices.admission.capacity()
    chance = Random(seed)
    now, replies = 0.0, 0
    while (now := now + chance.expovariate(load / MEAN_REPLY)) < seconds:
        replies += 1
        voices.at(now, Reply(voices, 1_000_003 * seed + replies).begin)
    voices.run()
    voices.report.lasted = voices.now
    return voices.report
