"""A second bridge of a stack's, reached from another network: as on a machine with two addresses."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from parley.parts import build_parts
from parley.ports import RTP_PORTS, Ports
from parley.settings import ROOT, Settings
from parley.supervisor import Supervisor
from sip.simulate.stack import Stack as Line
from tests.e2e.conftest import line_to
from tests.stack import Stack, free_block

PATIENCE = 1.0


@asynccontextmanager
async def bridge_at(host: str, stack: Stack, logs: Path) -> AsyncIterator[Line]:
    """What a caller who reaches `host`, an address of this machine, may know of the stack."""
    own = Ports.block(free_block())
    settings = Settings.load(stack.environment)
    shared = Ports.block(int(stack.environment["PARLEY_PORT_BASE"]))
    parts = build_parts(settings, shared, stack.environment, _nothing)
    (bridge,) = (part for part in parts if part.name == "livekit-sip")
    config = json.loads(bridge.environment["SIP_CONFIG_BODY"]) | {
        "sip_port": own.sip,
        "rtp_port": f"{own.rtp}-{own.rtp + RTP_PORTS - 1}",
        "listen_ip": host,
        "local_net": f"{host}/32",
        "nat_1_to_1_ip": host,
    }

    async def answers() -> bool:
        return await _answers(host, own.sip)

    second = replace(
        bridge,
        environment={**bridge.environment, "SIP_CONFIG_BODY": json.dumps(config)},
        port=own.sip,
        answers=answers,
    )
    async with Supervisor([second], folder=ROOT, logs=logs).running():
        yield line_to(stack, sip_host=host, sip_port=own.sip)


async def _answers(host: str, port: int) -> bool:
    """To anything that is SIP."""
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.setblocking(False)
        datagrams.connect((host, port))
        own_host, own_port = datagrams.getsockname()
        asked = (
            f"OPTIONS sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own_host}:{own_port}"
            ";branch=z9hG4bKthere;rport\r\nMax-Forwards: 1\r\nFrom: <sip:test@localhost>;tag=1\r\n"
            f"To: <sip:{host}>\r\nCall-ID: there-{own_port}\r\nCSeq: 1 OPTIONS\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        loop = asyncio.get_running_loop()
        with suppress(OSError, TimeoutError):
            await loop.sock_sendall(datagrams, asked.encode())
            async with asyncio.timeout(PATIENCE):
                return (await loop.sock_recv(datagrams, 2048)).startswith(b"SIP/2.0 ")
    return False


async def _nothing() -> None:
    """There is nothing to put back."""
