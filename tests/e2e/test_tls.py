"""`parley up` with PARLEY_TLS: a caller is heard, answered and spoken to, and what can speaks TLS alone."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import select

from ledger.database import open_ledger
from ledger.tables import TurnRow
from parley.ports import Ports
from parley.probes import HOST, http_ok, redis_ping
from sip.simulate.run import simulate
from sip.simulate.script import TurnScript
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import Switchboard
from tests.fakes.authority import Authority
from tests.stack import Stack, parley_up

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="module"),
]

OPTIONS = (
    "OPTIONS sip:parley SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKtls;rport\r\n"
    "From: <sip:test@127.0.0.1>;tag=tls\r\nTo: <sip:parley>\r\nCall-ID: tls\r\nCSeq: 1 OPTIONS\r\n"
    "Max-Forwards: 1\r\nContent-Length: 0\r\n\r\n"
)


@dataclass(frozen=True)
class Secured:
    stack: Stack
    ports: Ports
    trusts: ssl.SSLContext


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    beside = tmp_path_factory.mktemp("tls")
    folder = Authority.made().folder(beside / "tls")
    nowhere = str(beside / "sip.yaml")
    async with parley_up(beside, PARLEY_TLS=str(folder), PARLEY_SIP_FILE=nowhere) as stack:
        ports = Ports.block(int(stack.environment["PARLEY_PORT_BASE"]))
        trusts = ssl.create_default_context(cafile=Path(folder, "ca.pem"))
        yield Secured(stack, ports, trusts)


async def test_a_caller_is_answered_by_parts_that_speak_tls(secured: Secured) -> None:
    """What was heard and said stands in the ledger. A busy machine may miss a question: it is asked again."""
    stack, asked = secured.stack, [TurnScript(say="what are your opening hours")]
    line = line_to(stack)
    async with Switchboard.open(stack, line) as board:
        for _ in range(3):
            (called,) = await simulate(line, to=stack.facts["number"], turns=asked)
            assert called.report.answered
            await board.until_idle()
            said = "\n".join(turns_of(stack))
            if "what are your opening hours" in said and "from nine in the morning" in said:
                return
    pytest.fail(f"nobody was heard and answered: {said}")


def turns_of(stack: Stack) -> list[str]:
    ledger = open_ledger(f"sqlite:///{stack.folder / 'ledger.db'}")
    try:
        with ledger.connect() as connection:
            return [row.text.lower() for row in connection.execute(select(TurnRow.text))]
    finally:
        ledger.dispose()


async def test_engines_and_pages_speak_tls_alone(secured: Secured) -> None:
    ports = secured.ports
    for port, path in (
        (ports.whisper, "/ready"),
        (ports.csm, "/ready"),
        (ports.scripted, "/ready"),
        (ports.web, "/health"),
    ):
        assert await http_ok(port, path, secured.trusts)()
        async with aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.ClientError):
                await http.get(f"http://{HOST}:{port}{path}")
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await http.get(f"https://{HOST}:{port}{path}")


async def test_redis_speaks_tls_alone(secured: Secured) -> None:
    assert await redis_ping(secured.ports.redis, secured.trusts)()
    assert not await redis_ping(secured.ports.redis)()


async def test_the_bridge_takes_sip_by_tls(secured: Secured) -> None:
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(HOST, secured.ports.sips, ssl=secured.trusts)
        writer.write(OPTIONS.encode())
        assert (await reader.readline()).startswith(b"SIP/2.0 200")
        writer.close()
