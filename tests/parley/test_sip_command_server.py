"""`parley sip` on a real livekit-server, what keeps its work, and livekit-sip on the file it writes."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
import yaml
from typer.testing import CliRunner, Result

from parley.applied import reconciler
from parley.cli import app
from parley.probes import sip_options
from tests.livekit_server import Server, forget, livekit_server, rules, trunks

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

BOTH = ("--only", "bridge", "--only", "livekit")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    folder = tmp_path_factory.mktemp("line")
    line = {
        "public_host": "sip.example.com",
        "domain": "acme",
        "numbers": [{"number": "+15550111", "persona": "receptionist"}],
    }
    async with livekit_server(
        folder,
        PARLEY_SIP_FILE=str(folder / "sip.yaml"),
        PARLEY_TRUNK_PASSWORD="Aa1" * 8,
    ) as server:
        (folder / "env").chmod(0o600)
        bridge = {
            "public_ip": "127.0.0.1",
            "sip_port": server.ports.sip,
            "rtp_ports": f"{server.ports.rtp}-{server.ports.rtp + 99}",
        }
        server.settings.sip_file.write_text(yaml.safe_dump(line | {"bridge": bridge}))
        yield server


async def parley(server: Server, *arguments: str) -> Result:
    """Beside this loop, as a program of its own would run."""
    return await asyncio.to_thread(
        CliRunner().invoke, app, ["sip", *arguments], env=server.environment
    )


async def test_plan_apply_plan_destroy(server: Server) -> None:
    planned = await parley(server, "plan", *BOTH)
    assert (planned.exit_code, "4 changes" in planned.output) == (2, True)
    assert "Aa1Aa1" not in planned.output
    applied = await parley(server, "apply", *BOTH)
    assert (applied.exit_code, "parley main: 4 changes made" in applied.output) == (0, True)
    assert (await parley(server, "plan", *BOTH)).exit_code == 0
    assert (await parley(server, "status", *BOTH)).exit_code == 0
    assert (await parley(server, "destroy", *BOTH, "--yes")).exit_code == 0
    async with server.client() as livekit:
        assert await trunks(livekit) == await rules(livekit) == []
    assert (await parley(server, "plan", *BOTH)).exit_code == 2


async def test_what_was_applied_is_kept_until_it_is_destroyed(server: Server) -> None:
    keeper = reconciler(server.settings, server.ports, lambda: server.environment)
    async with server.client() as livekit:
        await keeper.look()
        assert await trunks(livekit) == []
        await parley(server, "apply", *BOTH)
        await forget(livekit)
        await keeper.look()
        assert (len(await trunks(livekit)), len(await rules(livekit))) == (1, 1)
        assert (await parley(server, "plan", *BOTH)).exit_code == 0
        await parley(server, "destroy", *BOTH, "--yes")
        await keeper.look()
        assert await trunks(livekit) == []


async def test_livekit_sip_runs_on_the_file(server: Server) -> None:
    await parley(server, "apply", "--only", "bridge")
    file = server.settings.sip_file.with_name("bridge.yaml")
    keys = {key: server.environment[key] for key in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")}
    with file.with_name("livekit-sip.log").open("w+b") as log:
        process = await asyncio.create_subprocess_exec(
            server.program("livekit-sip"),
            *("--config", str(file)),
            env=dict(os.environ) | keys,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(30):
                while not await sip_options(server.ports.sip)():
                    assert process.returncode is None, (log.seek(0), log.read())
                    await asyncio.sleep(0.1)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
