"""What can be known of the containers where there is no engine for them."""

import asyncio
import functools
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from typer.testing import CliRunner

from parley.cli import app
from parley.parts import PARTS
from parley.plan.flags import TRIED
from tests.deploy.compose import ROOT, Compose, Service, read, required
from tools.write_env import KEYS

DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
PATIENCE = 120.0
SECRETS = {name: f"secret-{name.lower()}-0123456789" for name in KEYS}
COMPOSE: Compose = read(SECRETS)
OWN = {name: each for name, each in COMPOSE.services.items() if each.build}
STAGES = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
BASES = {stage: base for base, stage in STAGES}


def _stage(name: str) -> str:
    return DOCKERFILE.read_text().partition(f" AS {name}\n")[2].partition("\nFROM")[0]


def test_what_setup_writes_is_all_that_must_be_given() -> None:
    assert required() <= set(KEYS)
    with pytest.raises(KeyError, match="PARLEY_ENGINE_KEY"):
        read({**SECRETS, "PARLEY_ENGINE_KEY": ""})


def test_services_wait_only_for_what_their_profiles_start() -> None:
    for name, service in COMPOSE.services.items():
        for other, how in service.depends_on.items():
            awaited = COMPOSE.services[other]
            assert set(service.profiles) <= set(awaited.profiles), (name, other)
            assert how.condition == "service_started" or awaited.healthcheck, (name, other)


def test_images_are_pinned_to_what_was_tried() -> None:
    images = {service.image for service in COMPOSE.services.values() if not service.build}
    assert all(re.search(r":v?\d+\.\d+\.\d+", image) for image in images)
    assert f"livekit/livekit-server:v{TRIED['livekit-server']}" in images
    assert f"livekit/sip:v{TRIED['livekit-sip']}" in images
    assert f"vllm/vllm-openai:v{TRIED['vllm']}" in images
    for program, module in (("livekit-server", "livekit-server"), ("livekit-sip", "sip")):
        pins = (ROOT / "tools" / program / "go.mod").read_text()
        assert re.search(rf"github\.com/livekit/{module} v{TRIED[program]}\b", pins)
    locked = tomllib.loads((ROOT / "deploy" / "vllm" / "uv.lock").read_text())["package"]
    assert TRIED["vllm"] in {each["version"] for each in locked if each["name"] == "vllm"}
    bases = {base for base, _ in STAGES} - {stage for _, stage in STAGES}
    assert all(re.search(r":\d+\.\d+\.\d+", base) for base in bases)


def test_a_container_gets_its_own_secrets_and_may_little() -> None:
    for name, service in COMPOSE.services.items():
        given = " ".join([*service.environment.values(), *service.command])
        held = {secret for secret in SECRETS if SECRETS[secret] in given}
        livekit = {"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"}
        assert held <= (livekit if name in ("livekit", "sip") else {"PARLEY_ENGINE_KEY"}), name
        assert not service.env_file or name in ("parley", "rehearsal")
        if name != "vllm":
            assert service.read_only, name
            assert service.cap_drop == ["ALL"], name


def test_named_volumes_are_declared_and_all_files_are_there() -> None:
    for service in COMPOSE.services.values():
        for mount in service.volumes:
            source = mount.partition(":")[0]
            if not source.startswith((".", "/")):
                assert source in COMPOSE.volumes
            elif source not in ("./csm", "./voices", "./scrape-keys"):  # the host's own
                assert (ROOT / "deploy" / source).exists(), source


def test_the_bridges_configuration_is_the_projects_and_redis() -> None:
    ours = yaml.safe_load((ROOT / "deploy" / "docker" / "bridge.yaml").read_text())
    redis = ours.pop("redis")
    assert ours == yaml.safe_load((ROOT / "sip" / "bridge.yaml").read_text())
    assert redis["address"].rpartition(":")[2] in COMPOSE.services["redis"].command
    bridge = COMPOSE.services["sip"]
    assert bridge.entrypoint == ["livekit-sip"], "the image's own has a --config, which goes first"
    assert bridge.environment["SIP_CONFIG_FILE"] in {each.split(":")[1] for each in bridge.volumes}


