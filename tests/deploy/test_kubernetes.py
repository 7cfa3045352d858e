"""deploy/kubernetes, by Kubernetes's own schemas, and whether its names are of what is there."""

import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from tests.deploy import compose
from tests.deploy.custom_kinds import OTHERS
from tests.deploy.kustomize import (
    FOLDER,
    Resource,
    containers_of,
    documents,
    in_no_order,
    name_of,
    pod_of,
    selects,
)
from tests.deploy.rendered import OVERLAYS, PODS, containers, every, labels, memory, values
from tools.write_env import KEYS

SECRETS = {each["metadata"]["name"]: each for each in documents(FOLDER / "secret.example.yaml")}
SCHEMAS = ["1.31", "1.37"]
YOURS = {"parley-line"}
"""ConfigMaps that the owner makes, or not."""

REFERENCE = re.compile(r"\$\((\w+)\)")
ADDRESS = re.compile(r"^(?:https?://|wss?://)?(?P<service>[a-z-]+):(?P<port>\d+)(?:/v1)?$")


@pytest.mark.parametrize("version", SCHEMAS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_is_as_kubernetes_has_it(overlay: str, version: str) -> None:
    for resource in OVERLAYS[overlay]:
        if other := OTHERS.get(resource["kind"]):
            other.model_validate(resource)
        else:
            kubernetes_validate.validate(resource, version, strict=True)
    for secret in SECRETS.values():
        kubernetes_validate.validate(secret, version, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_builds_the_same(overlay: str) -> None:
    """Where it is here: kubectl has it, and needs no cluster for it."""
    if not (kubectl := shutil.which("kubectl")):
        pytest.skip("there is no kubectl here")
    built = subprocess.run(
        [kubectl, "kustomize", FOLDER / "overlays" / overlay],
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = {name_of(each): each for each in yaml.safe_load_all(built.stdout)}
    ours = {name_of(each): each for each in OVERLAYS[overlay]}
    assert theirs.keys() == ours.keys()
    for name, resource in ours.items():
        assert in_no_order(theirs[name]) == in_no_order(resource), name


def test_images_are_those_of_the_compose_file() -> None:
    file = compose.read(dict.fromkeys(KEYS, "a-secret"))
    known = {each.image for each in file.services.values()} | {"parley-worker"}
    used = {container["image"] for _, container in containers()}
    assert used <= known
    assert {"redis", "livekit", "vllm"} <= {image.split("/")[0].split(":")[0] for image in used}


def test_the_example_has_all_secrets_that_are_asked_for_and_no_value() -> None:
    assert set(KEYS) <= SECRETS["parley"]["stringData"].keys()
    for secret in SECRETS.values():
        assert not any(secret["stringData"].values())
    for workload, its in containers():
        for source in its.get("envFrom", ()):
            assert source["secretRef"]["name"] in SECRETS
        for variable in its.get("env", ()):
            if ref := variable.get("valueFrom", {}).get("secretKeyRef"):
                assert ref["key"] in SECRETS[ref["name"]]["stringData"], name_of(workload)
    for monitor in every("PodMonitor"):
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            key = endpoint["authorization"]["credentials"]
            assert key["key"] in SECRETS[key["name"]]["stringData"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_volumes_are_of_what_is_there(overlay: str) -> None:
    there = {name_of(each) for each in OVERLAYS[overlay]}
    for workload in every(*PODS, overlay=overlay):
        pod = pod_of(workload)
        claimed = {each["metadata"]["name"] for each in _templates(workload)}
        for volume in pod.get("volumes", ()):
            if config := volume.get("configMap"):
                is_yours = config["name"] in YOURS and config["optional"]
                assert is_yours or ("ConfigMap", config["name"]) in there
            if claim := volume.get("persistentVolumeClaim"):
                assert ("PersistentVolumeClaim", claim["claimName"]) in there
        volumes = claimed | {each["name"] for each in pod.get("volumes", ())}
        for its in containers_of(workload):
            assert {each["name"] for each in its.get("volumeMounts", ())} <= volumes


def _templates(workload: Resource) -> list[Resource]:
    return list(workload["spec"].get("volumeClaimTemplates", ()))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_find_pods_and_ports_are_theirs(overlay: str) -> None:
    workloads = every(*PODS, overlay=overlay)
    for service in every("Service", overlay=overlay):
        (found,) = [each for each in workloads if service["spec"]["selector"] == labels(each)]
        ports = {port["name"]: port["containerPort"] for port in _ports(found)}
        for port in service["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"], name_of(service)
    for budget in every("PodDisruptionBudget", overlay=overlay):
        assert any(selects(budget["spec"]["selector"], labels(each)) for each in workloads)
    for policy in every("NetworkPolicy", overlay=overlay):
        chosen = [
            each for each in workloads if selects(policy["spec"]["podSelector"], labels(each))
        ]
        assert chosen, name_of(policy)
        for rule in policy["spec"].get("ingress", ()):
            for port in rule["ports"]:
                if isinstance(port["port"], str):
                    for each in chosen:
                        assert port["port"] in {its["name"] for its in _ports(each)}
    for workload in workloads:
        assert selects(workload["spec"]["selector"], labels(workload))


def _ports(workload: Resource) -> list[Resource]:
    return [port for its in containers_of(workload) for port in its.get("ports", ())]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_addresses_are_of_services_that_let_the_caller_in(overlay: str) -> None:
    served = {
        (service["metadata"]["name"], port["port"]): service["spec"]["selector"]
        for service in every("Service", overlay=overlay)
        for port in service["spec"]["ports"]
    }
    asked = 0
    for workload in every(*PODS, overlay=overlay):
        for its in containers_of(workload):
            words = [*values(its).values(), *its.get("args", ())]
            for found in filter(None, map(ADDRESS.match, words)):
                asked += 1
                target = served[found["service"], int(found["port"])]
                assert _lets_in(overlay, target, labels(workload)), found[0]
    assert asked > 6


def _lets_in(overlay: str, target: dict[str, str], who: dict[str, str]) -> bool:
    """By a NetworkPolicy."""
    return any(
        selects(source["podSelector"], who)
        for policy in every("NetworkPolicy", overlay=overlay)
        if selects(policy["spec"]["podSelector"], target)
        for rule in policy["spec"].get("ingress", ())
        for source in rule["from"]
        if "podSelector" in source
    )


def test_a_variable_is_put_into_another_only_after_its_own() -> None:
    """Kubernetes leaves what it does not know as it stands, and knows nothing of `envFrom`."""
    for workload, its in containers():
        known = set[str]()
        for variable in its.get("env", ()):
            assert set(REFERENCE.findall(variable.get("value", ""))) <= known, name_of(workload)
            known.add(variable["name"])
        for word in its.get("args", ()):
            assert set(REFERENCE.findall(word)) <= known


def test_nobody_is_root_or_writes_where_nothing_is_mounted() -> None:
    for workload in every(*PODS):
        pod = pod_of(workload)
        name = name_of(workload)[1]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        # Kubernetes would set variables that the engines refuse, as WHISPER_PORT.
        assert pod["enableServiceLinks"] is False
        assert pod.get("hostNetwork", False) is (name == "bridge")
    for _, its in containers():
        assert its["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_memory_is_bounded_and_no_processor_is() -> None:
    for workload, its in containers():
        resources = its["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys(), name_of(workload)
        assert "cpu" not in resources.get("limits", {})
        assert memory(its, "limits") >= memory(its)


def test_gpus_are_asked_for_where_models_compute() -> None:
    for overlay, wanted in (("gpu", {"whisper", "csm", "vllm"}), ("rehearsal", set[str]())):
        asking = {
            name_of(each)[1]
            for each in every(*PODS, overlay=overlay)
            for its in containers_of(each)
            if its["resources"]["limits"].get("nvidia.com/gpu") == "1"
        }
        assert asking == wanted
