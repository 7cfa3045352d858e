"""An engine of one's own, as a process of its own, for as long as it is wanted."""

import asyncio
import contextlib
import os
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from parley_serving.server import open_listener

START_SECONDS = 120.0
_POLL = 0.05


class EngineError(Exception):
    """The engine did not start."""


@dataclass(frozen=True)
class Engine:
    url: str
    pid: int


@contextlib.asynccontextmanager
async def engine(settings: Mapping[str, str]) -> AsyncIterator[Engine]:
    """`settings` are variables of its environment, without their prefix. Raises EngineError."""
    with open_listener("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
    environment = {f"WHISPER_{name}": value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "whisper_engine", "serve"),
        env=os.environ | environment | {"WHISPER_LISTEN__PORT": str(port)},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await _until_ready(url, process)
        yield Engine(url, process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _until_ready(url: str, process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                if await asyncio.to_thread(_is_ready, url):
                    return
                await asyncio.sleep(_POLL)
    raise EngineError("the engine did not start: it says why above")


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "/ready", timeout=START_SECONDS):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False
