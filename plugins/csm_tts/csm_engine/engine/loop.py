"""One turn of the device's thread, over and over."""

import contextlib
import logging
from collections.abc import Callable, Iterator

from csm_engine.engine.batch import Batch
from csm_engine.engine.inbox import Inbox
from csm_engine.engine.listening import Listening
from csm_engine.engine.talk import (
    Append,
    Close,
    Command,
    Cut,
    Do,
    Hear,
    Reset,
    Speak,
    Stop,
    Talk,
)
from csm_engine.engine.talks import Talks
from csm_engine.engine.ticks import FAILED, Ticks, closed
from csm_engine.engine.watch import Watch
from csm_engine.model import SpeakError
from csm_engine.scheduling.admission import Admission, AdmissionLimits
from csm_engine.scheduling.rows import Limits
from csm_engine.scheduling.scheduler import Scheduler
from csm_engine.scheduling.step_times import StepTimes

logger = logging.getLogger(__name__)

LISTENERS = 16
"""Callers whose sound is encoded in one batch."""


class Loop:
    """All methods but `has_room` belong to the device's thread."""

    def __init__(
        self,
        batch: Batch,
        inbox: Inbox,
        clock: Callable[[], float],
        watch: Watch,
        *,
        listening: Listening | None = None,
        in_flight: int = 1,
    ) -> None:
        self._batch = batch
        self._inbox = inbox
        slots = batch.free_slots
        times = StepTimes(buckets=batch.buckets)
        self._admission = Admission(times, AdmissionLimits(streams=slots))
        self._talks = Talks(batch.contexts, listening)
        self._ticks = Ticks(
            batch,
            Scheduler(times, Limits(rows=slots, in_flight=in_flight)),
            clock,
            watch,
            self._talks.news,
            in_flight=in_flight,
        )
        self._clock = clock
        # Sentences without a place, and when they were asked for.
        self._waiting: dict[Speak, float] = {}

    def has_room(self) -> bool:
        """Whether the sentences of one conversation more would leave nobody dry."""
        pages = self._batch.contexts.spare_pages
        refusal = self._admission.ask(self._ticks.speaking, self._batch.pages_of_one, pages)
        return refusal is None

    def turn(self) -> float | None:
        """As `Ticks.tick`."""
        while (command := self._inbox.take()) is not None:
            with self._apart("what a conversation was told is lost"):
                self._obey(command)
        self._begin()
        wait = self._ticks.tick()
        return 0.0 if self._prepare() else wait

    def fail_all(self, why: str) -> None:
        self._ticks.fail_all(why)
        for speak in self._waiting:
            speak.fail(SpeakError(why, retryable=True))
        self._waiting.clear()

    def _obey(self, command: Command) -> None:
        match command:
            case Speak():
                self._waiting[command] = self._clock()
            case Stop(talk=talk, ticket=ticket):
                self._give_up(Speak(talk, ticket))
                self._ticks.stop(ticket)
            case Cut():
                self._talks.cut(command)
            case Append():
                self._talks.append(command)
            case Hear(talk=talk, pcm=pcm):
                self._talks.hear(talk, pcm)
            case Reset(talk=talk):
                self._talks.reset(talk)
            case Close(talk=talk):
                self._close(talk)
            case Do(work=work):
                work()

    def _give_up(self, speak: Speak) -> None:
        if self._waiting.pop(speak, None) is not None:
            self._inbox.begun()

    def _close(self, talk: Talk) -> None:
        for speak in [each for each in self._waiting if each.talk is talk]:
            self._give_up(speak)
            speak.fail(closed())
        self._ticks.close(talk)
        self._talks.close(talk)

    def _begin(self) -> None:
        while self._waiting and self._batch.free_slots:
            speak, asked = next(iter(self._waiting.items()))
            self._give_up(speak)
            with self._apart("a sentence could not be begun", speak.fail):
                context = self._talks.context(speak.talk)
                self._ticks.begin(speak.talk, context, speak.ticket, asked)

    def _prepare(self) -> bool:
        """What nobody needs yet takes the time that the next sentence will not have to. False when
        there was nothing; where it failed, there may be more."""
        read = heard = True
        with self._apart("what was told is read with its next sentence"):
            read = (tokens := self._ticks.spare_tokens()) > 0 and self._talks.read(tokens)
        with self._apart("what callers said is lost"):
            heard = self._talks.listen(LISTENERS)
        return read or heard

    @contextlib.contextmanager
    def _apart(self, lost: str, fail: Callable[[SpeakError], None] | None = None) -> Iterator[None]:
        """What fails inside is one conversation's, and others go on, if the device can."""
        try:
            yield
        except Exception:
            logger.exception(lost)
            if fail is not None:
                fail(SpeakError(FAILED, retryable=True))
            self._batch.check()
