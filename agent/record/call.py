"""The record of one call in the ledger, from the job's start to its end."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from livekit.agents import AgentSession

from agent.call import Call, CallRequest, CallState, Outcome
from agent.record.page import Page, Sink, steady_time
from agent.record.talk import TalkRecord
from ledger.database import open_ledger
from ledger.holder import this_process
from ledger.places import NONE
from ledger.tables import EventRow, LegRow
from ledger.writer import Writer

logger = logging.getLogger(__name__)

BEAT = 5.0
"""Seconds between two signs of life; who gives none for a minute is taken for dead."""

FLUSH = 3.0
"""Seconds that the end of a call may wait for the ledger."""

ENDED, ERROR = "ended", str(CallState.ERROR)
"""States of a call that is over."""

CARRIERS_ID = "sip.h.x-twilio-callsid"
"""Attribute of a caller by Twilio, from the header `X-Twilio-CallSid` of its INVITE."""

Cost = Callable[[float, list[dict[str, Any]]], float | None]
"""Of seconds on the line and the use of models; None: nothing has a price."""


class CallRecord:
    """Written as it happens. Without a sink, nothing is. `key` names a call without an id.

    `clock` says when things happen, as turns tell it: by the call's own time. Signs of life are for
    others to see, by the machine's clock. How long things take is told by the loop's.
    """

    def __init__(
        self,
        call: Call,
        sink: Sink | None,
        *,
        room: str,
        key: str,
        clock: Callable[[], datetime] = lambda: datetime.fromtimestamp(time.time(), UTC),
        seen_by: Callable[[], datetime] = lambda: datetime.now(UTC),
        cost: Cost = lambda seconds, models: None,
    ) -> None:
        self._call = call
        self._page = Page(sink, clock)
        self._seen_by = seen_by
        self._room = room
        self._key = key
        self.started_at = clock()
        self._request = CallRequest()
        self._state: CallState | None = None
        self._cost = cost
        self._began = steady_time()
        self._answered: float | None = None
        self._caller: int | None = None
        self._others: dict[str, int] = {}
        self._talk: TalkRecord | None = None
        self._beating: asyncio.TimerHandle | None = None

    def asked(self, request: CallRequest) -> None:
        """What the job is. A call that has an id by now has its row from now on."""
        self._request = request
        if request.call_id:
            self._begin()

    def joined(self, request: CallRequest, identity: str, attributes: Mapping[str, str]) -> None:
        """The caller is there, which may be told twice. `request` with what their attributes tell."""
        self._request = request
        self._begin()
        self._page.put(from_number=request.from_, to_number=request.to)
        if carriers_id := attributes.get(CARRIERS_ID):
            self._page.put(carrier_call_id=carriers_id)
        if self._caller is not None:
            return
        self._caller = self._page.add(
            LegRow,
            identity=identity,
            sip_call_id=attributes.get("sip.callID"),
            number=attributes.get("sip.phoneNumber"),
            joined_at=self._page.now(),
        )

    def joined_by(self, identity: str, number: str, sip_call_id: str) -> None:
        """Somebody else has answered."""
        key = self._page.add(
            LegRow,
            identity=identity,
            sip_call_id=sip_call_id or None,
            number=number,
            joined_at=self._page.now(),
        )
        if key is not None:
            self._others[identity] = key

    def left_by(self, identity: str) -> None:
        if (key := self._others.pop(identity, None)) is not None:
            self._page.change(LegRow, key, left_at=self._page.now())

    def stay(self) -> None:
        """The call ends for us alone: nobody knows when the others leave."""
        self._caller = None

    @property
    def id(self) -> str:
        """Of its row."""
        return self._request.call_id or self._key

    async def written(self, patience: float) -> None:
        """Wait until what is told so far stands in the ledger, so many seconds at most."""
        await asyncio.to_thread(self._page.settle, patience)

    def watch(self, session: AgentSession[None]) -> None:
        self._talk = TalkRecord(self._page, session)

    def went_on(self) -> None:
        """The call may be in another state than before."""
        state = self._call.state
        if state is self._state or not self._page.is_open:
            return
        self._state = state
        self._page.put(state=str(state))
        if state is CallState.ACTIVE:
            self.answered()
        if state is CallState.STOPPING:
            self._page.put(place=NONE)
        self._page.happened("state", state=str(state))

    def answered(self) -> None:
        """The caller's telephone is answered, if it was not: by the queue, or by the talk."""
        if self._answered is None:
            self._answered = steady_time()
            self._page.put(answered_at=self._page.now())

    def happened(self, event: str, **details: Any) -> None:
        """An event of the call's, for `ledger.tables.EventRow`."""
        self._page.happened(event, **details)

    def recorded(self, recording: str | None, since: datetime | None) -> None:
        """Where its sound lies, and when that begins: turns are found in it by that."""
        self._page.put(recording=recording)
        if since:
            self._page.add(EventRow, at=since, kind="recording", details={})

    def note(self, **columns: Any) -> None:
        """More that is known of the call: columns of `ledger.tables.CallRow`."""
        self._page.put(**columns)

    def end(self) -> None:
        """The call is over; nothing is told after this."""
        self._begin()
        self.went_on()
        if self._beating:
            self._beating.cancel()
        if self._talk:
            self._talk.end()
        now, error = self._page.now(), self._call.error
        if self._caller is not None:
            self._page.change(LegRow, self._caller, left_at=now)
        usage = self._usage()
        lasted = self._lasted()
        self._page.put(
            state=ENDED if error is None else ERROR,
            ended_at=now,
            outcome=str(outcome_of(self._call)),
            end_reason=self._call.end_reason if error is None else error,
            usage=usage,
            cost=self._cost(lasted, usage["models"]),
            **self._signs_of_life() | {"line_seconds": lasted},
        )

    async def close(self) -> None:
        """`end`, and wait for the ledger as long as the end of a call may."""
        self.end()
        await asyncio.to_thread(self._page.close, FLUSH)

    def _begin(self) -> None:
        if self._page.is_open:
            return
        self._page.open(
            self.id,
            direction=self._request.direction,
            persona=self._request.persona,
            from_number=self._request.from_,
            to_number=self._request.to,
            room=self._room,
            test=self._request.test,
            state=str(CallState.IDLE),
            started_at=self.started_at,
            usage={},
            **self._signs_of_life(),
        )
        self._beat()

    def _beat(self) -> None:
        if self._page.is_open:
            self._beating = asyncio.get_running_loop().call_later(BEAT, self._beat)
            self.went_on()
            self._page.put(**self._signs_of_life())

    def _signs_of_life(self) -> dict[str, Any]:
        return {
            "seen_at": self._seen_by(),
            "worker": this_process(),  # a job that began afresh has another
            "heard_seconds": self._call.heard_seconds,
            "spoken_seconds": self._call.spoken_seconds,
        } | ({} if self._answered is None else {"line_seconds": self._lasted()})

    def _lasted(self) -> float:
        """Seconds since it was answered."""
        return 0.0 if self._answered is None else steady_time() - self._answered

    def _usage(self) -> dict[str, Any]:
        return {
            "line_seconds": round(steady_time() - self._began, 3),
            "models": self._talk.usage() if self._talk else [],
            "apologies": self._call.apologies,
            "stalls": dict(self._call.stalls),
        }


def call_record(call: Call, url: str | None, *, room: str, key: str, cost: Cost) -> CallRecord:
    """Written to the ledger at `url`, if there is one."""
    sink = Writer(lambda: open_ledger(url)) if url else None
    return CallRecord(call, sink, room=room, key=key, cost=cost)


def outcome_of(call: Call) -> Outcome:
    """Of a call that is over. Who places a call may know better why nobody answered."""
    if call.error is not None:
        return Outcome.FAILED
    if call.outcome is not None:
        return call.outcome
    return Outcome.NO_ANSWER if call.connected_at is None else Outcome.ANSWERED
