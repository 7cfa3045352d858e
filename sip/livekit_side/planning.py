"""What makes LiveKit's objects those that are wanted. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from google.protobuf.json_format import MessageToDict
from livekit import api

from sip.changes import SECRET, SideError
from sip.livekit_side.objects import Rule, Wanted

Kind = Literal["inbound trunk", "outbound trunk", "dispatch rule"]
Info: TypeAlias = api.SIPInboundTrunkInfo | api.SIPOutboundTrunkInfo | api.SIPDispatchRuleInfo
Fields = Mapping[str, tuple[str | None, str | None]]

TRUNK = "trunk"
"""The field of a rule that says whose calls it takes."""

GONE = "(gone)"
"""Stands for a trunk that a rule names and that is not there."""

_LIVEKITS = ("sip_trunk_id", "sip_dispatch_rule_id", "trunk_ids", "created_at", "updated_at")
_SECRETS = ("auth_password",)


@dataclass(frozen=True)
class Found:
    """All that LiveKit has, ours and others'."""

    inbound: Sequence[api.SIPInboundTrunkInfo] = ()
    outbound: Sequence[api.SIPOutboundTrunkInfo] = ()
    rules: Sequence[api.SIPDispatchRuleInfo] = ()


@dataclass(frozen=True)
class Step:
    """`id` is LiveKit's, of what is there; `info` and `trunk` (a name) say what shall be."""

    action: Literal["create", "update", "delete"]
    kind: Kind
    name: str
    id: str = ""
    info: Info | None = None
    trunk: str = ""
    fields: Fields = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Steps in order, and the ids of the inbound trunks that stay, by name."""

    steps: Sequence[Step]
    trunk_ids: Mapping[str, str]


def plan(wanted: Wanted, found: Found) -> Plan:
    """Raises `SideError` when a trunk of others has a number of ours.

    What goes, goes first: LiveKit refuses a trunk or rule that takes the calls of another. Rules
    that go before trunks leave no rule without a trunk.
    """
    _refuse_taken_numbers(wanted, found)
    trunks, kept = _trunk_steps("inbound trunk", wanted, wanted.inbound, found.inbound)
    outbound, _ = _trunk_steps("outbound trunk", wanted, wanted.outbound, found.outbound)
    rules = _rule_steps(wanted, found, kept)
    steps = [
        *(step for step in rules if step.action == "delete"),
        *_in_order([*trunks, *outbound]),
        *_in_order([step for step in rules if step.action != "delete"]),
    ]
    return Plan(steps, kept)


def plan_destroy(wanted: Wanted, found: Found) -> Sequence[Step]:
    """What bears our name goes, rules first, so that none is left without its trunk."""
    return [
        *_deleted("dispatch rule", wanted, found.rules, ()),
        *_deleted("outbound trunk", wanted, found.outbound, ()),
        *_deleted("inbound trunk", wanted, found.inbound, ()),
    ]


def id_of(info: Info) -> str:
    return (
        info.sip_dispatch_rule_id
        if isinstance(info, api.SIPDispatchRuleInfo)
        else info.sip_trunk_id
    )


def _refuse_taken_numbers(wanted: Wanted, found: Found) -> None:
    """LiveKit allows two trunks of one number only where one names its callers."""
    ours = {_digits(number) for trunk in wanted.inbound for number in trunk.numbers}
    for other in found.inbound:
        if wanted.owns(other.name) or other.allowed_numbers:
            continue
        for number in other.numbers:
            if _digits(number) in ours:
                raise SideError(
                    f"{number} is on the inbound trunk {other.name!r} ({other.sip_trunk_id}), "
                    "which is not this line's: delete that trunk, or take the number out of it"
                )


def _trunk_steps(
    kind: Kind, wanted: Wanted, ours: Sequence[Info], found: Sequence[Info]
) -> tuple[list[Step], dict[str, str]]:
    steps: list[Step] = []
    kept: dict[str, str] = {}
    for info in ours:
        shall = _flat(info)
        best = _best([each for each in found if each.name == info.name], shall)
        if best is None:
            steps.append(Step("create", kind, info.name, info=info, fields=_fields({}, shall)))
            continue
        kept[info.name] = id_of(best)
        if fields := _fields(_flat(best), shall):
            steps.append(Step("update", kind, info.name, id=id_of(best), info=info, fields=fields))
    return [*_deleted(kind, wanted, found, kept.values()), *steps], kept


def _rule_steps(wanted: Wanted, found: Found, kept: Mapping[str, str]) -> list[Step]:
    names = {each.sip_trunk_id: each.sip_trunk_id for each in found.inbound}
    names |= {id_: name for name, id_ in kept.items()}
    steps: list[Step] = []
    stay: list[str] = []
    for rule in wanted.rules:
        info, shall = rule.info, _flat(rule.info) | {TRUNK: rule.trunk}
        same = [each for each in found.rules if each.name == info.name]
        is_ = {each.sip_dispatch_rule_id: _flat_rule(each, names) for each in same}
        best = min(same, key=lambda each: len(_fields(is_[id_of(each)], shall)), default=None)
        if best is None:
            steps.append(_step("create", rule, "", _fields({}, shall)))
            continue
        stay.append(id_of(best))
        if fields := _fields(is_[id_of(best)], shall):
            steps.append(_step("update", rule, id_of(best), fields))
    return [*_deleted("dispatch rule", wanted, found.rules, stay), *steps]


def _step(action: Literal["create", "update"], rule: Rule, id_: str, fields: Fields) -> Step:
    return Step(action, "dispatch rule", rule.info.name, id_, rule.info, rule.trunk, fields)


def _deleted(
    kind: Kind, wanted: Wanted, found: Sequence[Info], kept: Collection[str]
) -> Iterator[Step]:
    for info in found:
        if wanted.owns(info.name) and id_of(info) not in kept:
            yield Step("delete", kind, info.name, id=id_of(info))


def _in_order(steps: Sequence[Step]) -> list[Step]:
    """A trunk must give a number up before another can have it."""
    return sorted(steps, key=lambda step: ("delete", "update", "create").index(step.action))


def _best(candidates: Sequence[Info], shall: Mapping[str, str]) -> Info | None:
    """Of several with one name, that which is most like it."""
    return min(candidates, key=lambda each: len(_fields(_flat(each), shall)), default=None)


def _fields(is_: Mapping[str, str], shall: Mapping[str, str]) -> Fields:
    return {
        key: (_shown(key, is_.get(key)), _shown(key, shall.get(key)))
        for key in sorted(is_.keys() | shall.keys())
        if is_.get(key) != shall.get(key)
    }


def _shown(key: str, value: str | None) -> str | None:
    return SECRET if value is not None and key in _SECRETS else value


def _flat_rule(info: api.SIPDispatchRuleInfo, names: Mapping[str, str]) -> dict[str, str]:
    """A rule of no trunk has no `TRUNK`."""
    flat = _flat(info)
    if info.trunk_ids:
        flat[TRUNK] = ", ".join(names.get(id_, GONE) for id_ in info.trunk_ids)
    return flat


def _flat(info: Info) -> dict[str, str]:
    """All that is set, but what LiveKit sets itself: dotted keys, values as text."""
    whole = MessageToDict(info, preserving_proto_field_name=True)
    return dict(_leaves("", {k: v for k, v in whole.items() if k not in _LIVEKITS}))


def _leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{key}.{name}" if key else name, inner)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for index, inner in enumerate(value):
            yield from _leaves(f"{key}[{index}]", inner)
    elif isinstance(value, list):
        yield key, ", ".join(str(each) for each in value)
    else:
        yield key, str(value)


def _digits(number: str) -> str:
    return "".join(each for each in number if each.isdigit())
