"""Finds what the account has of a line."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from sip.changes import SideError
from sip.line import Line
from sip.twilio_side.account import Account
from sip.twilio_side.objects import (
    Address,
    CredentialList,
    Found,
    IpList,
    Named,
    Number,
    Trigger,
    Trunk,
    Way,
)

__all__ = ["Found", "Number", "Trunk", "read"]

PAGE = 1000
"""The most that Twilio gives at once."""


async def read(account: Account, line: Line) -> Found:
    """Raises `SideError`: the account cannot be read, or has two of what there should be one of."""
    trunks = await _read(account, "trunks", lambda client: _all(client.trunking.v1.trunks))
    ours = _ours("trunks", line, trunks)
    return Found(
        trunk=ours and await _read_trunk(account, ours),
        others={
            each.sid: (each.friendly_name or "", each.domain_name or "")
            for each in trunks
            if each is not ours
        },
        credential_list=await _read_credentials(account, line),
        ip_list=await _read_addresses(account, line),
        numbers=await _read_numbers(account, line),
        triggers=await _read_triggers(account, line),
    )


async def _read(account: Account, what: str, request: Callable[[Any], Any]) -> Any:
    try:
        return await account.do(request)
    except SideError as error:
        raise SideError(f"cannot read the {what}: {error}") from None


def _all(resource: Any) -> Any:
    return resource.list(page_size=PAGE)


def _ours(kind: str, line: Line, listed: Sequence[Any]) -> Any:
    ours = [each for each in listed if each.friendly_name == line.title]
    if len(ours) > 1:
        sids = ", ".join(each.sid for each in ours)
        raise SideError(
            f"{len(ours)} {kind} are called {line.title!r} ({sids}): delete all but one"
        )
    return ours[0] if ours else None


async def _read_trunk(account: Account, trunk: Any) -> Trunk:
    sid = trunk.sid

    async def part(what: str, name: str) -> Any:
        return await _read(
            account,
            f"trunk's {what}",
            lambda client: _all(getattr(client.trunking.v1.trunks(sid), name)),
        )

    recording = await _read(
        account,
        "trunk's recording",
        lambda client: client.trunking.v1.trunks(sid).recordings().fetch(),
    )
    return Trunk(
        sid=sid,
        settings={
            "domain_name": trunk.domain_name or "",
            "secure": bool(trunk.secure),
            "transfer_mode": trunk.transfer_mode or "",
            "disaster_recovery_url": trunk.disaster_recovery_url or "",
        },
        recording=recording.mode or "",
        ways=[_way(each) for each in await part("origination URLs", "origination_urls")],
        credential_lists=[
            Named(each.sid, each.friendly_name or "")
            for each in await part("credential lists", "credentials_lists")
        ],
        ip_lists=[
            Named(each.sid, each.friendly_name or "")
            for each in await part("IP access control lists", "ip_access_control_lists")
        ],
        numbers=[
            Named(each.sid, each.phone_number or "")
            for each in await part("numbers", "phone_numbers")
        ],
    )


def _way(origination: Any) -> Way:
    settings = {
        "priority": origination.priority,
        "weight": origination.weight,
        "enabled": bool(origination.enabled),
    }
    return Way(origination.sid, origination.sip_url or "", settings)


async def _read_credentials(account: Account, line: Line) -> CredentialList | None:
    lists = await _read(
        account, "credential lists", lambda client: _all(client.sip.credential_lists)
    )
    if (ours := _ours("credential lists", line, lists)) is None:
        return None
    users = await _read(
        account,
        "credentials",
        lambda client: _all(client.sip.credential_lists(ours.sid).credentials),
    )
    return CredentialList(ours.sid, [Named(each.sid, each.username or "") for each in users])


async def _read_addresses(account: Account, line: Line) -> IpList | None:
    kind = "IP access control lists"
    lists = await _read(account, kind, lambda client: _all(client.sip.ip_access_control_lists))
    if (ours := _ours(kind, line, lists)) is None:
        return None
    addresses = await _read(
        account,
        "IP addresses",
        lambda client: _all(client.sip.ip_access_control_lists(ours.sid).ip_addresses),
    )
    return IpList(
        ours.sid,
        [Address(each.sid, f"{each.ip_address}/{each.cidr_prefix_length}") for each in addresses],
    )


async def _read_numbers(account: Account, line: Line) -> Mapping[str, Number]:
    found = [await _find_number(account, each.number) for each in line.numbers]
    return {each.number: number for each, number in zip(line.numbers, found, strict=True) if number}


async def _find_number(account: Account, number: str) -> Number | None:
    listed = await _read(
        account,
        "numbers",
        lambda client: client.incoming_phone_numbers.list(phone_number=number, page_size=PAGE),
    )
    # Twilio finds numbers by a part, too.
    return next((_number(each) for each in listed if each.phone_number == number), None)


def _number(listed: Any) -> Number:
    settings = {
        "voice_url": listed.voice_url or "",
        "voice_method": listed.voice_method or "",
        "voice_fallback_url": listed.voice_fallback_url or "",
    }
    return Number(listed.sid, listed.trunk_sid or "", listed.voice_application_sid or "", settings)


async def _read_triggers(account: Account, line: Line) -> Sequence[Trigger]:
    listed = await _read(account, "usage triggers", lambda client: _all(client.usage.triggers))
    return [_trigger(each) for each in listed if each.friendly_name == line.title]


def _trigger(listed: Any) -> Trigger:
    try:
        value = Decimal(listed.trigger_value or "")
    except InvalidOperation:
        limit = None
    else:
        limit = (listed.usage_category, listed.trigger_by, listed.recurring, value)
    return Trigger(listed.sid, limit, listed.callback_url or "")
