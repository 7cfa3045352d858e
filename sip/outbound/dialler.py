"""Takes calls from the queue, at the line's pace, and places them."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.exc import OperationalError

from agent.call import CallRequest, Outcome
from agent.yaml_file import BadFileError
from sip.line import Line
from sip.numbers import read_numbers
from sip.outbound.abandoned import Abandoned
from sip.outbound.guard import Guard, unplaced
from sip.outbound.place import (
    AGENT_PATIENCE,
    CancelledDialError,
    Exchange,
    Placement,
    Unreachable,
)
from sip.outbound.policy import Policy
from sip.outbound.queue import Dial, Queue, State
from sip.outbound.result import ANSWERED, Result, again_at
from sip.outbound.threads import in_thread

logger = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks into the queue, which others fill, and from which others cancel."""

TAKEN_OVER_AFTER = 60.0
"""Seconds beyond the ringing after which whoever claimed a call has died."""

TAKE_OVER = 15.0
"""Seconds between two looks for such."""

UNREADABLE = 30.0
"""Seconds until a list of numbers that cannot be read is read again; nobody is called meanwhile."""

STOPPED = Result(Outcome.NO_ANSWER, None, "Parley was stopped while it rang")
UNPLACED = Result(Outcome.FAILED, None, "the dialler died before it rang", placed=False)
UNKNOWN = Result(
    Outcome.FAILED, None, "the dialler died in the call: whether anybody was reached is not known"
)


@contextlib.contextmanager
def _said_when_away() -> Iterator[None]:
    try:
        yield
    except Unreachable as error:
        logger.warning("LiveKit is away", extra={"why": type(error).__name__})


def read_policy(line: Line) -> Policy:
    """Read anew for each call, for somebody may have asked not to be called.

    Raises `BadFileError` and `hours.NoZoneError`.
    """
    listed = line.outbound.do_not_call
    return Policy.of(line, read_numbers(listed) if listed else ())


def _now() -> datetime:
    return datetime.now(UTC)


