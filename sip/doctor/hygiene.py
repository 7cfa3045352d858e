"""What trunks and rules let in that nobody meant to let in. Pure."""

from collections.abc import Iterable, Sequence

from sip.doctor.finding import Finding, Reporter
from sip.doctor.matching import (
    IncomingCall,
    Missed,
    Rule,
    Trunk,
    choose_rule,
    choose_trunk,
    is_address,
    is_usable,
    pin_of,
)

APPLY = "run `parley sip apply`"


def doors(report: Reporter, trunks: Sequence[Trunk], rules: Sequence[Rule]) -> list[Finding]:
    """One for each open door, or one for all."""
    found = [each for trunk in trunks for each in _trunk(report, trunk)]
    found += [each for rule in rules for each in _rule(report, rule)]
    return found or [report.ok(f"{len(trunks)} trunks and {len(rules)} rules, none open")]


def _rule(report: Reporter, rule: Rule) -> Iterable[Finding]:
    name = f"rule {rule.name!r} ({rule.sip_dispatch_rule_id})"
    if not rule.trunk_ids and not pin_of(rule):
        yield report.failed(
            f"{name} names no trunk: it takes calls that come by none, whoever sends them",
            f"delete it, or give it trunk_ids: {APPLY} makes rules that have them",
        )


def _trunk(report: Reporter, trunk: Trunk) -> Iterable[Finding]:
    name = f"trunk {trunk.name!r} ({trunk.sip_trunk_id})"
    masks = list(trunk.allowed_addresses)
    has_password = bool(trunk.auth_username and trunk.auth_password)
    dropped = [mask for mask in masks if not is_usable(mask)]
    if masks and len(dropped) == len(masks):
        yield report.failed(
            f"{name}: LiveKit understands none of its allowed addresses ({dropped[0]!r}, …), and so allows all",
            "write them as 192.0.2.0/24, without port and scheme",
        )
    elif not has_password and _takes_all(masks):
        yield report.failed(
            f"{name} asks for no credentials and takes calls from any address",
            f"give it allowed_addresses, or auth_username and auth_password: {APPLY} does",
        )
    elif hosts := [mask for mask in masks if not is_address(mask)]:
        yield report.failed(
            f"{name} allows {hosts[0]!r}, which is compared with what the caller writes into From",
            "write addresses as 192.0.2.0/24: host names are no protection",
        )
    if bool(trunk.auth_username) != bool(trunk.auth_password):
        half = "auth_password" if trunk.auth_username else "auth_username"
        yield report.failed(
            f"{name} has no {half}, and so LiveKit asks for no credentials at all",
            f"give it {half}",
        )


def _takes_all(masks: Sequence[str]) -> bool:
    return not masks or any(is_address(mask) and mask.endswith("/0") for mask in masks)


def trunk_for(report: Reporter, trunks: Sequence[Trunk], call: IncomingCall) -> Finding:
    """Which trunk takes the call, or why each does not."""
    choice = choose_trunk(trunks, call)
    if choice.conflict:
        return report.failed(
            f"{choice.conflict}: LiveKit answers 503",
            "delete all but one of them, or give them different numbers",
        )
    if choice.trunk:
        name = f"{choice.trunk.name!r} ({choice.trunk.sip_trunk_id})"
        return report.ok(f"{_said(call)} comes in by {name}")
    return report.failed(
        f"no trunk takes {_said(call)}; {_why(choice.missed)}",
        _cure(choice.missed, call),
    )


def rule_for(
    report: Reporter, trunks: Sequence[Trunk], rules: Sequence[Rule], call: IncomingCall, agent: str
) -> Finding:
    """Which rule takes the call, and whether it asks for the agent of that name."""
    choice = choose_rule(choose_trunk(trunks, call).trunk, rules, call)
    if choice.conflict:
        return report.failed(f"{choice.conflict}: LiveKit answers 503", "delete one of them")
    if choice.rule is None:
        return report.failed(
            f"no rule takes {_said(call)}, and LiveKit does not even answer; {_why(choice.missed)}",
            _cure(choice.missed, call),
        )
    name = f"{choice.rule.name!r} ({choice.rule.sip_dispatch_rule_id})"
    if choice.equals:
        return report.failed(
            f"{name} and {choice.equals[0].name!r} are equal: the name of the room decides",
            "give the right one both numbers and inbound_numbers, or delete the other",
        )
    if pin_of(choice.rule):
        return report.failed(f"{name} asks the caller for a PIN", "delete it, or take its PIN away")
    agents = [each.agent_name for each in choice.rule.room_config.agents]
    if agent not in agents:
        return report.failed(
            f"{name} calls {', '.join(map(repr, agents)) or 'no agent'} into the room, not {agent!r}",
            f"name {agent!r} in its room_config: {APPLY}",
        )
    return report.ok(f"by rule {name} to agent {agent!r}")


def _said(call: IncomingCall) -> str:
    return f"a call from {call.calling} at {call.source_ip} to {call.called}"


def _why(missed: Sequence[Missed]) -> str:
    lines = [f"{each.name!r}: {each.why}" for each in _nearest_first(missed)]
    return "; ".join(lines[:5]) or "there is none"


def _nearest_first(missed: Sequence[Missed]) -> list[Missed]:
    """Who knows the number is more likely meant than who does not."""
    far = {"numbers": 1, "trunk_ids": 2}
    return sorted(missed, key=lambda each: far.get(each.why.partition(":")[0], 0))


def _cure(missed: Sequence[Missed], call: IncomingCall) -> str:
    match [each.why.partition(":")[0] for each in _nearest_first(missed)]:
        case ["allowed_addresses", *_]:
            return f"add the network of {call.source_ip} to its allowed_addresses: {APPLY}"
        case [("allowed_numbers" | "inbound_numbers"), *_]:
            return (
                f"add {call.calling} to allowed_callers in sip.yaml, or leave that empty: {APPLY}"
            )
        case ["trunk_ids", *_]:
            return f"let a rule name the trunk: {APPLY}"
        case _:
            return f"add {call.called} to the numbers of sip.yaml, as E.164 with its plus: {APPLY}"
