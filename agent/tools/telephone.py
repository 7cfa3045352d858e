"""What a tool does with a telephone line: hear keys, press keys, hand the caller over."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from livekit import rtc
from livekit.agents import JobContext

from agent.music import play_music
from agent.warm import Colleague, rung
from agent.warm.room import COLLEAGUE, RoomColleague
from sip.transfer import JOINED, ring, transfer

CODES = {key: code for code, key in enumerate("0123456789*#ABCD")}
"""Key to event code (RFC 4733)."""


class Telephone(Protocol):
    def on_key(self, pressed: Callable[[str], None]) -> None:
        """Call `pressed` with each key that the caller presses."""

    async def press(self, key: str) -> None:
        """One of 0-9, *, #, A-D."""

    async def transfer(self, number: str, ringing: int) -> None:
        """Raises `sip.transfer.TransferError`; otherwise the caller is no longer ours."""

    async def music(self, clip: Path | None) -> None:
        """For the caller, until cancelled; None is Parley's own."""

    def ring(self, number: str, ringing: int) -> AbstractAsyncContextManager[Colleague]:
        """Who answers there, and hears us alone; leaving hangs up on them unless they were joined.

        Raises `sip.transfer.TransferError` and `NotJoinedError`.
        """

    async def packets(self) -> int | None:
        """How many of the caller's have come; None when that is not known."""


class Legs(Protocol):
    """Who wants to know of those in the call beside the caller."""

    def joined_by(self, identity: str, number: str, sip_call_id: str) -> None:
        """They have answered."""

    def left_by(self, identity: str) -> None: ...

    def stay(self) -> None:
        """They and the caller talk on without us."""


class RoomTelephone:
    """The caller's line in a job's room; `ours` is the call's own number. `let_go` is called when the
    room is the caller's and a colleague's."""

    def __init__(
        self,
        job: JobContext,
        caller: rtc.RemoteParticipant,
        *,
        ours: str | None = None,
        legs: Legs | None = None,
        let_go: Callable[[], None] = lambda: None,
    ) -> None:
        self._job = job
        self._identity = caller.identity
        self._caller = caller
        self._ours = ours
        self._legs = legs
        self._let_go = let_go

    def on_key(self, pressed: Callable[[str], None]) -> None:
        def heard(dtmf: rtc.SipDTMF) -> None:
            if dtmf.participant is None or dtmf.participant.identity == self._identity:
                pressed(dtmf.digit)

        self._job.room.on("sip_dtmf_received", heard)

    async def press(self, key: str) -> None:
        await self._job.room.local_participant.publish_dtmf(code=CODES[key], digit=key)

    async def transfer(self, number: str, ringing: int) -> None:
        room = self._job.job.room.name
        sip = self._job.api.sip
        await transfer(sip, room=room, identity=self._identity, to=number, ringing=ringing)

    async def music(self, clip: Path | None) -> None:
        await play_music(self._job.room, clip)

    @asynccontextmanager
    async def ring(self, number: str, ringing: int) -> AsyncIterator[RoomColleague]:
        async def dial() -> str:
            return await ring(
                self._job.api.sip,
                room=self._job.job.room.name,
                identity=COLLEAGUE,
                to=number,
                ours=self._ours,
                ringing=ringing,
            )

        async with rung(self._job, self._identity, dial, mark=JOINED) as colleague:
            if self._legs:
                self._legs.joined_by(COLLEAGUE, _user(number), colleague.sip_call_id)
            try:
                yield colleague
            finally:
                self._parted(joined=colleague.joined)

    def _parted(self, *, joined: bool) -> None:
        if joined:
            self._let_go()
        if self._legs and joined:
            self._legs.stay()
        elif self._legs:
            self._legs.left_by(COLLEAGUE)

    async def packets(self) -> int | None:
        tracks = [each.track for each in self._caller.track_publications.values() if each.track]
        if not tracks:
            return None
        try:
            stats = await tracks[0].get_stats()
        except Exception:  # noqa: BLE001  # the track is gone, and the client knows no better name
            return None
        coming = (each.inbound_rtp.received for each in stats if each.HasField("inbound_rtp"))
        return sum(each.packets_received for each in coming)


def _user(number: str) -> str:
    """Of a SIP address, what stands for the number; at most what the ledger takes."""
    return number.removeprefix("sip:").partition("@")[0][:32]
