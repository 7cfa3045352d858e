"""deploy/kubernetes as Kustomize builds it, as far as it is used here, and ways about in it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"

Resource = dict[str, Any]

MERGED_BY = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
}
"""Lists of a pod that a patch adds to, by what; any other list of a patch stands instead."""


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class Generated(Strict):
    name: str
    files: list[str]


class Options(Strict):
    # A name with a hash would have to be put into all that refers to it.
    disable_name_suffix_hash: Literal[True]


class Patch(Strict):
    path: str


class Kustomization(Strict):
    api_version: Literal["kustomize.config.k8s.io/v1beta1"]
    kind: Literal["Kustomization"]
    namespace: str | None = None
    resources: list[str] = []
    patches: list[Patch] = []
    config_map_generator: list[Generated] = []
    generator_options: Options | None = None


def documents(file: Path) -> list[Resource]:
    return [each for each in yaml.safe_load_all(file.read_text()) if each]


def build(folder: Path) -> list[Resource]:
    """Raises KeyError for a patch of what is not there."""
    (raw,) = documents(folder / "kustomization.yaml")
    given = Kustomization.model_validate(raw)
    found = {name_of(each): each for each in _gathered(folder, given)}
    for patch in given.patches:
        for wanted in documents(folder / patch.path):
            name = name_of(wanted)
            found[name] = merged(found[name], wanted)
    if given.namespace:
        for resource in found.values():
            if resource["kind"] != "Namespace":
                resource["metadata"]["namespace"] = given.namespace
    return list(found.values())


def _gathered(folder: Path, given: Kustomization) -> Iterator[Resource]:
    for name in given.resources:
        path = folder / name
        yield from build(path) if path.is_dir() else documents(path)
    for generated in given.config_map_generator:
        data = {file: (folder / file).read_text() for file in generated.files}
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": generated.name},
            "data": data,
        }


def name_of(resource: Resource) -> tuple[str, str]:
    return resource["kind"], resource["metadata"]["name"]


def merged(base: Any, patch: Any, field: str = "") -> Any:
    """A strategic merge."""
    key = MERGED_BY.get(field)
    match base, patch:
        case dict(), dict():
            both = {name: merged(base[name], patch[name], name) for name in base.keys() & patch}
            return {**base, **patch, **both}
        case list(), list() if key:
            wanted = {each[key]: each for each in patch}
            kept = [merged(each, wanted.pop(each[key], {})) for each in base]
            return [*kept, *wanted.values()]
        case _:
            return patch


def in_no_order(value: Any, field: str = "") -> Any:
    """For a comparison: Kustomize puts what a patch adds first."""
    key = MERGED_BY.get(field)
    match value:
        case dict():
            return {name: in_no_order(each, name) for name, each in value.items()}
        case list() if key:
            return {each[key]: in_no_order(each) for each in value}
        case list():
            return [in_no_order(each) for each in value]
        case _:
            return value


def pod_of(resource: Resource) -> Resource:
    """The spec of its pods."""
    pod: Resource = resource["spec"]["template"]["spec"]
    return pod


def containers_of(resource: Resource) -> Sequence[Resource]:
    pod = pod_of(resource)
    return [*pod.get("initContainers", ()), *pod["containers"]]


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """A label selector; an empty one selects everything."""
    expressions = selector.get("matchExpressions", ())
    assert all(each["operator"] == "In" for each in expressions)
    return all(labels.get(k) == v for k, v in selector.get("matchLabels", {}).items()) and all(
        labels.get(each["key"]) in each["values"] for each in expressions
    )
