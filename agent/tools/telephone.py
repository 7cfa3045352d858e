"""What a tool does with a telephone line: hear keys, press keys, hand the caller over."""

from collections.abc import Callable
from typing import Protocol

from livekit import rtc
from livekit.agents import JobContext

from sip.transfer import transfer

CODES = {key: code for code, key in enumerate("0123456789*#ABCD")}
"""Key to event code (RFC 4733)."""


class Telephone(Protocol):
    def on_key(self, pressed: Callable[[str], None]) -> None:
        """Call `pressed` with each key that the caller presses."""

    async def press(self, key: str) -> None:
        """One of 0-9, *, #, A-D."""

    async def transfer(self, number: str, ringing: int) -> None:
        """Raises `sip.transfer.TransferError`; otherwise the caller is no longer ours."""

    async def packets(self) -> int | None:
        """How many of the caller's have come; None when that is not known."""


class RoomTelephone:
    """The caller's line in a job's room."""

    def __init__(self, job: JobContext, caller: rtc.RemoteParticipant) -> None:
        self._job = job
        self._identity = caller.identity
        self._caller = caller

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
