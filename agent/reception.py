"""Before a caller is answered: whether they are let in, and by whom they are answered."""

import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime

from livekit import rtc
from livekit.agents import JobContext

from agent.admission import Admission, Busy, HandOver, Refused, Take, webhook
from agent.admission.desk import Desk
from agent.beside import play_beside
from agent.call import Call, CallRequest, Outcome
from agent.clips import Clip, frames
from agent.line import Line
from agent.record import CallRecord
from agent.tools.telephone import RoomTelephone
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
    desk: Desk
    patience: float

    async def let_in(self, request: CallRequest) -> CallRequest | None:
        """The request, with another persona where admission says so; None: the call is dealt with.

        Raises `NoCallerError`.
        """
        if (policy := self.desk.policy()) == EVERYBODY:
            return request
        caller = await self.line.wait_for_caller(self.patience)
        asked = self._joined(request, caller)
        refused = await self._ask(policy, asked)
        if refused is None:
            known = await self._known(policy, asked)
            if known:
                return known
            refused = Refused("the owner's server refuses")
        about = {"reason": refused.reason, "instead": refused.otherwise.do}
        logger.info("a caller is not let in", extra=about)
        match refused.otherwise:
            case Take(persona=persona):
                self.record.note(persona=persona)
                return asked.model_copy(update={"persona": persona})
            case HandOver(to=number):
                await play_beside(self.job.room, frames(Clip.silence(ANSWERED)))
                await _hand_over(RoomTelephone(self.job, caller), number)
            case Busy():
                pass
        self.call.outcome = Outcome.REFUSED
        self.call.stopping(f"refused: {refused.reason}")
        return None

    def _joined(self, request: CallRequest, caller: rtc.RemoteParticipant) -> CallRequest:
        asked = request.with_sip(caller.attributes)
        self.call.id = asked.call_id or self.call.id
        self.record.joined(asked, caller.identity, caller.attributes)
        return asked

    async def _ask(self, policy: Admission, asked: CallRequest) -> Refused | None:
        if policy.counts:
            await self.record.written(WRITTEN)
        wants = Asked(self.record.id, self.record.started_at, asked.persona, asked.from_)
        return await self.desk.ask(policy, wants, datetime.now(UTC))

    async def _known(self, policy: Admission, asked: CallRequest) -> CallRequest | None:
        """As the owner's server knows the caller."""
        if policy.call_start is None:
            return asked
        known = await webhook.asked(policy.call_start, asked, os.environ)
        if known and known.persona != asked.persona:
            self.record.note(persona=known.persona)
        return known


async def _hand_over(telephone: RoomTelephone, number: str) -> None:
    try:
        await telephone.transfer(number, RINGING)
    except TransferError as error:
        logger.warning("the overflow number did not take the call", extra={"why": error.reason})