class Dialler:
    """Of one line. Any number of them may share a queue: its pace holds for all together."""

    def __init__(
        self, line: Line, queue: Queue, exchange: Exchange, clock: Callable[[], datetime] = _now
    ) -> None:
        self._line = line
        self._queue = queue
        self._exchange = exchange
        self._clock = clock
        self._hours = Policy.of(line)
        self._gap = timedelta(seconds=1 / line.outbound.calls_per_second)
        self._guard = Guard(line, queue)
        patience = line.outbound.ringing_seconds + AGENT_PATIENCE + TAKEN_OVER_AFTER
        self._abandoned = Abandoned(queue, patience)

    async def run(self) -> None:
        """Until cancelled, which hangs up what rings and leaves it to be called again."""
        loop = asyncio.get_running_loop()
        look_for_dead = loop.time()
        async with asyncio.TaskGroup() as calls:
            while True:
                if loop.time() >= look_for_dead:
                    look_for_dead = loop.time() + TAKE_OVER
                    await self._take_over()
                dial = await self._next()
                if dial:
                    calls.create_task(self._settled(dial))
                await asyncio.sleep(self._gap.total_seconds() if dial else LOOK)

    async def run_held(self, dial_id: str) -> Dial | None:
        """One attempt at a dial that was added as `held`. Returns it as it is then.

        Being cancelled cancels it, and hangs up.
        """
        try:
            while True:
                claim = partial(self._queue.claim_held, dial_id, self._clock(), self._gap)
                dial = await in_thread(claim)
                if dial:
                    break
                await asyncio.sleep(self._gap.total_seconds())
            refused = await in_thread(partial(self._guard.refuses, dial, self._clock()))
            if result := refused or await self._attempt(dial):
                await self._finish(dial, result)
        except asyncio.CancelledError:
            if await in_thread(partial(self._queue.cancel, dial_id)):
                raise
            # Too late: it is answered, or over.
        return await in_thread(partial(self._queue.get, dial_id))

    async def _next(self) -> Dial | None:
        """One that may be dialled now."""
        now = self._clock()
        if self._hours.next_open(now) > now:
            return None
        try:
            policy = await asyncio.to_thread(read_policy, self._line)
        except BadFileError as error:
            logger.error("nobody is called", extra={"why": str(error)})  # noqa: TRY400
            await asyncio.sleep(UNREADABLE)
            return None
        if await in_thread(partial(self._guard.is_spent, now)):
            return None
        dial = await in_thread(partial(self._queue.claim, now, self._gap))
        if dial is None:
            return None
        refusal = policy.refusal(dial.order.to, dial.order.from_, now)
        kept_back = partial(self._guard.keeps_back, dial, now)
        refused = unplaced(refusal) or await in_thread(kept_back)
        if refused:
            await in_thread(partial(self._queue.finish, dial.id, refused))
            return None
        return dial

    async def _settled(self, dial: Dial) -> None:
        try:
            result = await self._attempt(dial)
        except asyncio.CancelledError:
            await self._settle(dial, STOPPED)
            raise
        if result:
            await self._settle(dial, result)

    async def _attempt(self, dial: Dial) -> Result | None:
        """None if it was cancelled: nothing of the call is left then."""
        result: Result | None = None
        call = self._placement(dial)

        async def ringing() -> None:
            if not await in_thread(partial(self._queue.placing, dial.id, call.call_id)):
                raise CancelledDialError

        try:
            try:
                async with asyncio.TaskGroup() as tasks:
                    watching = tasks.create_task(self._until_cancelled(dial.id))
                    result = await self._exchange.place(call, ringing)
                    watching.cancel()
            except* CancelledDialError:
                pass
        except asyncio.CancelledError:
            if result is None:
                raise
            # Too late: what came of the call has to be kept.
        logger.info(
            "a call was placed",
            extra={"call_id": call.call_id, "outcome": result and str(result.outcome)},
        )
        return result

    async def _until_cancelled(self, dial_id: str) -> None:
        while True:
            await asyncio.sleep(LOOK)
            with contextlib.suppress(OperationalError):
                if not await asyncio.to_thread(self._queue.is_mine, dial_id):
                    raise CancelledDialError

    async def _settle(self, dial: Dial, result: Result) -> None:
        """It is done, or it waits for another attempt within the calling hours."""
        now = self._clock()
        again = again_at(result, dial.attempts, now, self._line.outbound)
        if again is None:
            await self._finish(dial, result)
            return
        due = self._hours.next_open(again)
        await in_thread(partial(self._queue.again, dial.id, due, result))

    async def _finish(self, dial: Dial, result: Result) -> None:
        mine = await in_thread(partial(self._queue.finish, dial.id, result))
        if mine or result is not ANSWERED:
            return
        now = await in_thread(partial(self._queue.get, dial.id))
        if now and now.state is State.CANCELLED:  # in the moment of the answer
            with _said_when_away():
                await self._exchange.remove(self._placement(dial).call_id)

    async def _take_over(self) -> None:
        """What a dialler that died has left: called again only if nobody can have been rung."""
        now, steady = self._clock(), asyncio.get_running_loop().time()
        for dial in await in_thread(partial(self._abandoned.take, now, steady)):
            logger.warning("a dialler died in a call", extra={"dial": dial.id})
            if dial.call_id is None:
                due = max(dial.due_at, now)
                await in_thread(partial(self._queue.again, dial.id, due, UNPLACED))
                continue
            with _said_when_away():  # it is looked at again when it is old again
                result = await self._found(dial.call_id)
                await in_thread(partial(self._queue.finish, dial.id, result))

    async def _found(self, call_id: str) -> Result:
        """What came of a call whose dialler died; one that rings is ended."""
        if await in_thread(partial(self._queue.was_answered, call_id)):
            return ANSWERED
        if await self._exchange.is_answered(call_id):
            return ANSWERED
        await self._exchange.remove(call_id)
        return UNKNOWN

    def _placement(self, dial: Dial) -> Placement:
        """Each attempt is a call of its own."""
        call_id = f"call-{dial.id.removeprefix('dial-')}-{dial.attempts}"
        order, rules = dial.order, self._line.outbound
        request = CallRequest(
            direction="outbound",
            persona=order.persona,
            to=order.to,
            from_=order.from_,
            vars=dict(order.vars),
            call_id=call_id,
        )
        return Placement(
            call_id=call_id,
            to=order.to,
            from_=order.from_,
            request=request,
            ringing=rules.ringing_seconds,
            max_seconds=rules.max_call_seconds,
        )
