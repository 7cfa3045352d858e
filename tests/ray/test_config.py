"""`deploy/ray` without a cluster: what Serve makes of the files, and what start.py starts."""

import asyncio
import importlib.util
import sys
from asyncio.subprocess import PIPE
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from agent.persona.policies import Limits
from parley_serving import ListenSettings
from tests.ray.cluster import DEPLOY

SCHEMA = """
import json, sys, yaml
from ray.serve.schema import ServeDeploySchema
for path in sys.argv[1:]:
    ServeDeploySchema.model_validate(yaml.safe_load(open(path)))
"""


CONFIG = """
frontend prometheus
    bind {}
frontend http_frontend
    bind *:8100
listen stats
  bind {}
"""
"""As Ray writes it, the lines that say where to listen."""


@pytest.fixture(scope="module")
def start() -> ModuleType:
    spec = importlib.util.spec_from_file_location("start", DEPLOY / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "serve.yaml").read_text())
    return read


async def run(*command: str, **environment: str) -> tuple[int | None, str]:
    """Status, and what it wrote to its standard error."""
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=PIPE)
    async with asyncio.timeout(120):
        _, said = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.engine
@pytest.mark.timeout(180)
async def test_serve_knows_all_that_the_files_say() -> None:
    files = sorted(str(path) for path in DEPLOY.glob("*.yaml"))
    assert len(files) == 2
    assert await run(sys.executable, "-W", "ignore", "-c", SCHEMA, *files) == (0, "")


def test_a_replica_that_is_to_go_waits_for_the_longest_call(config: dict[str, Any]) -> None:
    longest = Limits().max_duration_seconds
    for app in config["applications"]:
        for deployment in app["deployments"]:
            assert deployment["graceful_shutdown_timeout_s"] > longest


def test_no_replica_knows_of_haproxy_which_would_end_its_calls(config: dict[str, Any]) -> None:
    for app in config["applications"]:
        told = app["runtime_env"]["env_vars"]
        assert told["RAY_SERVE_ENABLE_HA_PROXY"] == "0"
        assert told["RAY_SERVE_ENABLE_DIRECT_INGRESS"] == "1"


def test_serve_holds_nobody_back_whom_an_engine_would_refuse(config: dict[str, Any]) -> None:
    most = ListenSettings(port=1).max_sessions
    for app in config["applications"]:
        for deployment in app["deployments"]:
            assert deployment["max_ongoing_requests"] > 4 * most
            assert deployment["autoscaling_config"]["target_ongoing_requests"] < most


def test_haproxy_keeps_its_sockets_as_long_as_a_replica(
    start: ModuleType, config: dict[str, Any], tmp_path: Path
) -> None:
    place = start.Place(tmp_path, 8110, Path("/usr/sbin/haproxy"))
    made = start.environment({}, place, start.longest_call(config))
    for name in ("HARD_STOP_AFTER_S", "TIMEOUT_CLIENT_S"):
        assert made[f"RAY_SERVE_HAPROXY_{name}"] == "2100"
    assert made["RAY_SERVE_ENABLE_HA_PROXY"] == "1"
    assert "RAY_SERVE_ENABLE_HA_PROXY" not in start.environment({}, replace(place, haproxy=None), 1)


async def test_haproxys_own_pages_are_on_loopback_only(tmp_path: Path) -> None:
    config, show = tmp_path / "haproxy.cfg", tmp_path / "show"
    config.write_text(CONFIG.format(":9101", "*:8404"))
    show.write_text("#!/bin/sh\necho $* >&2\n")
    show.chmod(0o755)
    said = await run(
        *(str(DEPLOY / "haproxy.sh"), "-db", "-f", str(config), "-sf", "7"),
        PATH="/usr/bin:/bin",
        PARLEY_HAPROXY=str(show),
    )
    assert said == (0, f"-db -f {config} -sf 7\n")
    assert config.read_text() == CONFIG.format("127.0.0.1:9101", "127.0.0.1:8404")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        ("proxy_location: EveryNode\n", "names no applications"),
        ((DEPLOY / "serve.yaml").read_text(), "WHISPER_LISTEN__KEY is not set"),
    ],
)
async def test_what_cannot_start_is_told_in_one_sentence(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    path = tmp_path / "serve.yaml"
    if content is not None:
        path.write_text(content)
    status, said = await run(sys.executable, str(DEPLOY / "start.py"), str(path))
    assert status == 2
    assert problem in said
    assert len(said.splitlines()) == 1
