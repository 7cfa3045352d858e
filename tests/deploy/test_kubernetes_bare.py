"""The servers that we only configure, by the commands, variables and probes of deploy/kubernetes, without
a cluster: on this machine's loopback, and on other ports."""

import asyncio
import contextlib
import os
import re
import secrets
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest
import yaml

from parley.part_files import program
from tests.deploy.kustomize import FOLDER, Resource
from tests.deploy.rendered import container
from tests.stack import free_block

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

PATIENCE = 60.0
REFERENCE = re.compile(r"\$\((\w+)\)")
SECRETS = {
    "LIVEKIT_API_KEY": "APItest",
    "LIVEKIT_API_SECRET": secrets.token_hex(24),
    "REDIS_PASSWORD": secrets.token_hex(24),
}
HERE = "127.0.0.1"


def environment(its: Resource) -> dict[str, str]:
    """As Kubernetes makes it."""
    known = {"PATH": os.environ["PATH"]}
    for variable in its.get("env", ()):
        known[variable["name"]] = _value(variable, known)
    return known


def _value(variable: Resource, known: Mapping[str, str]) -> str:
    source = variable.get("valueFrom", {})
    if secret := source.get("secretKeyRef"):
        return SECRETS[secret["key"]]
    if "fieldRef" in source:
        return HERE
    return filled(variable["value"], known)


def filled(text: str, known: Mapping[str, str]) -> str:
    return REFERENCE.sub(lambda found: known[found[1]], text)


@contextlib.asynccontextmanager
async def running(
    words: list[str], variables: Mapping[str, str], folder: Path
) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *words, env=dict(variables), cwd=folder, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until(probe: list[str], variables: Mapping[str, str]) -> None:
    """A command of a probe has succeeded."""
    async with asyncio.timeout(PATIENCE):
        while await _status(probe, variables) != 0:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.1)


async def _status(words: list[str], variables: Mapping[str, str]) -> int:
    process: Process = await asyncio.create_subprocess_exec(
        *words, env=dict(variables), stdout=DEVNULL, stderr=DEVNULL
    )
    return await process.wait()


async def until_ready(its: Resource, port: int) -> None:
    """The readiness probe has been answered as it shall be."""
    path = its["readinessProbe"]["httpGet"]["path"]
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as http:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(f"http://{HERE}:{port}{path}") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)


def moved(words: list[str], changes: Mapping[str, str]) -> list[str]:
    for old, new in changes.items():
        assert any(old in word for word in words), old
        words = [word.replace(old, new) for word in words]
    return words


@contextlib.asynccontextmanager
async def redis(folder: Path, port: int) -> AsyncIterator[None]:
    its = container("rehearsal", "redis")
    variables = environment(its)
    (_, *words) = [filled(word, variables) for word in its["args"]]
    words = moved(words, {"0.0.0.0": HERE, "6390": str(port), "/data": str(folder)})
    probe = moved(its["readinessProbe"]["exec"]["command"], {"6390": str(port)})
    async with running([program("redis-server"), *words], variables, folder):
        await until(probe, variables)
        assert await _status(probe, variables | {"REDISCLI_AUTH": "another"}) != 0
        yield


@contextlib.asynccontextmanager
async def livekit(folder: Path, port: int, redis_port: int) -> AsyncIterator[None]:
    its = container("rehearsal", "livekit")
    config = yaml.safe_load((FOLDER / "base" / "livekit-server.yaml").read_text())
    config["port"] = port
    config["rtc"]["udp_port"] = f"{port + 10}-{port + 17}"
    file = folder / "livekit-server.yaml"
    file.write_text(yaml.safe_dump(config))
    changes = {"/etc/livekit/livekit-server.yaml": str(file), "redis:6390": f"{HERE}:{redis_port}"}
    words = [program("livekit-server"), *moved(its["args"], changes), "--bind", HERE]
    async with running(words, environment(its), folder):
        await until_ready(its, port)
        yield


@contextlib.asynccontextmanager
async def bridge(
    folder: Path, port: int, redis_port: int, livekit_port: int
) -> AsyncIterator[None]:
    its = container("rehearsal", "bridge")
    variables = environment(its)
    config = yaml.safe_load(variables["SIP_CONFIG_BODY"])
    config["redis"]["address"] = f"{HERE}:{redis_port}"
    config |= {
        "ws_url": f"ws://{HERE}:{livekit_port}",
        "sip_port": port,
        "health_port": port + 1,
        "rtp_port": f"{port + 10}-{port + 19}",
        "listen_ip": HERE,
        "local_net": "127.0.0.0/8",
        "nat_1_to_1_ip": HERE,
    }
    variables["SIP_CONFIG_BODY"] = yaml.safe_dump(config)
    assert its["command"] == ["livekit-sip"]
    async with running([program("livekit-sip")], variables, folder):
        await until_ready(its, port + 1)
        yield


async def test_servers_start_with_their_password_and_answer_their_probes(tmp_path: Path) -> None:
    base = free_block()
    async with (
        redis(tmp_path, base),
        livekit(tmp_path, base + 100, base),
        bridge(tmp_path, base + 200, base, base + 100),
    ):
        url = f"http://{HERE}:{base + 100}/twirp/livekit.SIP/ListSIPInboundTrunk"
        async with aiohttp.ClientSession() as http, http.post(url, json={}) as answer:
            assert answer.status == 401, "it wants a key"
