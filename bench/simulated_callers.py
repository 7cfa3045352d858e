"""Callers on virtual time: they talk in turns with pauses, and want what a stream of the engine's
wants meanwhile."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

from bench.simulated_ears import Decode, Ears, Machine, Report
from whisper_engine.model import Kind
from whisper_engine.whisper.pace import LEAST_PERIOD
from whisper_engine.whisper.tickets import Ticket

BUCKETS = (3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0)
MARGIN = 2.56
PRE_ROLL = 0.4
FIRST_INTERIM = 0.4
INTERIM_ALLOWANCE = 1.0
FLUSH = 0.25
"""Seconds of silence after which LiveKit's voice detector asks for the final."""

TOKENS_PER_SECOND = 4.5


class Text:
    """The text of an utterance, made before or after it is asked for."""

    def __init__(self, ears: Ears, end: float) -> None:
        self._ears = ears
        self._end = end
        self._asked: float | None = None
        self._ready: float | None = None
        self.ticket: Ticket[Decode] | None = None

    def ask(self) -> None:
        self._asked = self._ears.now
        self._ears.report.flushes += 1
        if self.ticket is not None:
            self._ears.scheduler.promote(self.ticket)
        self._settle()

    def ready(self) -> None:
        self._ready = self._ears.now
        self._settle()

    def _settle(self) -> None:
        if self._asked is None or self._ready is None:
            return
        self._ears.report.finals.append(max(0.0, self._ready - self._asked))
        if self.ticket is not None and self.ticket.kind is Kind.SPECULATIVE:
            self._ears.report.speculative.append(self._ready - self._end)


@dataclass
class Utterance:
    began: float
    interims: int = 0
    text: Text | None = None


class Caller:
    """Talks, and wants what a stream of the engine's wants meanwhile."""

    def __init__(self, ears: Ears, stream: int, seed: int, until: float) -> None:
        self._ears = ears
        self._stream = stream
        self._utterance: Utterance | None = None
        self._silent_since: float | None = 0.0
        for start, end in _speech(Random(seed), until):
            ears.at(start, self._start)
            ears.at(end, self._stop)

    def _start(self) -> None:
        self._silent_since = None
        if self._utterance is None:
            self._utterance = Utterance(self._ears.now)
            if self._ears.machine.period < math.inf:
                begin = self._ears.now + FIRST_INTERIM
                self._ears.at(begin, partial(self._interim, self._utterance))
        elif (text := self._utterance.text) is not None and text.ticket is not None:
            self._ears.scheduler.withdraw(text.ticket)
            self._utterance.text = None

    def _stop(self) -> None:
        end = self._silent_since = self._ears.now
        self._ears.at(end + self._ears.machine.silence, partial(self._speculate, end))
        self._ears.at(end + FLUSH, partial(self._flush, end))

    def _interim(self, utterance: Utterance) -> None:
        if self._utterance is not utterance:
            return
        now, pace = self._ears.now, self._ears.load.pace(self._ears.now)
        period = max(pace.interim or LEAST_PERIOD, self._ears.machine.period)
        self._ears.at(now + period, partial(self._interim, utterance))
        first = utterance.interims == 0
        if self._silent_since is None and (pace.first_interim if first else pace.interim):
            utterance.interims += 1
            kind = Kind.FIRST_INTERIM if first else Kind.INTERIM
            self._want(kind, now - utterance.began, now + INTERIM_ALLOWANCE, lambda: None)

    def _speculate(self, end: float) -> None:
        utterance = self._utterance
        if utterance is None or self._silent_since != end:
            return
        if self._ears.load.pace(self._ears.now).speculative:
            utterance.text = self._text(Kind.SPECULATIVE, utterance, end)

    def _flush(self, end: float) -> None:
        utterance = self._utterance
        if utterance is not None and self._silent_since == end:
            self._utterance = None
            text = utterance.text or self._text(Kind.FINAL, utterance, end)
            text.ask()

    def _text(self, kind: Kind, utterance: Utterance, end: float) -> Text:
        text = Text(self._ears, end)
        text.ticket = self._want(kind, end - utterance.began, end + FLUSH, text.ready)
        return text

    def _want(
        self, kind: Kind, speech: float, deadline: float, ready: Callable[[], None]
    ) -> Ticket[Decode]:
        padded = self._ears.machine.padded and kind in (Kind.FINAL, Kind.SPECULATIVE)
        length = BUCKETS[-1] if padded else PRE_ROLL + speech + MARGIN
        frames = round(100 * next((b for b in BUCKETS if b >= length), BUCKETS[-1]))
        tokens = 2 + round(TOKENS_PER_SECOND * speech)
        ticket = Ticket(Decode(ready), kind, self._stream, frames, frames, deadline, tokens)
        self._ears.submit(ticket)
        return ticket


def simulate(machine: Machine, calls: int, seconds: float, seed: int = 1) -> Report:
    """All calls from the start; each answers what it hears as a caller would."""
    ears = Ears(machine, seed)
    for stream in range(calls):
        Caller(ears, stream, 1000 * seed + stream, seconds)
    for second in range(1, int(seconds)):
        ears.at(second, ears.note_load)
    ears.run()
    return ears.report


def _speech(chance: Random, until: float) -> Iterator[tuple[float, float]]:
    """Start and end of each stretch of speech: turns of 0.4 to 12 s, many of them one word, with
    pauses in them that are mostly shorter than 0.4 s, and the other side's answers between."""
    now = chance.uniform(0, 5)
    while now < until:
        turn = min(max(chance.lognormvariate(0.5, 0.9), 0.4), 12.0)
        while turn > 0:
            stretch = min(turn, 0.4 + chance.gammavariate(2, 0.7))
            yield now, now + stretch
            now += stretch + 0.05 + chance.gammavariate(2, 0.12)
            turn -= stretch
        now += 1 + chance.gammavariate(3, 1)
