"""docs/metrics.md names every metric that there is; dashboards and alerts name no other."""

import contextlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from agent.call import HeldCalls
from agent.config import Settings
from agent.figures import Metrics as WorkerMetrics
from agent.health import Health
from csm_engine.engine.watch import Watch
from csm_engine.metrics import Metrics as CsmMetrics
from parley.scripted.app import count_requests
from parley.service_metrics import ServiceMetrics
from parley.settings import ROOT
from parley_serving import Gate, Service, build_app
from web.server.desk import Metrics as WebMetrics
from whisper_engine.metrics import Metrics as WhisperMetrics
from whisper_engine.whisper.metrics import DecodeMetrics

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
BOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "gauge": ("",), "counter": ("",)}

STRING = re.compile(r'"[^"]*"')
NAME = re.compile(r"\b(?:parley|process)_[a-z0-9_]+")
OF_PROCESSES = {
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_resident_memory_bytes",
}
"""What we show of Prometheus's own."""

WORDS = {
    *("and", "avg", "by", "clamp_min", "histogram_quantile", "ignoring", "increase", "max", "min"),
    *("on", "or", "rate", "sum", "unless", "vector", "without"),
}
"""Of PromQL, as far as we use it."""


class _NoFeed:
    listeners = 0


def registries() -> Iterator[CollectorRegistry]:
    """Of every part."""
    worker = WorkerMetrics()
    Health(HeldCalls(1), set, Settings(), worker)
    yield worker.registry
    for name in ("whisper", "csm", "scripted"):
        service = Service(name=name, model="m", gate=Gate(1), start=contextlib.nullcontext)
        build_app(service)
        yield service.registry
    shared = CollectorRegistry()
    CsmMetrics(shared)
    WhisperMetrics(shared)
    DecodeMetrics(shared)
    count_requests(shared)
    yield shared
    yield Watch().registry
    yield ServiceMetrics().registry
    yield WebMetrics(_NoFeed()).registry  # type: ignore[arg-type]


def exported() -> dict[str, str]:
    """Type by name, as Prometheus gets them."""
    return {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for registry in registries()
        for family in registry.collect()
        if not family.name.startswith("process_")  # Prometheus's own, of every program
    }


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_what_is_shown_of_a_process_is_told_by_every_part() -> None:
    for registry in (WorkerMetrics().registry, WebMetrics(_NoFeed()).registry):  # type: ignore[arg-type]
        told = {sample.name for family in registry.collect() for sample in family.samples}
        assert told >= OF_PROCESSES


def documented() -> dict[str, str]:
    rows = re.findall(
        r"^\| `(parley_\w+)` \| (\w+) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE
    )
    assert len(rows) == len(dict(rows)), "a metric stands there twice"
    return dict(rows)


def test_the_page_has_every_metric_with_its_type_and_no_other() -> None:
    assert documented() == exported()


def test_names_keep_to_the_scheme() -> None:
    for name, kind in exported().items():
        assert re.fullmatch(r"parley_[a-z]+(_[a-z]+)+", name), name
        assert (kind == "counter") == name.endswith("_total"), name
        assert not re.search(r"_(ms|millis|minutes|ratio_percent)(_|$)", name), name
        if kind == "histogram":
            assert name.endswith(("_seconds", "_size")), name


def expressions() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for board in BOARDS:
        for panel in json.loads(board.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{board.stem}: {panel['title']}", target["expr"]


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def known_series() -> set[str]:
    ours = {name + end for name, kind in documented().items() for end in SUFFIXES[kind]}
    return ours | OF_PROCESSES


@pytest.mark.parametrize(("where", "expression"), [*expressions()])
def test_what_is_asked_for_is_there(where: str, expression: str) -> None:
    bare = STRING.sub('""', expression)
    assert NAME.findall(bare), where
    assert set(NAME.findall(bare)) <= known_series(), where
    _check_brackets(bare)
    # What else looks like a name is a word of PromQL, or a label in braces or after `by`.
    rest = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)", "", NAME.sub("", bare))
    assert set(re.findall(r"[a-z_]+", rest)) <= WORDS, where


def _check_brackets(expression: str) -> None:
    opened: list[str] = []
    for letter in expression:
        if letter in "([{":
            opened.append(letter)
        elif letter in ")]}":
            assert opened, expression
            assert opened.pop() + letter in {"()", "[]", "{}"}, expression
    assert not opened, expression


@pytest.mark.parametrize("broken", ["sum(rate(x[5m])", "sum(x)]", "sum(x[5m)]", "sum by (le) (x}"])
def test_unbalanced_expressions_are_noticed(broken: str) -> None:
    with pytest.raises(AssertionError):
        _check_brackets(broken)


def test_every_alert_says_what_to_do() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    told = set(re.findall(r"`(Parley[A-Za-z]+)`", page.partition("## Watching it")[2]))
    assert {rule["alert"] for rule in rules()} <= told
    for rule in rules():
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        assert rule["annotations"]["runbook"] == "docs/operations.md#watching-it"
        assert rule["labels"]["severity"] in {"page", "warn"}


def test_every_metric_that_warns_of_something_is_on_a_board() -> None:
    """A metric that nobody looks at is not worth its series."""
    shown = {name for _, expression in expressions() for name in NAME.findall(expression)}
    ends = r"_(bucket|sum|count)$"
    unseen = {name for name in documented() if name not in {re.sub(ends, "", s) for s in shown}}
    assert unseen <= {name for name in documented() if name.startswith("parley_scripted_")}


def test_provisioning_finds_the_boards_and_their_source() -> None:
    folder = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards/parley.yml").read_text())["providers"]
    assert provider["type"] == "file"
    assert len({json.loads(board.read_text())["uid"] for board in BOARDS}) == len(BOARDS) == 3
    for board in BOARDS:
        for panel in json.loads(board.read_text())["panels"]:
            assert panel["datasource"]["uid"] == source["uid"]
            places = panel["gridPos"]
            assert places["x"] + places["w"] <= 24


def test_prometheus_scrapes_every_part_that_a_call_needs() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    assert {job["job_name"] for job in config["scrape_configs"]} == {
        "worker",
        "whisper",
        "csm",
        "web",
    }
    assert [Path(name).name for name in config["rule_files"]] == [RULES.name]
