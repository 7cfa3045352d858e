"""Before a caller is answered: whether they are let in, and by whom they are answered."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from livekit import rtc
from livekit.agents import JobContext

from agent.admission import Admission, Busy, HandOver, Otherwise, Queue, Refused, Take, webhook
from agent.admission.decide import REFUSED, UNKNOWN, WAITED
from agent.admission.desk import Desk
from agent.admission.engines import PATIENCE, Engines, doors_of
from agent.admission.waiting import Sounds, wait_for_a_place
from agent.beside import play_beside
from agent.call import Call, CallRequest, Outcome
from agent.clips import Clip, frames
from agent.config import Settings
from agent.line import Line
from agent.record import CallRecord
from agent.tools.telephone import RoomTelephone
from agent.waiting_room import WaitingRoom
from ledger import places
from ledger.counts import Asked
from sip.transfer import TransferError

logger = logging.getLogger(__name__)

EVERYBODY = Admission()

ANSWERED = 0.5
"""Seconds of silence that make the bridge answer: only a call that is up can be handed over."""

RINGING = 30
"""Seconds for the one who takes it."""

WRITTEN = 0.3
"""Seconds that the call's own row may take: who comes at the same time has to see it."""


@dataclass(frozen=True)
class Reception:
    """Of one call, whose caller has `patience` seconds to be there."""

    job: JobContext
    line: Line
    call: Call
    record: CallRecord
    settings: Settings
    desk: Desk
    patience: float
    sounds: Callable[[rtc.Room, Settings, str], Sounds] = WaitingRoom
    engines_patience: float = PATIENCE

    async def let_in(self, request: CallRequest) -> CallRequest | None:
        """The request, with another persona where admission says so; None: the call is dealt with.

        Raises `NoCallerError`.
        """
        engines = Engines(
            lambda: doors_of(self.settings, request.persona), self.job.job.id, self.engines_patience
        )
        admitted: CallRequest | None = None
        try:
            async with _reserving(engines) as reserving:
                caller = await self.line.wait_for_caller(self.patience)
                policy = self.desk.policy()
                has_room = await reserving
            admitted = await self._decided(policy, request, caller, engines, has_room=has_room)
        finally:
            if admitted is None:
                await engines.release()
        return admitted

    async def _decided(
        self,
        policy: Admission,
        request: CallRequest,
        caller: rtc.RemoteParticipant,
        engines: Engines,
        *,
        has_room: bool,
    ) -> CallRequest | None:
        if policy == EVERYBODY and has_room:
            return request
        asked = self._joined(request, caller)
        refused = await self._ask(policy, asked, engines_are_full=not has_room)
        if refused is None or refused.position:
            known = await self._known(policy, asked)
            asked, refused = known or asked, refused if known else Refused(UNKNOWN)
        if refused is None:
            return asked
        about = {"reason": refused.reason, "instead": refused.otherwise.do}
        logger.info("a caller is not let in", extra=about)
        if not isinstance(refused.otherwise, Queue):
            return await self._instead(asked, caller, refused.reason, refused.otherwise)
        queue = refused.otherwise
        has_place = await self._wait(policy, queue, refused.position, asked, engines)
        if has_place is None:
            self.call.stopping("the caller left the queue")
            return None
        if has_place:
            return asked
        if isinstance(queue.then, Busy):
            await self._sounds(asked).say(queue.goodbye)
        return await self._instead(asked, caller, WAITED, queue.then)

    def _joined(self, request: CallRequest, caller: rtc.RemoteParticipant) -> CallRequest:
        asked = request.with_sip(caller.attributes)
        self.call.id = asked.call_id or self.call.id
        self.record.joined(asked, caller.identity, caller.attributes)
        return asked

    async def _ask(
        self, policy: Admission, asked: CallRequest, *, engines_are_full: bool
    ) -> Refused | None:
        if policy.counts or isinstance(policy.when_full, Queue):
            await self.record.written(WRITTEN)
        return await self.desk.ask(
            policy, self._wants(asked), _now(), engines_are_full=engines_are_full
        )

    async def _known(self, policy: Admission, asked: CallRequest) -> CallRequest | None:
        """As the owner's server knows the caller."""
        if policy.call_start is None:
            return asked
        known = await webhook.asked(policy.call_start, asked, os.environ)
        if known and known.persona != asked.persona:
            self.record.note(persona=known.persona)
        return known

    async def _wait(
        self, policy: Admission, queue: Queue, position: int, asked: CallRequest, engines: Engines
    ) -> bool | None:
        """True: the place is theirs. False: it took too long. None: they hung up."""
        wants = self._wants(asked)

        async def look() -> int:
            stands = await self.desk.turn(policy, wants, _now())
            if stands or await engines.reserve():
                return stands
            await self.desk.put(wants, places.WAITING, _now())
            return 1

        def told(position: int) -> None:
            self.record.happened("queue", position=position)

        self.record.answered()
        sounds = self._sounds(asked)
        waiting = asyncio.create_task(wait_for_a_place(queue, position, look, sounds, told))
        ends: set[asyncio.Future[Any]] = {waiting, self.line.over}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return None if self.line.over.done() else waiting.result()
        finally:
            waiting.cancel()
            await asyncio.wait({waiting})

    async def _instead(
        self,
        asked: CallRequest,
        caller: rtc.RemoteParticipant,
        reason: str,
        otherwise: Otherwise,
    ) -> CallRequest | None:
        match otherwise:
            case Take(persona=persona):
                await self.desk.put(self._wants(asked), places.NONE, _now())
                self.record.note(persona=persona)
                return asked.model_copy(update={"persona": persona})
            case HandOver(to=number) if self.desk.hands_over():
                await play_beside(self.job.room, frames(Clip.silence(ANSWERED)))
                await _hand_over(RoomTelephone(self.job, caller), number)
            case _:
                pass
        self.call.outcome = Outcome.REFUSED
        self.call.stopping(f"{REFUSED}{reason}")
        self.record.note(outcome=str(Outcome.REFUSED), end_reason=self.call.end_reason)
        await self.record.written(WRITTEN)  # Twilio asks us why as soon as it hears busy
        return None

    def _wants(self, asked: CallRequest) -> Asked:
        return Asked(self.record.id, self.record.started_at, asked.persona, asked.from_)

    def _sounds(self, asked: CallRequest) -> Sounds:
        return self.sounds(self.job.room, self.settings, asked.persona)


async def reserved(
    settings: Settings, request: CallRequest, call: str, patience: float = PATIENCE
) -> bool:
    """Whether the engines keep room for a call that we place, by the name `call`."""
    return await Engines(lambda: doors_of(settings, request.persona), call, patience).reserve()


@asynccontextmanager
async def _reserving(engines: Engines) -> AsyncIterator[asyncio.Task[bool]]:
    """Beside what is done inside: it costs the caller no time."""
    reserving = asyncio.create_task(engines.reserve())
    try:
        yield reserving
    finally:
        reserving.cancel()
        await asyncio.wait({reserving})


def _now() -> datetime:
    return datetime.now(UTC)


async def _hand_over(telephone: RoomTelephone, number: str) -> None:
    try:
        await telephone.transfer(number, RINGING)
    except TransferError as error:
        logger.warning("the overflow number did not take the call", extra={"why": error.reason})
