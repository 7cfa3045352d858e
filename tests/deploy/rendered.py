"""Both overlays of deploy/kubernetes, and ways about in them."""

from collections.abc import Iterator

from tests.deploy.kustomize import FOLDER, Resource, build, containers_of, name_of, pod_of

OVERLAYS = {name: build(FOLDER / "overlays" / name) for name in ("rehearsal", "gpu")}
PODS = ("Deployment", "StatefulSet")
MEBIBYTES = {"Mi": 1, "Gi": 1024}

Found = tuple[Resource, Resource]
"""What has pods, and one of their containers."""


def every(*kinds: str, overlay: str | None = None) -> list[Resource]:
    chosen = [OVERLAYS[overlay]] if overlay else OVERLAYS.values()
    return [each for overlay in chosen for each in overlay if each["kind"] in kinds]


def containers() -> Iterator[Found]:
    for workload in every(*PODS):
        for container in containers_of(workload):
            yield workload, container


def named(overlay: str, name: str) -> Resource:
    (workload,) = [each for each in every(*PODS, overlay=overlay) if name_of(each)[1] == name]
    return workload


def container(overlay: str, name: str) -> Resource:
    (found,) = pod_of(named(overlay, name))["containers"]
    return dict(found)


def values(its: Resource) -> dict[str, str]:
    """Variables that are not secret."""
    return {each["name"]: each["value"] for each in its.get("env", ()) if "value" in each}


def labels(workload: Resource) -> dict[str, str]:
    return dict(workload["spec"]["template"]["metadata"]["labels"])


def memory(container: Resource, kind: str = "requests") -> float:
    """MiB."""
    size = container["resources"][kind]["memory"]
    return float(size[:-2]) * MEBIBYTES[size[-2:]]
