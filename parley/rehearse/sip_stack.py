"""A stack for rehearsals: `parley up` of this checkout, with ports, keys and a folder of its own.

Whatever else runs on the machine is left alone, and nothing of it is called.
"""

import asyncio
import contextlib
import json
import random
import secrets
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from parley.ports import Ports
from parley.probes import is_free
from parley.rehearse.sip_mind import Minds
from parley.rehearse.sip_plan import Plan
from parley.settings import BLOCK, ROOT
from parley.simulate import NotRunningError
from sip.simulate.stack import Stack

STARTING = 900.0
"""Seconds: an engine may load a model first."""
STOPPING = 40.0
LOOK = 0.1
OWN = ("PARLEY_", "LIVEKIT_", "TWILIO_", "SCRIPTED_", "AGENT_LLM__")
"""Settings of the user's that are the stack's own here."""
MIND_KEY = "AGENT_LLM__KEY"


@dataclass(frozen=True)
class OwnStack:
    """While it runs. `log` is the worker's."""

    line: Stack
    log: Path
    speech: tuple[str, SecretStr]
    """Address and key of the voice's engine."""


@contextlib.asynccontextmanager
async def own_stack(
    plan: Plan, minds: Minds, environment: Mapping[str, str]
) -> AsyncGenerator[OwnStack]:
    """Inside, calls can be made. Engines and their settings are those of `environment`.

    Raises NotRunningError.
    """
    own = _environment(plan, minds, environment)
    said = plan.folder / "terminal"
    with said.open("wb") as terminal:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "parley", "up"),
            env=own,
            cwd=ROOT,
            stdin=DEVNULL,
            stdout=terminal,
            stderr=STDOUT,
            start_new_session=True,  # Ctrl-C is ours: we hang up first
        )
    try:
        run_dir = Path(own["PARLEY_RUN_DIR"])
        facts = await _up(process, run_dir / "stack.json", said)
        line = Stack(
            livekit_url=facts["livekit_url"],
            api_key=own["LIVEKIT_API_KEY"],
            api_secret=SecretStr(own["LIVEKIT_API_SECRET"]),
            sip_host=facts["sip_host"],
            sip_port=facts["sip_port"],
            sip_username=own["PARLEY_SIP_USERNAME"],
            sip_password=SecretStr(own["PARLEY_SIP_PASSWORD"]),
        )
        yield OwnStack(line, run_dir / "logs" / "worker.log", _speech(own))
    finally:
        await asyncio.shield(_stopped(process))


async def _up(process: Process, file: Path, said: Path) -> dict[str, Any]:
    """stack.json, once it is there."""
    ended = asyncio.ensure_future(process.wait())
    try:
        async with asyncio.timeout(STARTING):
            while (facts := _facts(file)) is None:
                await asyncio.wait({ended}, timeout=LOOK)
                if ended.done():
                    raise NotRunningError(f"the stack ended while starting: {_last_words(said)}")
    except TimeoutError:
        raise NotRunningError(f"the stack is not up after {STARTING:.0f} s") from None
    finally:
        ended.cancel()
    return facts


def _facts(file: Path) -> dict[str, Any] | None:
    try:
        facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return facts


def _last_words(said: Path) -> str:
    lines = said.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "nothing was said")


async def _stopped(process: Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(STOPPING):
            await process.wait()
    except TimeoutError:
        process.send_signal(signal.SIGINT)  # the second one kills what is left
        await process.wait()


def _environment(plan: Plan, minds: Minds, given: Mapping[str, str]) -> dict[str, str]:
    (plan.folder / "env").touch(mode=0o600)
    engines = {key: value for key, value in given.items() if not key.startswith(OWN)}
    return {
        "AGENT_IDLE_PROCESSES": "2",
        **engines,
        "AGENT_PERSONAS": str(plan.personas),
        "AGENT_LLM__URL": minds.url,
        MIND_KEY: minds.key.get_secret_value(),
        "WHISPER_PHRASES": str(plan.phrases),
        "PARLEY_ENV_FILE": str(plan.folder / "env"),
        "PARLEY_RUN_DIR": str(plan.folder / "run"),
        "PARLEY_SIP_FILE": str(plan.folder / "no-sip.yaml"),
        "PARLEY_PERSONA": next(iter(plan.parts.values())).persona,
        "PARLEY_PORT_BASE": str(_free_block()),
        "PARLEY_SIP_USERNAME": "rehearsal",
        "PARLEY_SIP_PASSWORD": secrets.token_hex(12),
        "PARLEY_ENGINE_KEY": secrets.token_hex(24),
        "LIVEKIT_API_KEY": "APIrehearsal",
        "LIVEKIT_API_SECRET": secrets.token_hex(24),
    }


def _speech(own: Mapping[str, str]) -> tuple[str, SecretStr]:
    if url := own.get("AGENT_TTS__URL"):
        return url, SecretStr(own.get("AGENT_TTS__KEY", ""))
    port = Ports.chosen(int(own["PARLEY_PORT_BASE"])).csm
    return f"http://127.0.0.1:{port}", SecretStr(own["PARLEY_ENGINE_KEY"])


def _free_block() -> int:
    """Below the ports that Linux gives to whoever asks for any."""
    for _ in range(100):
        base = random.randrange(11_000, 32_000, BLOCK)
        block = Ports.block(base)
        if all(is_free(port, socket.SOCK_STREAM) for port in (base, block.sip, block.worker)):
            return base
    raise NotRunningError("there are no 500 free ports between 11000 and 32500")
