"""Ray and both engines for a folder of tests: `deploy/ray/start.py` on free ports, ended whatever happens."""

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.serving.process import free_port
from tests.stack import free_block

DEPLOY = Path(__file__).parents[2] / "deploy" / "ray"
STARTING = 180.0
STOPPING = 90.0
KEY = "sesame"

DRAINING = """
import sys, time, ray
from ray import serve
ray.init(address=sys.argv[1], namespace="serve", log_to_driver=False)
while True:
    csm = serve.status().applications["csm"].deployments.get("csm")
    if csm and csm.replica_states == {"RUNNING": 1, "STOPPING": 1}:
        break
    time.sleep(0.2)
"""
"""Ends when a new replica runs and the one before has been told to stop."""


def small(port: int) -> dict[str, Any]:
    """serve.yaml with one replica of each, whatever the load."""
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "serve.yaml").read_text())
    config["http_options"]["port"] = port
    for app in config["applications"]:
        for deployment in app["deployments"]:
            del deployment["autoscaling_config"]
            deployment["num_replicas"] = 1
    return config


@dataclass(frozen=True)
class Cluster:
    """`config` is what was deployed first; `address` is Ray's own."""

    process: psutil.Process
    config: dict[str, Any]
    folder: Path
    address: str
    environment: Mapping[str, str]

    def url(self, app: str) -> str:
        """As a plugin is given it."""
        return f"http://127.0.0.1:{self.config['http_options']['port']}/{app}"

    def tree(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self.process, *self.process.children(recursive=True)]
        return []

    def replicas(self, app: str) -> list[psutil.Process]:
        return [each for each in self.tree() if _title(each).startswith(f"ray::ServeReplica:{app}")]

    def listening(self) -> set[tuple[str, int]]:
        """Addresses and ports; of an HAProxy that makes room for its successor, none."""
        found: set[tuple[str, int]] = set()
        for process in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                for each in process.net_connections("tcp"):
                    if each.status == psutil.CONN_LISTEN:
                        found.add((each.laddr.ip, each.laddr.port))
        return found

    async def replace_csm(self) -> None:
        """Deploy the voice once more with other settings. Returns when its first replica drains."""
        changed = {**self.config, "applications": [dict(a) for a in self.config["applications"]]}
        (app,) = (each for each in changed["applications"] if each["name"] == "csm")
        env_vars = {**app["runtime_env"]["env_vars"], "CSM_LONGEST": "60"}
        app["runtime_env"] = {"env_vars": env_vars}
        path = self.folder / "changed.yaml"
        path.write_text(yaml.safe_dump(changed))
        serve = str(Path(sys.executable).parent / "serve")
        await self.run(serve, "run", "--non-blocking", "--address", self.address, str(path))
        await self.run(sys.executable, "-c", DRAINING, self.address)

    async def run(self, *command: str) -> str:
        """What it says, in the environment of Ray."""
        process = await asyncio.create_subprocess_exec(
            *command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            async with asyncio.timeout(STOPPING):
                said, errors = await process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        assert process.returncode == 0, errors.decode()
        return said.decode()


@contextlib.contextmanager
def started(config: dict[str, Any], **settings: str) -> Iterator[Cluster]:
    """Inside, both engines answer. Ray's sockets want a short name: its folder is none of pytest's."""
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_block()
        (folder / "serve.yaml").write_text(yaml.safe_dump(config))
        environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
            "CSM_LISTEN__KEY": KEY,
            "WHISPER_LISTEN__KEY": KEY,
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(16),
            "RAY_SERVE_HAPROXY_METRICS_PORT": str(free_port()),
            "RAY_SERVE_HAPROXY_STATS_PORT": str(free_port()),
            "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(free_port()),
            "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
            **settings,
        }
        with (folder / "terminal").open("wb") as terminal:
            process = subprocess.Popen(
                [
                    *(sys.executable, str(DEPLOY / "start.py"), str(folder / "serve.yaml")),
                    *("--folder", str(folder / "r"), "--port", str(port), "--cpus", "8"),
                ],
                env=environment,
                stdout=terminal,
                stderr=subprocess.STDOUT,
            )
        cluster = Cluster(
            psutil.Process(process.pid), config, folder, f"127.0.0.1:{port}", environment
        )
        try:
            _until_ready(process, folder / "terminal", len(config["applications"]))
            yield cluster
        finally:
            _end(process, cluster.tree())


def _until_ready(process: subprocess.Popen[bytes], terminal: Path, apps: int) -> None:
    until = time.monotonic() + STARTING
    while sum(line.startswith("ready ") for line in _lines(terminal)) < apps:
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("Ray did not start:\n" + "\n".join(_lines(terminal)[-60:]))
        time.sleep(0.1)


def _lines(terminal: Path) -> list[str]:
    return terminal.read_text(errors="replace").splitlines()


def _end(process: subprocess.Popen[bytes], tree: list[psutil.Process]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOPPING)
    for each in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()
    psutil.wait_procs(tree, timeout=STOPPING)


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return " ".join(process.cmdline())
    return ""
