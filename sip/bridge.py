"""livekit-sip's configuration, as `sip.yaml` asks for it; the file lies beside `sip.yaml`."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sip.changes import Action, Change, SideError
from sip.line import Line

NAME = "bridge.yaml"

HEADER = """\
# livekit-sip, made from sip.yaml by `parley sip apply`, which writes over what is changed here.
# Run it with LIVEKIT_API_KEY and LIVEKIT_API_SECRET in its environment.
"""
MINE = HEADER.partition(", which")[0]
"""How a file begins that may be written over or removed."""


def render(line: Line, *, livekit_url: str, redis: str | Mapping[str, Any], folder: Path) -> str:
    """YAML. `redis` is HOST:PORT, or what livekit-sip knows of it; paths of `sip.yaml` are relative to
    `folder`, which holds it.

    A secret is not in it: livekit-sip takes LiveKit's key from its environment.
    """
    bridge = line.bridge
    config: dict[str, Any] = {
        "ws_url": livekit_url,
        "redis": {"address": redis} if isinstance(redis, str) else dict(redis),
        "sip_port": bridge.sip_port,
        "rtp_port": bridge.rtp_ports,
        # It takes one of the two and refuses to start with both.
        **(
            {"use_external_ip": True}
            if bridge.public_ip == "auto"
            else {"use_external_ip": False, "nat_1_to_1_ip": bridge.public_ip}
        ),
        "hide_inbound_port": bridge.hide_inbound_port,
        "media_timeout": f"{bridge.media_timeout_seconds}s",
        # A telephone's packets may overtake each other on the way: they are put in order again.
        "enable_jitter_buffer": True,
        # Admission and the worker refuse what is too much; the bridge would refuse by a glance at
        # the processor, and only the calls that we place.
        "max_cpu_utilization": 1,
        "logging": {"level": "info"},
    }
    if bridge.certificate and bridge.key:
        certificate = {
            "cert_file": str(folder / bridge.certificate),
            "key_file": str(folder / bridge.key),
        }
        config["tls"] = {"port": bridge.tls_port, "certs": [certificate]}
    return HEADER + yaml.safe_dump(config, sort_keys=False)


@dataclass
class BridgeFile:
    """A `sip.changes.Side`: the file, which shall hold `text`."""

    path: Path
    text: str
    name: str = "bridge"

    async def plan(self) -> Sequence[Change]:
        """Raises `SideError` when the file is somebody else's."""
        held = self._held()
        if held == self.text:
            return []
        if held is not None and not held.startswith(MINE):
            raise SideError(
                f"{self.path} was not made by `parley sip apply`: move it out of the way"
            )
        action: Action = "create" if held is None else "update"
        return [Change(action, "file", str(self.path), self._write, _fields(held, self.text))]

    async def plan_destroy(self) -> Sequence[Change]:
        if not (self._held() or "").startswith(MINE):
            return []
        return [Change("delete", "file", str(self.path), self._remove)]

    def _held(self) -> str | None:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise SideError(f"{self.path} cannot be read: {error}") from error

    async def _write(self) -> None:
        try:
            write_whole(self.path, self.text)
        except OSError as error:
            raise SideError(f"{self.path} cannot be written: {error}") from error

    async def _remove(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise SideError(f"{self.path} cannot be removed: {error}") from error


def write_whole(path: Path, text: str) -> None:
    """All of it or nothing, for somebody may be reading. Raises `OSError`."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _fields(is_: str | None, shall: str) -> dict[str, tuple[str | None, str | None]]:
    """By key, as far as they differ."""
    before, after = _flat(is_ or ""), _flat(shall)
    return {
        key: (before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    }


def _flat(text: str) -> dict[str, str]:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        config = None
    if not isinstance(config, dict):
        return {}
    return {str(key): json.dumps(value, default=str) for key, value in config.items()}
