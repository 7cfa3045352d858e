"""The replay against a real livekit-server and bridge: who takes a call is who the replay names."""

import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
from livekit import api

from sip.doctor.matching import IncomingCall, Rule, Trunk, choose_rule, choose_trunk, pin_of
from tests.sip.doctor.doors import CALLER, OURS, callee, direct, individual, rule, trunk
from tests.sip.doctor.servers import Server, Took, serving

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

HERE = IncomingCall(OURS, CALLER, "127.0.0.1")
OTHER = "+15550199"
LAST = "last"
"""The rule that takes what no other does: LiveKit does not answer a call that no rule takes."""
LAST_RULE = rule(f"SDR_{LAST}", callee(LAST), agents=())
BUSY = 503


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("doctor")) as running:
        yield running


def replayed(call: IncomingCall, trunks: Sequence[Trunk], rules: Sequence[Rule]) -> Took:
    by = choose_trunk(trunks, call)
    chosen = choose_rule(by.trunk, rules, call)
    if by.conflict or chosen.conflict:
        return BUSY
    assert chosen.rule
    if pin_of(chosen.rule):
        return 200  # answered, to ask for it
    return by.trunk.name if by.trunk else None, chosen.rule.name


BY_A: dict[str, Any] = {"trunk_ids": ["ST_a"]}
PLAIN = [rule("SDR_r", **BY_A)]


@dataclass(frozen=True)
class Case:
    trunks: Sequence[Trunk]
    took: Took
    rules: Sequence[Rule] = tuple(PLAIN)
    call: IncomingCall = HERE


