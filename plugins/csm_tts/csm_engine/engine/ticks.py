"""The loop of the device's thread: take what is asked, prefill, step, hand over what came back."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from csm_engine.context.context import Context
from csm_engine.endings.ending import FinishReason
from csm_engine.engine.batch import Batch
from csm_engine.engine.flight import Flight, Row
from csm_engine.engine.line import Made
from csm_engine.engine.talk import Talk
from csm_engine.engine.ticket import Ticket
from csm_engine.engine.watch import Watch
from csm_engine.model import SpeakError
from csm_engine.scheduling.scheduler import Scheduler
from csm_engine.scheduling.ticks import Prefill, Send, Tick

logger = logging.getLogger(__name__)

FAILED = "the engine failed"


@dataclass(eq=False, slots=True)
class _Sentence:
    """`asked`, `begun` and `read` are when it was asked for, had its place, and was prefilled;
    `made` are its sounds that no `Send` has named yet."""

    talk: Talk
    ticket: Ticket
    row: Row
    asked: float
    begun: float
    read: float | None = None
    heard: bool = False
    made: deque[bytes] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class _Asked:
    tick: Tick
    flight: Flight
    sentences: Sequence[tuple[int, _Sentence]]
    at: float


class Ticks:
    """All methods belong to one thread. `clock` gives seconds that do not go back."""

    def __init__(
        self,
        batch: Batch,
        scheduler: Scheduler,
        clock: Callable[[], float],
        watch: Watch,
        after: Callable[[Talk], None],
        *,
        in_flight: int,
    ) -> None:
        """`after` is told of each talk whose sentence is over."""
        self._batch = batch
        self._scheduler = scheduler
        self._clock = clock
        self._watch = watch
        self._after = after
        self._in_flight = in_flight
        self._sentences: dict[int, _Sentence] = {}
        self._asked: deque[_Asked] = deque()
        self._back = 0.0

    @property
    def speaking(self) -> int:
        return len(self._sentences)

    def begin(self, talk: Talk, context: Context, ticket: Ticket, asked: float) -> None:
        """Take on a sentence, which was `asked` for then, or tell it why not."""
        try:
            row = self._batch.begin(context, talk.voice, ticket.line)
        except SpeakError as error:
            ticket.fail(error)
            return
        now = self._clock()
        generation = self._scheduler.submit(len(row.tokens) - 1, talk.playout, now)
        self._sentences[generation] = _Sentence(talk, ticket, row, asked, now)
        self._watch.rows(len(self._sentences))

    def stop(self, ticket: Ticket) -> None:
        """Nobody wants more of it."""
        for generation, sentence in self._sentences.items():
            if sentence.ticket is ticket:
                self._scheduler.cancel(generation)
                self._drop(generation)
                return

    def close(self, talk: Talk) -> None:
        """Its sentence, if it is still being spoken, is told that there will be no more of it."""
        for generation, sentence in self._sentences.items():
            if sentence.talk is talk:
                self._refuse(generation, closed())
                return

    def tick(self) -> float | None:
        """Seconds until there will be something to do again, 0 when there is now; None when
        something must change first."""
        for generation, sentence in self._sentences.items():
            self._scheduler.block(generation, sentence.ticket.full)
        now = self._clock()
        tick = self._scheduler.plan(now)
        if tick.idle:
            if self._asked:
                self._collect()
                return 0.0
            return None if tick.wake_at is None else max(0.0, tick.wake_at - now)
        self._launch(tick, now)
        # Waited for here and not before the next `plan`, which then knows what came meanwhile.
        if len(self._asked) == self._in_flight:
            self._collect()
        return 0.0

    def spare_tokens(self) -> int:
        """That can be read for later, and nobody who speaks runs dry."""
        return self._scheduler.spare_tokens(self._clock())

    def fail_all(self, why: str) -> None:
        """At the end: what they hold is given up with the device."""
        for sentence in self._sentences.values():
            sentence.ticket.fail(SpeakError(why, retryable=True))
        self._sentences.clear()
        self._watch.rows(0)

    def _launch(self, tick: Tick, now: float) -> None:
        flight = Flight((), ())
        try:
            for prefill in tick.prefills:
                self._prefill(prefill)
            alive = [key for key in tick.rows if key in self._sentences]
            sentences = [(key, self._sentences[key]) for key in alive]
            if sentences:
                flight = self._batch.launch([sentence.row for _, sentence in sentences])
        except Exception:
            logger.exception("a step of %d rows failed", len(tick.rows))
            keys = {*tick.rows, *(prefill.generation for prefill in tick.prefills)}
            self._fail(keys)
            sentences = []
        self._asked.append(_Asked(tick, flight, sentences, now))

    def _prefill(self, prefill: Prefill) -> None:
        sentence = self._sentences.get(prefill.generation)
        if sentence is None:
            return
        try:
            self._batch.prefill(sentence.row, prefill.start, prefill.tokens)
        except SpeakError as error:
            self._refuse(prefill.generation, error)
            return
        self._watch.read(prefill.tokens)
        if prefill.last:
            sentence.read = self._clock()

    def _collect(self) -> None:
        asked = self._asked.popleft()
        stepped = asked.flight.codes is not None
        try:
            outcomes = dict(self._batch.collect(asked.flight))
        except Exception:
            logger.exception("a step of %d rows was lost", len(asked.sentences))
            self._fail({key for key, _ in asked.sentences})
            outcomes, stepped = {}, False
        now = self._clock()
        seconds = now - max(asked.at, self._back) if stepped else None
        self._back = now
        ended: dict[int, FinishReason] = {}
        silent: set[int] = set()
        for key, sentence in asked.sentences:
            if self._sentences.get(key) is not sentence:
                continue
            made = outcomes.get(sentence.row, Made())
            if isinstance(made, SpeakError):
                self._refuse(key, made)
                continue
            if made.sound:
                sentence.made.append(made.sound)
            if made.reason is not None:
                ended[key] = made.reason
            elif not made.sound:
                silent.add(key)
        outcome = self._scheduler.done(asked.tick, seconds, now, ended=ended, skipped=silent)
        for send in outcome.sends:
            self._send(send, now)
        for key, reason in ended.items():
            self._watch.ended(reason)
            # Whoever hears of the end finds the place free.
            self._drop(key).ticket.close(reason)
        if seconds is not None and not asked.tick.tokens:
            self._watch.step(asked.tick.bucket, seconds)

    def _send(self, send: Send, now: float) -> None:
        sentence = self._sentences[send.generation]
        count = len(sentence.made) if send.last else send.frames
        if not count:
            return
        sentence.ticket.put([sentence.made.popleft() for _ in range(count)])
        if sentence.talk.live:
            self._watch.ahead(sentence.talk.playout.ahead(now))
        if not sentence.heard and sentence.read is not None:
            sentence.heard = True
            begun, read = sentence.begun, sentence.read
            self._watch.first_sound(begun - sentence.asked, read - begun, now - read)

    def _refuse(self, generation: int, error: SpeakError, *, broken: bool = False) -> None:
        self._scheduler.cancel(generation)
        self._drop(generation, broken=broken).ticket.fail(error)

    def _fail(self, generations: set[int]) -> None:
        """What they share broke, and none of their states can be trusted; others may go on, if the
        device can."""
        for generation in generations & self._sentences.keys():
            self._refuse(generation, SpeakError(FAILED, retryable=True), broken=True)
        self._batch.check()

    def _drop(self, generation: int, *, broken: bool = False) -> _Sentence:
        sentence = self._sentences.pop(generation)
        self._batch.end(sentence.row, broken=broken)
        self._watch.rows(len(self._sentences))
        if sentence.talk.live:
            self._watch.dry(*sentence.talk.playout.news())
        self._after(sentence.talk)
        return sentence


def closed() -> SpeakError:
    return SpeakError("the conversation was closed", retryable=False)
