"""The models' half of the split shape, in one pod: `.venv/bin/python deploy/runpod/start.py`.

Starts the Whisper engine, the CSM engine and vLLM, each when the one before it is ready, for vLLM takes
what memory they leave; then prints what the other half's .env needs. What dies is started again; three
deaths in a minute end all of it, with status 1. Settings: WHISPER_… and CSM_… (docs/settings.md), and
PARLEY_POD_… below.
"""

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from parley.part import Part, PartError
from parley.probes import http_ok
from parley.settings import ROOT, say
from parley.supervisor import Supervisor
from parley_serving import load_settings

VLLM = ROOT / "deploy" / "vllm"
EVERYWHERE = "0.0.0.0"
"""The proxy comes from outside the container."""

PRIVATE = ("PARLEY_", "RUNPOD_", "WHISPER_", "CSM_", "VLLM_")
"""Variables that only who they are meant for gets to see."""

ENGINE_PATIENCE, VLLM_PATIENCE = 900.0, 3600.0
"""Seconds: a model may be fetched first."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PARLEY_POD_", frozen=True, extra="forbid")

    key: SecretStr = Field(
        min_length=16, description="Bearer key of all three: the proxy has none."
    )
    parts: tuple[Literal["whisper", "csm", "vllm"], ...] = ("whisper", "csm", "vllm")
    model: str = Field("google/gemma-3-27b-it", min_length=1, description="For vLLM.")
    flags: str = Field("--max-num-seqs 19 --max-model-len 4096", description="`parley plan`'s.")
    whisper_port: int = 8101
    csm_port: int = 8102
    vllm_port: int = 8000
    ready_port: int = Field(8105, description="Of deploy/vllm/start.py; not to be exposed.")
    logs: Path = ROOT / ".run" / "pod"


def build_parts(settings: Settings, environment: Mapping[str, str]) -> list[Part]:
    shared = {key: value for key, value in environment.items() if not key.startswith(PRIVATE)}
    key = settings.key.get_secret_value()

    def engine(name: str, port: int) -> Part:
        prefix = f"{name.upper()}_"
        own = {
            f"{prefix}LISTEN__HOST": EVERYWHERE,
            f"{prefix}LISTEN__PORT": str(port),
            f"{prefix}LISTEN__KEY": key,
        }
        given = {k: v for k, v in environment.items() if k.startswith(prefix)}
        return Part(
            name,
            (sys.executable, "-m", f"{name}_engine", "serve"),
            shared | given | own,
            port,
            http_ok(port, "/ready"),
            patience=ENGINE_PATIENCE,
            alive=http_ok(port, "/health"),
        )

    made = {
        "whisper": engine("whisper", settings.whisper_port),
        "csm": engine("csm", settings.csm_port),
        "vllm": _vllm(settings, shared | {"VLLM_API_KEY": key}),
    }
    return [made[name] for name in made if name in settings.parts]


def _vllm(settings: Settings, environment: Mapping[str, str]) -> Part:
    """As deploy/vllm runs it, in its own environment of packages where that is installed."""
    ports = ("--port", str(settings.vllm_port), "--ready-port", str(settings.ready_port))
    words = (settings.model, "--host", EVERYWHERE, *ports, *shlex.split(settings.flags))
    path = f"{VLLM / '.venv' / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    return Part(
        "vllm",
        (sys.executable, str(VLLM / "start.py"), *words),
        {**environment, "PATH": path},
        settings.vllm_port,
        http_ok(settings.ready_port, "/ready"),
        patience=VLLM_PATIENCE,
        stop_patience=30.0,
        alive=http_ok(settings.vllm_port, "/health"),
    )


def other_half(settings: Settings, pod: str) -> str:
    """Its .env, but for the key. `pod` is the name by which the proxy knows this one."""
    urls = {
        "whisper": ("STT", settings.whisper_port, ""),
        "csm": ("TTS", settings.csm_port, ""),
        "vllm": ("LLM", settings.vllm_port, "/v1"),
    }
    lines = [
        line
        for name in settings.parts
        for side, port, path in [urls[name]]
        for line in (
            f"AGENT_{side}__URL=https://{pod}-{port}.proxy.runpod.net{path}",
            f"AGENT_{side}__KEY=the value of PARLEY_POD_KEY",
        )
    ]
    return "\n".join([*lines, *[f"AGENT_LLM__MODEL={settings.model}"] * ("vllm" in settings.parts)])


async def run(settings: Settings, environment: Mapping[str, str]) -> None:
    """Until a signal. Raises PartError, in a group."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    parts = build_parts(settings, environment)
    async with Supervisor(parts, folder=ROOT, logs=settings.logs).running():
        pod = environment.get("RUNPOD_POD_ID", "POD")
        sys.stdout.write(f"{other_half(settings, pod)}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> int:
    settings = load_settings(Settings)
    try:
        asyncio.run(run(settings, os.environ))
    except asyncio.CancelledError:
        return 0
    except BaseExceptionGroup as group:
        if group.split(PartError)[1]:
            raise
        say(f"parley: {group.exceptions[0]}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
