"""Calls by TLS and SRTP, on a bridge of their own: what `sip.yaml` makes of `secure: true`."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from livekit import api
from pydantic import SecretStr

from parley.part import Part
from parley.parts import build_parts
from parley.ports import Ports
from parley.settings import ROOT, Settings
from parley.supervisor import Supervisor
from sip.bridge import render
from sip.line import Line
from sip.livekit_side.objects import objects_of
from sip.simulate.baresip import Security, baresip
from sip.simulate.path import echo
from sip.simulate.stack import Stack
from sip.simulate.timeline import write_wave
from tests.e2e.sounds import TONE, loudest, tone
from tests.e2e.switchboard import PATIENCE, until
from tests.fakes.certificates import made
from tests.stack import environment_for

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
]

HERE = "127.0.0.1"
OURS, CALLER = "+15550100", "+15550170071"
ROOM = "path-secure"


@dataclass(frozen=True)
class Secure:
    """A bridge that takes encrypted calls alone, and what a caller must know of it."""

    stack: Stack
    tls_port: int
    authority: Path

    def address(self, transport: str) -> str:
        port = self.tls_port if transport == "tls" else self.stack.sip_port
        return f"sip:{OURS}@{HERE}:{port};transport={transport}"


def line_of(ports: Ports, certificate: Path, key: Path) -> Line:
    return Line.model_validate(
        {
            "public_host": "sip.example.com",
            "domain": "acme",
            # By it callers have a password; a trunk of the other mode takes Twilio's addresses alone.
            "mode": "twiml",
            "voice_url": "https://calls.example.com/twiml",
            "transport": "tls",
            "secure": True,
            "numbers": [{"number": OURS, "persona": "receptionist"}],
            "bridge": {
                "public_ip": HERE,
                "sip_port": ports.sip,
                "tls_port": ports.sip + 1,
                "rtp_ports": f"{ports.rtp}-{ports.rtp + 99}",
                "certificate": certificate,
                "key": key,
            },
        }
    )


def bridge(part: Part, text: str, folder: Path, settings: Settings) -> Part:
    """livekit-sip on the file that `parley sip apply` writes, but for its reach."""
    file = folder / "bridge.yaml"
    file.write_text(f"{text}listen_ip: {HERE}\nlocal_net: 127.0.0.0/8\n")
    keys = {
        "LIVEKIT_API_KEY": settings.livekit_api_key,
        "LIVEKIT_API_SECRET": settings.livekit_api_secret.get_secret_value(),
    }
    known = {name: value for name, value in part.environment.items() if name != "SIP_CONFIG_BODY"}
    return replace(part, command=(*part.command, "--config", str(file)), environment=known | keys)


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Secure]:
    async def nothing() -> None:
        """There is nothing to put back."""

    environment = environment_for(folder)
    settings = Settings.load(environment)
    settings.run_dir.mkdir()
    ports = Ports.block(int(environment["PARLEY_PORT_BASE"]))
    files = made(folder / "tls", name=HERE)
    line = line_of(ports, files.certificate, files.key)
    redis, livekit, sip = build_parts(settings, ports, environment, nothing)[:3]
    text = render(line, livekit_url=ports.livekit_url, redis=f"{HERE}:{ports.redis}", folder=folder)
    parts = [redis, livekit, bridge(sip, text, folder, settings)]
    # livekit-server loses a SIGTERM that comes within 0.1 s of its start.
    parts = [replace(part, stop_signal=signal.SIGKILL) for part in parts]
    stack = Stack(
        livekit_url=ports.livekit_url,
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret,
        sip_host=HERE,
        sip_port=ports.sip,
        sip_username=line.credentials.username,
        sip_password=SecretStr("Secret0123456789"),
    )
    supervisor = Supervisor(parts, folder=ROOT, logs=settings.run_dir / "logs")
    async with supervisor.running(), stack.client() as client:
        (trunk,) = objects_of(line, stack.sip_password).inbound
        made_ = await client.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=trunk))
        rule = api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name=ROOM))
        await client.sip.create_dispatch_rule(
            api.CreateSIPDispatchRuleRequest(
                name=line.title, trunk_ids=[made_.sip_trunk_id], rule=rule
            )
        )
        yield Secure(stack, ports.sip + 1, files.certificate)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secure(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secure]:
    async with running(tmp_path_factory.mktemp("secure")) as bridge_:
        yield bridge_


async def test_a_tone_comes_back_encrypted(secure: Secure, tmp_path: Path) -> None:
    write_wave(tmp_path / "tone.wav", tone(8000), 8000)
    async with (
        echo(secure.stack, ROOM),
        baresip(tmp_path, secure.stack, CALLER, security=Security(secure.authority)) as control,
    ):
        await control.tell("dial", secure.address("tls"))
        async with asyncio.timeout(PATIENCE):
            while (told := await control.event())[0] != "CALL_ESTABLISHED":
                assert told[0] != "CALL_CLOSED", told
        await control.tell("ausrc", f"aufile,{tmp_path / 'tone.wav'}")

        async def comes_back() -> bool:
            return abs(loudest(tmp_path) - TONE) < 10

        await until(comes_back)
        await control.tell("hangup")


@pytest.mark.parametrize("transport", ["tls", "udp"])
async def test_a_call_whose_sound_would_be_open_is_not_taken(
    secure: Secure, tmp_path: Path, transport: str
) -> None:
    security = Security(secure.authority, srtp=False) if transport == "tls" else None
    async with (
        echo(secure.stack, ROOM),
        baresip(tmp_path, secure.stack, CALLER, security=security) as control,
    ):
        await control.tell("dial", secure.address(transport))
        async with asyncio.timeout(PATIENCE):
            while (told := (await control.event())[0]) != "CALL_CLOSED":
                assert told != "CALL_ESTABLISHED"
