"""Transfers. Cold: the caller is handed to somebody else by SIP REFER, and our call is over. Warm: they
are rung into the caller's room first, and our part is over when the two are joined."""

import asyncio
import logging
from typing import Literal

import aiohttp
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.api.sip_service import SipService

logger = logging.getLogger(__name__)

JOINED = '{"joined": true}'
"""Metadata of a room in which two people talk whom an agent has brought together."""

NOBODY = "parley"
"""Whom somebody sees who is rung at a SIP address by a call without a number."""

Reason = Literal["busy", "no_answer", "rejected", "refused", "caller_left", "unreachable"]

BUSY = frozenset({486, 600})
NOT_THERE = frozenset({408, 480, 487})

_GIVEN_UP = frozenset({api.ServerErrorCode.CANCELED, api.ServerErrorCode.DEADLINE_EXCEEDED})

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


async def ring(
    sip: SipService, *, room: str, identity: str, to: str, ours: str | None, ringing: int
) -> str:
    """Returns when somebody has answered: their SIP call's id. `to` as `transfer` has it.

    A number is reached by the outbound trunk that has `ours`, or the only one there is; a SIP address
    needs none. In the room they are `identity`, from before it rings. Raises `TransferError`.
    """
    request = api.CreateSIPParticipantRequest(
        room_name=room,
        participant_identity=identity,
        participant_name=identity,
        hide_phone_number=True,
        wait_until_answered=True,
        ringing_timeout=Duration(seconds=ringing),
    )
    try:
        async with asyncio.timeout(ringing + MARGIN):
            await _address(request, sip, to, ours)
            answered = await sip.create_sip_participant(request)
    except api.SipCallError as error:
        raise TransferError(_of_status(error.sip_status_code or 0, 0)) from error
    except api.ServerError as error:
        # The bridge gives up without a SIP response, and calls that `canceled`.
        raise TransferError("no_answer" if error.code in _GIVEN_UP else "refused") from error
    except (TimeoutError, aiohttp.ClientError) as error:
        raise TransferError("unreachable") from error
    return answered.sip_call_id


async def _address(
    request: api.CreateSIPParticipantRequest, sip: SipService, to: str, ours: str | None
) -> None:
    """Raises TransferError where no trunk leads there."""
    if to.startswith("sip:"):
        request.sip_call_to, _, host = to.removeprefix("sip:").rpartition("@")
        request.trunk.CopyFrom(api.SIPOutboundConfig(hostname=host))
        request.sip_number = ours or NOBODY
        return
    trunks = (await sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())).items
    with_ours = [each for each in trunks if ours in each.numbers]
    chosen = next(iter(with_ours), trunks[0] if len(trunks) == 1 else None)
    if chosen is None:
        logger.error("no outbound trunk has this call's number: run `parley sip apply`")
        raise TransferError("refused")
    request.sip_trunk_id, request.sip_call_to = chosen.sip_trunk_id, to
    if with_ours:
        request.sip_number = ours or ""


def _reason(error: api.ServerError) -> Reason:
    if error.code == api.ServerErrorCode.NOT_FOUND:
        return "caller_left"
    if error.code == api.ServerErrorCode.UNKNOWN:
        return "unreachable"  # livekit-sip's, of an answer that it missed: it may act on it all the same
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
