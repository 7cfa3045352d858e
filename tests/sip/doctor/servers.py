"""redis, livekit-server and livekit-sip alone, with trunks and rules as a test wants them."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from livekit import api

from parley.parts import build_parts
from parley.ports import Ports
from parley.settings import ROOT, Settings
from parley.supervisor import Supervisor
from sip.doctor.matching import IncomingCall, Rule, Trunk
from tests.sip.doctor.invite import inviting
from tests.stack import environment_for

LOOK = 0.02
PATIENCE = 10.0

Took = tuple[str | None, str] | int
"""The names of the trunk and of the rule, or the status of a refusal."""


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
            await self.keep_trunk(trunk_, ids)
        for rule_ in rules:
            await self.keep_rule(rule_, ids)

    async def keep_trunk(self, wanted: Trunk, ids: dict[str, str]) -> None:
        info = Trunk()
        info.CopyFrom(wanted)
        info.sip_trunk_id = ""
        request = api.CreateSIPInboundTrunkRequest(trunk=info)
        made = await self.client.sip.create_inbound_trunk(request)
        ids[wanted.sip_trunk_id] = made.sip_trunk_id

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


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Server]:
    """Its files in `folder`."""

    async def nothing() -> None:
        """There is nothing to put back."""

    environment = environment_for(folder)
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
