"""Which trunk and which rule LiveKit gives a call to, found without making it. Pure.

As livekit-server 1.13.5 does it (`ioservice_sip.go`, and `sip/sip.go` of livekit/protocol at 28e604c).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from livekit import api

Trunk = api.SIPInboundTrunkInfo
Rule = api.SIPDispatchRuleInfo

UNUSABLE = 2**31 - 1
"""The priority of a rule that says nothing."""

_KINDS = {
    "dispatch_rule_direct": (0, "room_name"),
    "dispatch_rule_individual": (1, "room_prefix"),
    "dispatch_rule_callee": (2, "room_prefix"),
}
_OPEN = 100
_UNNAMED = 1000
_FORBIDDEN = re.compile(r"[()+*;, \t\n\r]|://")
_NUMBER = re.compile(r"\+?[0-9\- ()]+")


@dataclass(frozen=True)
class IncomingCall:
    """An INVITE as far as it decides: the users of To and From, whence it came, From's host."""

    called: str
    calling: str
    source_ip: str
    from_host: str = ""


@dataclass(frozen=True)
class Missed:
    """A trunk or rule that does not take the call, and the first of its conditions that fails."""

    id: str
    name: str
    why: str


@dataclass(frozen=True)
class TrunkChoice:
    """`trunk` is None where none takes the call, or where `conflict` says that two do."""

    trunk: Trunk | None
    missed: tuple[Missed, ...] = ()
    conflict: str | None = None


@dataclass(frozen=True)
class RuleChoice:
    """`rule` is None where none takes the call, or where `conflict` says that LiveKit refuses to choose.

    `equals` have the same priority as `rule`: only the room's name, then the id, decides.
    """

    rule: Rule | None
    missed: tuple[Missed, ...] = ()
    equals: tuple[Rule, ...] = ()
    conflict: str | None = None


def normalized(number: str) -> str:
    """A telephone number without its dashes, and with a plus; anything else as it is."""
    if not _NUMBER.fullmatch(number):
        return number
    digits = re.sub(r"[- ()]", "", number)
    return digits if digits.startswith("+") else f"+{digits}"


def priority(rule: Rule) -> int:
    """The lower wins."""
    if (kind := rule.rule.WhichOneof("rule")) is None:
        return UNUSABLE
    rank = _KINDS[kind][0] + (0 if pin_of(rule) else _OPEN)
    return rank + _UNNAMED * (not rule.inbound_numbers) + _UNNAMED * (not rule.numbers)


def pin_of(rule: Rule) -> str:
    """Empty if callers need none."""
    kind = rule.rule.WhichOneof("rule")
    return str(getattr(rule.rule, kind).pin) if kind else ""


def room_of(rule: Rule) -> str:
    """The name of its room, or what its rooms' names begin with."""
    kind = rule.rule.WhichOneof("rule")
    return str(getattr(getattr(rule.rule, kind), _KINDS[kind][1])) if kind else ""


def is_usable(mask: str) -> bool:
    """Whether LiveKit looks at this allowed address at all. It drops the others without a word."""
    return not _FORBIDDEN.search(mask)


def is_address(mask: str) -> bool:
    """An address or a network, as 192.0.2.1 or 192.0.2.0/24. LiveKit takes others for host names."""
    address, slash, bits = mask.partition("/")
    try:
        if slash:
            ip_network(mask, strict=False)
            return bits.isdecimal() and str(int(bits)) == bits
        ip_address(address)
    except ValueError:
        return False
    return True


def choose_trunk(trunks: Iterable[Trunk], call: IncomingCall) -> TrunkChoice:
    """A trunk that names the number goes before those that take any."""
    named, wild, missed = list[Trunk](), list[Trunk](), list[Missed]()
    for trunk in sorted(trunks, key=lambda each: each.sip_trunk_id):
        if why := _trunk_misses(trunk, call):
            missed.append(Missed(trunk.sip_trunk_id, trunk.name, why))
        else:
            (named if trunk.numbers else wild).append(trunk)
    candidates = named or wild
    if len(candidates) > 1:
        names = ", ".join(f"{each.name!r} ({each.sip_trunk_id})" for each in candidates)
        return TrunkChoice(None, tuple(missed), f"{names} all take {call.called}")
    return TrunkChoice(candidates[0] if candidates else None, tuple(missed))


