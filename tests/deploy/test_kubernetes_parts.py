"""What deploy/kubernetes says of parts, held to the parts."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from livekit.agents.worker import DRAIN_TIMEOUT
from typer.testing import CliRunner

from agent.config import Settings as AgentSettings
from agent.persona.policies import Limits
from csm_engine.config import Settings as CsmSettings
from parley.cli import app
from parley.ports import Ports
from parley.scripted.config import Settings as ScriptedSettings
from parley_serving.app import OPEN_PATHS
from sip import bridge
from sip.line import Line, Number
from tests.deploy.kustomize import FOLDER, ROOT, Resource, name_of, pod_of
from tests.deploy.rendered import (
    OVERLAYS,
    PODS,
    container,
    containers,
    every,
    memory,
    named,
    values,
)
from web.server.status import router
from whisper_engine.config import Settings as WhisperSettings

REFERENCE = re.compile(r"\$\((\w+)\)")


@pytest.mark.parametrize("name", ["worker", "livekit", "bridge"])
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_holds_a_call_is_left_alone_until_its_end(overlay: str, name: str) -> None:
    longest = max(
        Limits().max_duration_seconds,
        Number.model_fields["max_call_seconds"].default,
        DRAIN_TIMEOUT,
    )
    assert pod_of(named(overlay, name))["terminationGracePeriodSeconds"] >= longest + 60


@pytest.mark.parametrize("name", ["whisper", "csm"])
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_engine_is_left_alone_until_it_has_drained(overlay: str, name: str) -> None:
    drain = float(values(container(overlay, name))[f"{name.upper()}_LISTEN__DRAIN"])
    assert pod_of(named(overlay, name))["terminationGracePeriodSeconds"] > drain


def test_what_holds_calls_may_go_one_at_a_time_and_has_more_than_one() -> None:
    budgets = {
        name_of(each)[1]: each["spec"]["maxUnavailable"] for each in every("PodDisruptionBudget")
    }
    assert budgets == dict.fromkeys(["livekit", "bridge", "worker", "whisper", "csm", "vllm"], 1)
    for name in ("livekit", "worker"):
        assert named("gpu", name)["spec"]["replicas"] > 1


def test_a_worker_gets_the_memory_that_its_calls_took_when_they_were_measured() -> None:
    results = json.loads((ROOT / "bench" / "results" / "voice_to_voice.json").read_text())
    used = {name: its["worker"] for name, its in results["memory_mib"].items()}
    a_call = (used["3 calls"] - used["1 call"]) / 2
    for overlay in OVERLAYS:
        worker = container(overlay, "worker")
        calls = int(values(worker)["AGENT_MAX_CALLS"])
        assert memory(worker, "limits") > used["idle"] + calls * a_call


PORTS = {
    "worker": AgentSettings().health_port,
    "whisper": WhisperSettings().listen.port,
    "csm": CsmSettings().listen.port,
    "scripted": ScriptedSettings().listen.port,
    "services": Ports().web,
    "redis": Ports().redis,
    "livekit": Ports().livekit,
}
PATHS = {
    "worker": {"/health", "/ready"},
    "services": {getattr(route, "path", "") for route in router.routes},
    "livekit": {"/"},
    "bridge": {"/"},
    "vllm": {"/health", "/ready"},
}


def test_probes_ask_what_is_served_and_startup_has_time() -> None:
    for workload in every(*PODS):
        name = name_of(workload)[1]
        (its,) = pod_of(workload)["containers"]
        ports = {port["name"]: port["containerPort"] for port in its["ports"]}
        if name in PORTS:
            assert PORTS[name] in ports.values()
        for kind in ("readinessProbe", "livenessProbe"):
            assert kind in its, name
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = its.get(kind, {})
            if ask := probe.get("httpGet"):
                assert ask["port"] in ports
                assert ask["path"] in PATHS.get(name, OPEN_PATHS), (name, kind)


@pytest.mark.parametrize(
    ("prefix", "known"),
    [
        ("WHISPER_", WhisperSettings),
        ("CSM_", CsmSettings),
        ("SCRIPTED_", ScriptedSettings),
        ("AGENT_", AgentSettings),
    ],
)
def test_settings_are_those_of_the_part(prefix: str, known: Any) -> None:
    given = {
        variable["name"]
        for _, its in containers()
        for variable in its.get("env", ())
        if variable["name"].startswith(prefix)
    }
    assert given
    for name in given:
        field, _, inner = name.removeprefix(prefix).lower().partition("__")
        part = known.model_fields[field].annotation
        assert not inner or inner in part.model_fields, name


def test_workers_are_scaled_by_a_metric_that_there_is() -> None:
    (scaled,) = every("ScaledObject")
    spec = scaled["spec"]
    known = set(re.findall(r"`(parley_\w+)`", (ROOT / "docs" / "metrics.md").read_text()))
    (trigger,) = spec["triggers"]
    asked = set(re.findall(r"parley_\w+", trigger["metadata"]["query"]))
    assert asked
    assert asked <= known
    assert spec["minReplicaCount"] < spec["maxReplicaCount"]
    worker = container("gpu", spec["scaleTargetRef"]["name"])
    assert float(trigger["metadata"]["threshold"]) < int(values(worker)["AGENT_MAX_CALLS"])


def test_livekit_is_set_as_on_one_machine_but_for_where_it_listens() -> None:
    here = yaml.safe_load((ROOT / "livekit.yaml").read_text())
    there = yaml.safe_load((FOLDER / "base" / "livekit-server.yaml").read_text())
    assert there.keys() == here.keys() - {"bind_addresses"}
    for section in here.keys() - {"bind_addresses", "rtc"}:
        assert there[section] == here[section]
    assert there["rtc"].items() <= here["rtc"].items()


@pytest.mark.parametrize(("overlay", "asks"), [("gpu", True), ("rehearsal", False)])
def test_the_bridge_is_set_as_sip_apply_sets_it(overlay: str, asks: bool) -> None:
    given = values(container(overlay, "bridge")) | {"REDIS_PASSWORD": "a-password"}
    body = REFERENCE.sub(lambda found: given[found[1]], given["SIP_CONFIG_BODY"])
    config = yaml.safe_load(body)
    assert config["redis"].pop("password") == "a-password"
    assert config.pop("health_port") in {port["containerPort"] for port in _bridge_ports()}
    line = Line(
        public_host="sip.example.com",
        domain="example",
        numbers=(Number(number="+15550100123", persona="receptionist"),),
    )
    text = bridge.render(line, livekit_url="ws://livekit:7880", redis="redis:6390", folder=ROOT)
    assert config == yaml.safe_load(text) | {"use_external_ip": asks}


def _bridge_ports() -> list[Resource]:
    return list(container("gpu", "bridge")["ports"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_services_command_is_understood(overlay: str) -> None:
    words = container(overlay, "services")["args"]
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


def test_rehearsal_hearing_is_told_the_scripts_phrases(tmp_path: Path) -> None:
    (told,) = pod_of(named("rehearsal", "whisper"))["initContainers"]
    asked = values(container("rehearsal", "whisper"))["WHISPER_PHRASES"]
    program, *options, code = told["command"]
    assert asked in code
    here = tmp_path / "phrases.txt"
    assert (program, options) == ("python", ["-c"])
    code = code.replace(asked, str(here))
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    assert "what are your opening hours" in here.read_text().splitlines()


def test_vllms_command_is_what_its_start_script_takes() -> None:
    vllm = container("gpu", "vllm")
    (script,) = vllm["command"][1:]
    assert script == "/deploy/start.py"
    ran = subprocess.run(
        [sys.executable, ROOT / "deploy" / "vllm" / "start.py", *vllm["args"], "--dry-run"],
        env={"VLLM_API_KEY": "a-key"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0
    assert "gemma3_telephone.jinja" in ran.stdout
    mounted = {each["mountPath"] for each in vllm["volumeMounts"]}
    assert "/deploy" in mounted
