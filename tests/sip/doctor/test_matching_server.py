"""The replay against a real livekit-server and bridge: who takes a call is who the replay names."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
from livekit import api

from parley.parts import build_parts
from parley.ports import Ports
from parley.settings import ROOT, Settings
from parley.supervisor import Supervisor
from sip.doctor.matching import IncomingCall, Rule, Trunk, choose_rule, choose_trunk, pin_of
from tests.sip.doctor.doors import CALLER, OURS, callee, direct, individual, rule, trunk
from tests.sip.doctor.invite import inviting
from tests.stack import environment_for

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

HERE = IncomingCall(OURS, CALLER, "127.0.0.1")
OTHER = "+15550199"
LAST = "last"
"""The rule that takes what no other does: LiveKit does not answer a call that no rule takes."""
LOOK = 0.02
PATIENCE = 10.0

Took = tuple[str | None, str] | int
"""The names of the trunk and of the rule, or the status of a refusal."""
BUSY = 503


@dataclass
class Server:
    client: api.LiveKitAPI
    sip_port: int

    async def kept(self) -> tuple[list[Trunk], list[Rule]]:
        trunks = await self.client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        rules = await self.client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        return list(trunks.items), list(rules.items)

    async def forget(self) -> None:
        trunks, rules = await self.kept()
        for id_ in (each.sip_dispatch_rule_id for each in rules):
            gone = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=id_)
            await self.client.sip.delete_dispatch_rule(gone)
        for id_ in (each.sip_trunk_id for each in trunks):
            await self.client.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=id_))

    async def keep(self, trunks: Sequence[Trunk], rules: Sequence[Rule]) -> None:
        """With LiveKit's own ids; rules name the ids that the test made up."""
        await self.forget()
        ids = dict[str, str]()
        for trunk_ in trunks:
            info = Trunk()
            info.CopyFrom(trunk_)
            info.sip_trunk_id = ""
            request = api.CreateSIPInboundTrunkRequest(trunk=info)
            made = await self.client.sip.create_inbound_trunk(request)
            ids[trunk_.sip_trunk_id] = made.sip_trunk_id
        for rule_ in rules:
            await self.keep_rule(rule_, ids)

    async def keep_rule(self, wanted: Rule, ids: dict[str, str]) -> None:
        info = Rule()
        info.CopyFrom(wanted)
        info.sip_dispatch_rule_id = ""
        info.trunk_ids[:] = [ids.get(id_, id_) for id_ in wanted.trunk_ids]
        request = api.CreateSIPDispatchRuleRequest(dispatch_rule=info)
        await self.client.sip.create_dispatch_rule(request)

    async def who_takes(self, call: IncomingCall) -> Took:
        """Asks by an INVITE, which is not answered: there is no agent."""
        async with inviting(call, self.sip_port) as ringing, asyncio.timeout(PATIENCE):
            while not ringing.final.done():
                if (caller := await self._caller()) is not None:
                    room, took = caller
                    ringing.send("CANCEL", branch=ringing.id)
                    await ringing.finish()
                    await self.client.room.delete_room(api.DeleteRoomRequest(room=room))
                    return took
                await asyncio.sleep(LOOK)
            return await ringing.finish()

    async def _caller(self) -> tuple[str, Took] | None:
        """The room that a caller is in, and by whom."""
        for room in (await self.client.room.list_rooms(api.ListRoomsRequest())).rooms:
            request = api.ListParticipantsRequest(room=room.name)
            try:
                present = await self.client.room.list_participants(request)
            except api.TwirpError:
                continue  # it ended since it was listed
            for guest in present.participants:
                if id_ := guest.attributes.get("sip.ruleID"):
                    trunks, rules = await self.kept()
                    by = {each.sip_trunk_id: each.name for each in trunks}
                    (name,) = [each.name for each in rules if each.sip_dispatch_rule_id == id_]
                    return room.name, (by.get(guest.attributes["sip.trunkID"]), name)
        return None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """redis, livekit-server and livekit-sip, nothing else."""

    async def nothing() -> None:
        """There is nothing to put back."""

    environment = environment_for(tmp_path_factory.mktemp("doctor"))
    settings = Settings.load(environment)
    settings.run_dir.mkdir()
    ports = Ports.block(int(environment["PARLEY_PORT_BASE"]))
    # livekit-server loses a SIGTERM that comes within 0.1 s of its start.
    parts = [
        replace(part, stop_signal=signal.SIGKILL)
        for part in build_parts(settings, ports, environment, nothing)[:3]
    ]
    secret = settings.livekit_api_secret.get_secret_value()
    supervisor = Supervisor(parts, folder=ROOT, logs=settings.run_dir / "logs")
    async with (
        supervisor.running(),
        api.LiveKitAPI(ports.livekit_url, settings.livekit_api_key, secret) as client,
    ):
        yield Server(client, ports.sip)


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
    await server.keep(case.trunks, [*case.rules, rule(f"SDR_{LAST}", callee("last"), agents=())])
    trunks, rules = await server.kept()
    assert replayed(case.call, trunks, rules) == case.took
    assert await server.who_takes(case.call) == case.took


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