def test_the_dockerfile_has_nothing_to_complain_of() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([linter, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (found.stdout, found.returncode) == ("", 0)


def test_every_service_of_ours_has_a_stage_that_is_not_roots() -> None:
    for service in OWN.values():
        assert service.build is not None
        stage = service.build.target
        while stage != "base":
            assert "USER" not in _stage(stage)
            stage = BASES[stage]
    assert re.search(r"^USER 10001$", _stage("base"), re.MULTILINE)


def test_what_is_copied_is_there_and_is_not_ignored() -> None:
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE.read_text(), re.MULTILINE)
        for source in line.split()[:-1]
    ]
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in sent if line.startswith("!")]
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source == name or source.startswith(f"{name}/") for name in allowed), source
    assert sent[1] == "*"
    assert "**/.env" in sent


@functools.cache
def _locked() -> Mapping[str, Any]:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return {each["name"]: each for each in packages}


def _installed(package: str, extras: Iterable[str]) -> set[str]:
    """By uv.lock, whatever the platform."""
    packages = _locked()
    found: set[str] = set()
    todo = [(package, frozenset(extras))]
    seen = set(todo)
    while todo:
        name, wanted = todo.pop()
        found.add(name)
        its = packages[name]
        more = [
            each for extra in wanted for each in its.get("optional-dependencies", {}).get(extra, [])
        ]
        for each in [*its.get("dependencies", []), *more]:
            needed = each["name"], frozenset(each.get("extra", ()))
            if needed not in seen:
                seen.add(needed)
                todo.append(needed)
    return found


def _extras(stage: str) -> list[str]:
    return re.findall(r"--extra (\S+)", _stage(stage))


def test_only_the_voices_image_has_torch_and_only_rehearsal_has_espeak() -> None:
    worker = _installed("parley", _extras("worker-build"))
    assert "livekit-agents" in worker
    assert not worker & {"torch", "transformers", "espeakng-loader", "pocketsphinx"}
    assert "espeakng-loader" in _installed("parley", _extras("rehearsal-build"))
    hears = _installed("livekit-plugins-whisper-stt", _extras("whisper-build"))
    assert "ctranslate2" in hears
    assert "torch" not in hears
    assert "torch" in _installed("livekit-plugins-csm-tts", _extras("csm-build"))


def _written(kind: str, stage: str) -> list[str]:
    """ENTRYPOINT or CMD, of a stage or of what it is made from."""
    found = re.search(rf"^{kind} (\[.*\])$", _stage(stage), re.MULTILINE)
    return list(yaml.safe_load(found[1])) if found else _written(kind, BASES[stage])


def _command(service: Service) -> list[str]:
    """As it runs without a container."""
    assert service.build is not None
    stage = service.build.target
    entry = service.entrypoint or _written("ENTRYPOINT", stage)
    words = list(service.command) or _written("CMD", stage)
    program, *rest = [*entry, *words]
    return [str(Path(sys.executable).with_name(program)), *rest]


@pytest.mark.parametrize("name", ["parley", "rehearsal"])
def test_what_parley_is_told_to_leave_out_is_a_part(name: str) -> None:
    program, *words = _command(OWN[name])
    assert Path(program).name == "parley"
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0
    assert set(words[2::2]) <= set(PARTS)


@pytest.mark.timeout(180)  # programs that import much, on a machine that may be busy
@pytest.mark.parametrize("name", ["whisper-cpu", "csm-rehearsal"])
def test_the_engines_start_commands_are_understood(name: str) -> None:
    asked = subprocess.run(
        [*_command(OWN[name]), "--help"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert asked.returncode == 0
    assert "usage" in asked.stdout.lower()


@pytest.mark.timeout(180)
async def test_a_start_command_of_the_file_starts_and_stops_bare(free_tcp_port: int) -> None:
    service = COMPOSE.services["csm-rehearsal"]
    process = await asyncio.create_subprocess_exec(
        *_command(service),
        cwd=ROOT,
        env={**os.environ, **service.environment, "CSM_LISTEN__PORT": str(free_tcp_port)},
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await _ready(f"http://127.0.0.1:{free_tcp_port}/ready")
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0


async def _ready(url: str) -> None:
    """Polls a process that cannot tell."""
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(url) as reply:
                    if reply.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


def test_vllms_command_is_what_its_start_script_takes() -> None:
    service = COMPOSE.services["vllm"]
    assert service.entrypoint[1] == "/deploy/start.py"
    script = ROOT / "deploy" / "vllm" / "start.py"
    words = shlex.split(str(service.command))
    ran = subprocess.run(
        [sys.executable, script, *words, "--dry-run"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0
    assert "gemma3_telephone.jinja" in ran.stdout