CASES = {
    "number": Case([trunk(numbers=[OURS])], ("a", "r")),
    "number, as people write it": Case([trunk(numbers=["1 (555) 01-00"])], ("a", "r")),
    "another number": Case([trunk(numbers=[OTHER])], (None, LAST)),
    "number before any": Case(
        [trunk("ST_b", auth_username="x"), trunk("ST_a", numbers=[OURS])], ("a", "r")
    ),
    "caller": Case([trunk(numbers=[OURS], allowed_numbers=[CALLER[1:]])], ("a", "r")),
    "another caller": Case([trunk(numbers=[OURS], allowed_numbers=[OTHER])], (None, LAST)),
    "network": Case([trunk(numbers=[OURS], allowed_addresses=["127.0.0.2/30"])], ("a", "r")),
    "another network": Case(
        [trunk(numbers=[OURS], allowed_addresses=["127.0.0.0/30"])],
        (None, LAST),
        call=replace(HERE, source_ip="127.0.0.9"),
    ),
    "address": Case([trunk(numbers=[OURS], allowed_addresses=["127.0.0.1"])], ("a", "r")),
    "address with a port": Case(
        [trunk(numbers=[OURS], allowed_addresses=["127.0.0.1:5060"])], (None, LAST)
    ),
    "no address that LiveKit understands": Case(
        [trunk(numbers=[OURS], allowed_addresses=["sip://192.0.2.1"])], ("a", "r")
    ),
    "host name that the caller claims": Case(
        [trunk(numbers=[OURS], allowed_addresses=["example.org"])],
        ("a", "r"),
        call=replace(HERE, from_host="example.org"),
    ),
    "two trunks": Case(
        [trunk("ST_a", numbers=[OURS]), trunk("ST_b", numbers=[OURS], allowed_numbers=[CALLER])],
        BUSY,
    ),
    "rule's number letter by letter": Case(
        [trunk(numbers=[OURS])], ("a", LAST), [rule("SDR_r", **BY_A, numbers=[OURS[1:]])]
    ),
    "rule of the trunk before any": Case(
        [trunk(numbers=[OURS])],
        ("a", "r"),
        [rule("SDR_b", direct("b"), numbers=[OURS], inbound_numbers=[CALLER]), *PLAIN],
    ),
    "direct before callee": Case(
        [trunk(numbers=[OURS])],
        ("a", "d"),
        [
            rule("SDR_c", callee("c"), **BY_A, numbers=[OURS]),
            rule("SDR_d", direct("d"), **BY_A, inbound_numbers=[CALLER]),
        ],
    ),
    "individual before callee": Case(
        [trunk(numbers=[OURS])],
        ("a", "i"),
        [
            rule("SDR_c", callee("c"), **BY_A, numbers=[OURS]),
            rule("SDR_i", individual("i"), **BY_A, inbound_numbers=[CALLER]),
        ],
    ),
    "both numbers before one": Case(
        [trunk(numbers=[OURS])],
        ("a", "c"),
        [
            rule("SDR_d", direct("d"), **BY_A, numbers=[OURS]),
            rule("SDR_c", callee("c"), **BY_A, numbers=[OURS], inbound_numbers=[CALLER]),
        ],
    ),
    "equal rules by room": Case(
        [trunk(numbers=[OURS])],
        ("a", "early"),
        [
            rule("SDR_late", callee("z"), **BY_A, numbers=[OURS]),
            rule("SDR_early", callee("b"), **BY_A, inbound_numbers=[CALLER]),
        ],
    ),
    "PIN before open": Case(
        [trunk(numbers=[OURS])],
        200,
        [*PLAIN, rule("SDR_p", callee("p", pin="1234"), **BY_A, numbers=[OURS])],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_livekit_gives_the_call_to_whom_the_replay_names(case: Case, server: Server) -> None:
    await server.keep(case.trunks, [*case.rules, LAST_RULE])
    trunks, rules = await server.kept()
    assert replayed(case.call, trunks, rules) == case.took
    assert await server.who_takes(case.call) == case.took


def some(choices: random.Random, values: Sequence[str]) -> list[str]:
    return choices.sample(values, choices.randrange(len(values) + 1))


def any_trunk(choices: random.Random, id_: str) -> Trunk:
    return trunk(
        id_,
        numbers=some(choices, [OURS, OURS[1:], OTHER]),
        allowed_numbers=some(choices, [CALLER, "1 555 01-11", OTHER]),
        allowed_addresses=some(choices, ["127.0.0.0/30", "127.0.0.9", "a host, or two"]),
    )


def any_rule(choices: random.Random, id_: str) -> Rule:
    kind = choices.choice([direct, individual, callee])
    return rule(
        id_,
        kind(id_, choices.choice(["", "", "", "1234"])),
        trunk_ids=some(choices, ["ST_a", "ST_b"]),
        numbers=some(choices, [OURS, OURS[1:], OTHER]),
        inbound_numbers=some(choices, [CALLER, OTHER]),
    )


@pytest.mark.parametrize("seed", range(20))
async def test_the_replay_agrees_on_doors_made_at_random(seed: int, server: Server) -> None:
    """LiveKit takes no doors that conflict for all calls; those are left out."""
    choices = random.Random(seed)
    await server.forget()
    ids = dict[str, str]()
    for id_ in ("ST_a", "ST_b"):
        with contextlib.suppress(api.TwirpError):
            await server.keep_trunk(any_trunk(choices, id_), ids)
    for wanted in (LAST_RULE, *(any_rule(choices, f"SDR_{name}") for name in "abcd")):
        with contextlib.suppress(api.TwirpError):
            await server.keep_rule(wanted, ids)
    call = replace(HERE, source_ip=choices.choice(["127.0.0.1", "127.0.0.9"]))
    assert await server.who_takes(call) == replayed(call, *await server.kept())


@pytest.mark.parametrize(
    ("fields", "conflicts"),
    [
        ({"trunk_ids": ["ST_x"], "numbers": [OURS]}, True),
        ({"trunk_ids": ["ST_x", "ST_y"], "numbers": ["1-555-0100"]}, True),
        ({"trunk_ids": ["ST_x"], "numbers": [OURS], "inbound_numbers": [CALLER]}, False),
        ({"trunk_ids": ["ST_x"]}, False),
        ({"numbers": [OURS]}, False),
    ],
)
async def test_livekit_takes_no_second_rule_that_the_replay_calls_a_conflict(
    fields: dict[str, Any], conflicts: bool, server: Server
) -> None:
    first = rule("SDR_a", trunk_ids=["ST_x"], numbers=[OURS])
    second = rule("SDR_b", direct(), **fields)
    await server.keep([], [first])
    refused = False
    try:
        await server.keep_rule(second, {})
    except api.TwirpError:
        refused = True
    assert refused is conflicts
    assert bool(choose_rule(trunk("ST_x"), [first, second], HERE).conflict) is conflicts
