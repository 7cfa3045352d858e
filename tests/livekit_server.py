"""redis and livekit-server, nothing else, for tests of what LiveKit keeps."""

import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from livekit import api

from parley.parts import build_parts
from parley.ports import Ports
from parley.settings import ROOT, Settings
from parley.supervisor import Supervisor
from tests.stack import environment_for


async def _nothing() -> None:
    """There is nothing to put back."""


@dataclass(frozen=True)
class Server:
    """`environment` is what it was started with, secrets included."""

    ports: Ports
    settings: Settings
    environment: dict[str, str]

    def client(self, secret: str | None = None) -> api.LiveKitAPI:
        own = self.settings.livekit_api_secret.get_secret_value()
        return api.LiveKitAPI(self.ports.livekit_url, self.settings.livekit_api_key, secret or own)

    def program(self, name: str) -> str:
        """Where a part's program is."""
        parts = build_parts(self.settings, self.ports, self.environment, _nothing)
        return next(part.command[0] for part in parts if part.name == name)


@contextlib.asynccontextmanager
async def livekit_server(folder: Path, **settings: str) -> AsyncIterator[Server]:
    """On free ports, with its data in `folder`."""

    environment = environment_for(folder, **settings)
    known = Settings.load(environment)
    known.run_dir.mkdir()
    ports = Ports.block(int(environment["PARLEY_PORT_BASE"]))
    # livekit-server loses a SIGTERM that comes within 0.1 s of its start.
    parts = [
        replace(part, stop_signal=signal.SIGKILL)
        for part in build_parts(known, ports, environment, _nothing)[:2]
    ]
    supervisor = Supervisor(parts, folder=ROOT, logs=known.run_dir / "logs")
    async with supervisor.running():
        yield Server(ports, known, environment)


async def trunks(livekit: api.LiveKitAPI) -> list[api.SIPInboundTrunkInfo]:
    return list((await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items)


async def outbound(livekit: api.LiveKitAPI) -> list[api.SIPOutboundTrunkInfo]:
    return list((await livekit.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())).items)


async def rules(livekit: api.LiveKitAPI) -> list[api.SIPDispatchRuleInfo]:
    return list((await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items)


async def forget(livekit: api.LiveKitAPI) -> None:
    """What redis without a file does when it is started again."""
    made = [trunk.sip_trunk_id for trunk in await trunks(livekit)]
    made += [trunk.sip_trunk_id for trunk in await outbound(livekit)]
    for id_ in made:
        await livekit.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=id_))
    for rule in await rules(livekit):
        await livekit.sip.delete_dispatch_rule(
            api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
        )
