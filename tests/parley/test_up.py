"""`parley up` as people meet it: real parts, real signals, real faults."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from livekit import api, rtc

from parley.probes import HOST
from tests.stack import Stack, environment_for, gone, parley_up, start_parley

pytestmark = pytest.mark.e2e

NO_EARS = {"AGENT_STT__URL": "http://127.0.0.1:9/"}
BRIEF = {f"AGENT_{side}__URL": "http://127.0.0.1:9/" for side in ("STT", "TTS", "LLM")}
"""No engine of its own: a stack that is up sooner, where no call is made."""


def processes(stack: Stack) -> list[psutil.Process]:
    return psutil.Process(stack.process.pid).children(recursive=True)


def listeners(process: psutil.Process) -> Iterator[tuple[str, int]]:
    for connection in process.net_connections(kind="inet"):
        if connection.status in {psutil.CONN_LISTEN, psutil.CONN_NONE} and not connection.raddr:
            yield connection.laddr.ip, connection.laddr.port


async def test_a_whole_stack_listens_on_loopback_keeps_its_secrets_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    async with parley_up(tmp_path) as stack:
        everyone = processes(stack)
        heard = {at for process in everyone for at in listeners(process)}
        assert {address for address, _ in heard} <= {"127.0.0.1", "::1"}
        ports = {part["port"] for part in stack.facts["parts"].values()}
        assert ports <= {port for _, port in heard}

        written = json.dumps(stack.facts)
        commands = " ".join(word for process in everyone for word in process.cmdline())
        secrets = {
            k: v for k, v in stack.environment.items() if k.endswith(("WORD", "KEY", "CRET"))
        }
        assert [name for name, value in secrets.items() if value in written + commands] == []

        assert await stack.stop(signal.SIGINT) == 0
    said = stack.said()
    assert f"sip:+15550100@127.0.0.1:{int(stack.environment['PARLEY_PORT_BASE']) + 10}" in said
    async with asyncio.timeout(5):
        for process in everyone:
            await gone(process)
    assert not (stack.folder / "stack.json").exists()


async def test_parts_that_die_come_back_with_trunk_and_rule(tmp_path: Path) -> None:
    async with parley_up(tmp_path, **BRIEF) as stack:
        before = await trunks_and_rules(stack)
        for part in ("redis", "livekit-server", "livekit-sip", "worker"):
            await kill_and_wait(stack, part)
        assert await trunks_and_rules(stack) == before
        assert [len(ids) for ids in before] == [1, 1]
        assert await stack.stop() == 0


async def test_stopping_hangs_up_first(tmp_path: Path) -> None:
    async with parley_up(tmp_path, **BRIEF) as stack:
        gone: asyncio.Queue[int] = asyncio.Queue()
        caller = rtc.Room()
        caller.on("disconnected", gone.put_nowait)
        await caller.connect(stack.facts["livekit_url"], token(stack))
        assert await stack.stop(signal.SIGTERM) == 0
        async with asyncio.timeout(10):
            assert await gone.get() == rtc.DisconnectReason.ROOM_DELETED
        await caller.disconnect()


async def test_sip_moves_on_from_a_taken_port_and_says_so(tmp_path: Path) -> None:
    environment = environment_for(tmp_path)
    base = int(environment["PARLEY_PORT_BASE"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind((HOST, base + 10))
        async with parley_up(tmp_path, PARLEY_PORT_BASE=str(base), **BRIEF) as stack:
            assert stack.facts["sip_port"] == base + 11
            await refused(stack)
    assert f"port {base + 10} is taken: SIP is on port {base + 11}" in stack.said()


async def refused(first: Stack) -> None:
    """A second Parley in the same folder, and one on the same ports, say one sentence each."""
    for change, sentence in (
        ({"PARLEY_RUN_DIR": f"{first.folder}/"}, "is running in"),
        ({}, "which redis needs, is taken"),
        ({"PARLEY_PORTS": "1"}, "PARLEY_PORTS is not a setting"),
    ):
        second = await start_parley(
            first.environment | {"PARLEY_RUN_DIR": f"{first.folder}2"} | change
        )
        assert await second.process.wait() == 2
        assert sentence in second.said()
        assert second.said().count("\n") == 1


async def test_a_part_that_cannot_start_ends_everything_with_one_sentence(tmp_path: Path) -> None:
    stack = await start_parley(environment_for(tmp_path, **NO_EARS, CSM_MODEL="no-such"))
    assert await stack.process.wait() == 1
    assert stack.said().startswith("parley: csm died while starting, with status 2 (")
    assert stack.said().count("\n") == 1
    assert redis_of(stack) == []


def redis_of(stack: Stack) -> list[int]:
    """The part that starts first and stops last; its command line names its folder."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if str(stack.folder / "redis") in (process.info["cmdline"] or ())
    ]


async def kill_and_wait(stack: Stack, part: str) -> None:
    """Until the part has another pid and answers again, as its line on the terminal says."""
    old = stack.pid(part)
    os.kill(old, signal.SIGKILL)
    async with asyncio.timeout(40):
        while f"a part is up again (part={part})" not in stack.said():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert stack.pid(part) != old


async def trunks_and_rules(stack: Stack) -> tuple[list[str], list[str]]:
    async with stack.livekit() as livekit:
        trunks = await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        rules = await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    return (
        [trunk.sip_trunk_id for trunk in trunks.items],
        [rule.sip_dispatch_rule_id for rule in rules.items],
    )


def token(stack: Stack) -> str:
    return (
        api.AccessToken(
            stack.environment["LIVEKIT_API_KEY"], stack.environment["LIVEKIT_API_SECRET"]
        )
        .with_identity("caller")
        .with_grants(api.VideoGrants(room_join=True, room="call-test"))
        .to_jwt()
    )