def choose_rule(trunk: Trunk | None, rules: Iterable[Rule], call: IncomingCall) -> RuleChoice:
    """A rule that names the trunk goes before those that name none; those take calls of no trunk too."""
    known = sorted(rules, key=lambda each: each.sip_dispatch_rule_id)
    listed = [rule for rule in known if not trunk or _may_serve(rule, trunk)]
    if conflict := _conflict(listed):
        return RuleChoice(None, conflict=conflict)
    named, wild, missed = list[Rule](), list[Rule](), list[Missed]()
    for rule in known:
        if why := _rule_misses(rule, trunk, call):
            missed.append(Missed(rule.sip_dispatch_rule_id, rule.name, why))
        else:
            (named if rule.trunk_ids else wild).append(rule)
    candidates = named or wild
    if not candidates:
        return RuleChoice(None, tuple(missed))
    best = min(candidates, key=lambda rule: (priority(rule), room_of(rule)))
    equals = [rule for rule in candidates if rule is not best and priority(rule) == priority(best)]
    return RuleChoice(best, tuple(missed), tuple(equals))


def _trunk_misses(trunk: Trunk, call: IncomingCall) -> str | None:
    if trunk.numbers and not _is_one_of(call.called, trunk.numbers):
        return f"numbers: {_listed(trunk.numbers)} without {call.called}"
    if trunk.allowed_numbers and not _is_one_of(call.calling, trunk.allowed_numbers):
        return f"allowed_numbers: {_listed(trunk.allowed_numbers)} without {call.calling}"
    if not _comes_from(call, trunk.allowed_addresses):
        return f"allowed_addresses: {_listed(trunk.allowed_addresses)} without {call.source_ip}"
    return None


def _rule_misses(rule: Rule, trunk: Trunk | None, call: IncomingCall) -> str | None:
    if rule.trunk_ids and (trunk is None or trunk.sip_trunk_id not in rule.trunk_ids):
        taken_by = trunk.sip_trunk_id if trunk else "no trunk"
        return f"trunk_ids: {_listed(rule.trunk_ids)}, and the call comes by {taken_by}"
    # Letter by letter, unlike a trunk's.
    if rule.numbers and call.called not in rule.numbers:
        return f"numbers: {_listed(rule.numbers)} without {call.called}"
    if rule.inbound_numbers and call.calling not in rule.inbound_numbers:
        return f"inbound_numbers: {_listed(rule.inbound_numbers)} without {call.calling}"
    return None


def _may_serve(rule: Rule, trunk: Trunk) -> bool:
    return not rule.trunk_ids or trunk.sip_trunk_id in rule.trunk_ids


def _is_one_of(number: str, numbers: Iterable[str]) -> bool:
    return normalized(number) in {normalized(each) for each in numbers}


def _comes_from(call: IncomingCall, masks: Iterable[str]) -> bool:
    usable = [mask for mask in masks if is_usable(mask)]
    if not usable:
        return True
    return any(mask == call.from_host or _holds(mask, call.source_ip) for mask in usable)


def _holds(mask: str, address: str) -> bool:
    return is_address(mask) and ip_address(address) in ip_network(mask, strict=False)


def _conflict(rules: Sequence[Rule]) -> str | None:
    """Two rules of the same PIN, trunk, caller and number: LiveKit answers nobody then."""
    known = dict[tuple[str, str, str, str], Rule]()
    for rule in rules:
        if rule.rule.WhichOneof("rule") is None:
            return f"{rule.name!r} ({rule.sip_dispatch_rule_id}) has no rule"
        for key in _keys(rule):
            if (other := known.setdefault(key, rule)) is not rule:
                return (
                    f"{other.name!r} ({other.sip_dispatch_rule_id}) and {rule.name!r} "
                    f"({rule.sip_dispatch_rule_id}) ask for the same calls"
                )
    return None


def _keys(rule: Rule) -> Iterable[tuple[str, str, str, str]]:
    return {
        (pin_of(rule), trunk, normalized(caller), normalized(number))
        for trunk in rule.trunk_ids or [""]
        for caller in rule.inbound_numbers or [""]
        for number in rule.numbers or [""]
    }


def _listed(values: Sequence[str]) -> str:
    few = ", ".join(values[:3])
    return f"{few} and {len(values) - 3} more" if len(values) > 3 else few  # noqa: PLR2004
