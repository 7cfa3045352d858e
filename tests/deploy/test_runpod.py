"""`deploy/runpod/start.py`: the engines with their rehearsal models, and a stand-in for vLLM."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.deploy.test_vllm_start import VLLM
from tests.fakes.processes import ended
from tests.stack import free_block

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
KEY = "a-key-of-a-pod-0123456789"

pytestmark = pytest.mark.timeout(200)


def ports() -> dict[str, str]:
    base = free_block()
    names = ("WHISPER", "CSM", "VLLM", "READY")
    return {f"PARLEY_POD_{name}_PORT": str(base + n) for n, name in enumerate(names)}


@contextlib.asynccontextmanager
async def started(folder: Path, **environment: str) -> AsyncIterator[Process]:
    kept = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "deploy" / "runpod" / "start.py")),
        env={
            **kept,
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "PARLEY_POD_LOGS": str(folder / "logs"),
            "RUNPOD_POD_ID": "abc123xyz",
            **environment,
        },
        stdout=PIPE,
        stderr=PIPE,
    )
    async with ended(process, signal.SIGTERM, patience=PATIENCE):
        yield process


def install_vllm(folder: Path, program: str) -> None:
    file = folder / "vllm"
    file.write_text(program)
    file.chmod(0o755)


async def test_all_three_are_up_behind_the_key_and_the_other_half_is_told_how_to_reach_them(
    tmp_path: Path,
) -> None:
    install_vllm(tmp_path, VLLM.format(python=sys.executable, told=str(tmp_path)))
    (tmp_path / "up").touch()
    chosen = ports()
    async with started(tmp_path, PARLEY_POD_KEY=KEY, **chosen) as process:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            told = (await process.stdout.readuntil(b"AGENT_LLM__MODEL=")).decode()
        for side, name in (("STT", "WHISPER"), ("TTS", "CSM"), ("LLM", "VLLM")):
            port = chosen[f"PARLEY_POD_{name}_PORT"]
            assert f"AGENT_{side}__URL=https://abc123xyz-{port}.proxy.runpod.net" in told
        assert KEY not in told
        for name in ("WHISPER", "CSM"):
            url = f"http://127.0.0.1:{chosen[f'PARLEY_POD_{name}_PORT']}"
            assert await _statuses(url) == (401, 200)
        assert (tmp_path / "key").read_text() == f"Bearer {KEY}"
    assert process.returncode == 0
    for port in chosen.values():
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", int(port))


async def _statuses(url: str) -> tuple[int, int]:
    """Without the key, and with it."""
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{url}/v1/models") as without:
            pass
        async with http.get(
            f"{url}/v1/models", headers={"Authorization": f"Bearer {KEY}"}
        ) as with_key:
            pass
    return without.status, with_key.status


async def test_a_model_that_cannot_start_ends_it_with_what_it_said(tmp_path: Path) -> None:
    install_vllm(tmp_path, "#!/bin/sh\necho no GPU here\nexit 3\n")
    options = {"PARLEY_POD_PARTS": '["vllm"]', "PARLEY_POD_KEY": KEY}
    async with started(tmp_path, **options, **ports()) as process:
        async with asyncio.timeout(PATIENCE):
            _, said = await process.communicate()
    assert process.returncode == 1
    assert "vllm died while starting" in said.decode()
    assert "no GPU here" in said.decode()


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({}, "PARLEY_POD_KEY"),
        ({"PARLEY_POD_KEY": "short"}, "PARLEY_POD_KEY"),
        ({"PARLEY_POD_KEY": KEY, "PARLEY_POD_PART": "csm"}, "no such setting"),
        ({"PARLEY_POD_KEY": KEY, "PARLEY_POD_PARTS": '["mind"]'}, "PARLEY_POD_PARTS"),
    ],
)
async def test_without_a_key_or_with_a_wrong_setting_nothing_is_started(
    tmp_path: Path, environment: dict[str, str], complaint: str
) -> None:
    async with started(tmp_path, **environment) as process:
        async with asyncio.timeout(PATIENCE):
            _, said = await process.communicate()
    assert process.returncode == 2
    assert complaint in said.decode()
    assert KEY not in said.decode()
    assert not (tmp_path / "logs").exists()
