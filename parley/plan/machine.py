"""What this machine has. The one part of the plan that looks."""

import importlib.metadata
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from parley.plan.gpus import SMI, Seen, read_smi

PATIENCE = 10.0
"""Seconds for `nvidia-smi`, which hangs where a driver does."""


@dataclass(frozen=True)
class Machine:
    """`disk` is free, `memory` is all that there is, in bytes; `versions` of the programs that were
    found, as they say it themselves."""

    gpus: tuple[Seen, ...]
    cores: int
    memory: int
    disk: int
    versions: Mapping[str, str]


def seen_gpus() -> tuple[Seen, ...]:
    """None where there is no driver. Raises PlanError for an answer that is none."""
    query = ["nvidia-smi", f"--query-gpu={','.join(SMI)}", "--format=csv,noheader,nounits"]
    return read_smi(_output(query))


def look(root: Path) -> Machine:
    """`root` is the checkout. Raises PlanError."""
    return Machine(
        gpus=seen_gpus(),
        cores=os.cpu_count() or 1,
        memory=psutil.virtual_memory().total,
        disk=shutil.disk_usage(root).free,
        versions={name: version for name, version in _versions(root).items() if version},
    )


def _versions(root: Path) -> Mapping[str, str]:
    programs = {
        name: [str(root / ".tools" / "bin" / name), "--version"]
        for name in ("livekit-server", "livekit-sip")
    }
    found = {name: _output(command) for name, command in programs.items()}
    vllm = next(root.glob("deploy/vllm/.venv/lib/python*/site-packages/vllm-*.dist-info"), None)
    found["vllm"] = vllm.name.removeprefix("vllm-").removesuffix(".dist-info") if vllm else ""
    found["livekit-agents"] = importlib.metadata.version("livekit-agents")
    return found


def _output(command: list[str]) -> str:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""
