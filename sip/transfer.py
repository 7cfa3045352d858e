"""Cold transfer: the caller is handed to somebody else by SIP REFER, and our call is over."""

import asyncio
from typing import Literal

import aiohttp
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.api.sip_service import SipService

Reason = Literal["busy", "no_answer", "rejected", "refused", "caller_left", "unreachable"]

BUSY = frozenset({486, 600})
NOT_THERE = frozenset({408, 480, 487})

MARGIN = 5.0
"""Seconds beyond the ringing in which LiveKit must have answered."""


class TransferError(Exception):
    """The caller is still ours.

    `busy`, `no_answer` and `rejected` are the other side's; `refused` is the trunk's, which must
    allow REFER; `caller_left` says that nobody is there to be transferred; `unreachable` is
    LiveKit's, and the transfer may have happened.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


async def transfer(sip: SipService, *, room: str, identity: str, to: str, ringing: int) -> None:
    """Returns when the other side has taken the call. `to` is E.164 or a SIP address.

    `ringing` is in seconds. Raises `TransferError`; it is not tried twice, for a REFER that seems
    lost may have rung somebody.
    """
    request = api.TransferSIPParticipantRequest(
        room_name=room,
        participant_identity=identity,
        transfer_to=to if to.startswith("sip:") else f"tel:{to}",
        play_dialtone=True,
        ringing_timeout=Duration(seconds=ringing),
    )
    try:
        async with asyncio.timeout(ringing + MARGIN):
            answer = await sip.transfer_sip_participant(request)
    except api.ServerError as error:
        raise TransferError(_reason(error)) from error
    except (TimeoutError, aiohttp.ClientError) as error:
        raise TransferError("unreachable") from error
    if answer.status == api.SIPTransferStatus.STS_TRANSFER_FAILED:
        raise TransferError(_of_status(answer.sip_status.code, answer.reason))


def _reason(error: api.ServerError) -> Reason:
    if error.code == api.ServerErrorCode.NOT_FOUND:
        return "caller_left"
    if not isinstance(error, api.SipCallError):
        return "refused"
    name = error.sip_transfer_reason or "STR_UNSPECIFIED"
    known = name in api.SIPTransferReason.keys()  # noqa: SIM118  # an enum's, which is no dict
    return _of_status(error.sip_status_code or 0, api.SIPTransferReason.Value(name) if known else 0)


def _of_status(code: int, reason: int) -> Reason:
    reasons = api.SIPTransferReason
    if code in BUSY:
        return "busy"
    if code in NOT_THERE or reason == reasons.STR_RINGING_TIMEOUT:
        return "no_answer"
    if reason in {reasons.STR_CALL_ENDED, reasons.STR_CANCELED}:
        return "caller_left"
    if reason == reasons.STR_REJECTED and not code:
        return "rejected"
    return "rejected" if code in {603, 607} else "refused"
