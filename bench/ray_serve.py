"""What Ray Serve adds to the first sound: `uv run python -m bench.ray_serve`, on a machine that does nothing else.

The rehearsal voice as a process of its own, behind Serve's own proxy, and behind HAProxy as `deploy/ray/start.py` has
it, all three up at once; they say one sentence in turn. Writes bench/results/ray_serve.json and .md.
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from livekit.plugins.csm_tts.socket import Address, EngineSocket

from bench import record
from csm_engine.protocol import AudioDone, Failed, SessionConfig
from sip.simulate.measure import Spread

DEPLOY = record.ROOT / "deploy" / "ray"
SENTENCE = "We are open until five today."
WARM = 20
"""Sentences each before it counts."""
MOST_ADDED = 0.005
"""Seconds, at p95: the number of the issue."""
ALONE, BEHIND_HAPROXY = "the engine alone", "behind HAProxy"

STARTING = 180.0
ENDING = 150.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def free_pair() -> int:
    """The first of two that follow each other."""
    while True:
        first = free_port()
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", first + 1)):
            return first


@asynccontextmanager
async def process(command: Sequence[str], url: str, settings: dict[str, str]) -> AsyncIterator[str]:
    """`url`, once what the command starts is ready there."""
    started = await asyncio.create_subprocess_exec(
        *command, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(STARTING), aiohttp.ClientSession() as http:
            while not await _ready(http, url):
                if started.returncode is not None:
                    raise RuntimeError(f"{command} ended with {started.returncode}")
                await asyncio.sleep(0.2)
        yield url
    finally:
        if started.returncode is None:
            started.terminate()
            async with asyncio.timeout(ENDING):
                await started.wait()


async def _ready(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(f"{url}/ready") as response:
            return response.ok
    except aiohttp.ClientError:
        return False


@asynccontextmanager
async def bare(key: str) -> AsyncIterator[str]:
    port = free_port()
    settings = {"CSM_LISTEN__PORT": str(port), "CSM_LISTEN__KEY": key}
    command = [sys.executable, "-m", "csm_engine", "serve"]
    async with process(command, f"http://127.0.0.1:{port}", settings) as url:
        yield url


@asynccontextmanager
async def served(key: str, *flags: str) -> AsyncIterator[str]:
    """The voice alone, one replica, by Serve's configuration file but for that."""
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "serve.yaml").read_text())
    config["http_options"]["port"] = port = free_port()
    config["applications"] = [app for app in config["applications"] if app["name"] == "csm"]
    (deployment,) = config["applications"][0]["deployments"]
    del deployment["autoscaling_config"]
    deployment["num_replicas"] = 1
    if "--serves-proxy" in flags:
        del config["applications"][0]["runtime_env"]
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as name:
        path = Path(name) / "serve.yaml"
        path.write_text(yaml.safe_dump(config))
        command = [sys.executable, str(DEPLOY / "start.py"), str(path), *flags]
        command += ["--folder", f"{name}/r", "--port", str(free_pair()), "--cpus", "4"]
        settings = {
            "CSM_LISTEN__KEY": key,
            "RAY_SERVE_HAPROXY_METRICS_PORT": str(free_port()),
            "RAY_SERVE_HAPROXY_STATS_PORT": str(free_port()),
            "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(free_port()),
            "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
        }
        async with process(command, f"http://127.0.0.1:{port}/csm", settings) as url:
            yield url


async def first_sound(engine: EngineSocket, number: int) -> float:
    """Seconds from a sentence on an open socket until its first frame."""
    async with engine.utterance(f"u{number}", lambda _: 0.0) as utterance:
        asked = time.perf_counter()
        await utterance.say(SENTENCE)
        await utterance.finish()
        event = await utterance.receive()
        heard = time.perf_counter() - asked
        assert isinstance(event, bytes), event
        while not isinstance(event, AudioDone | Failed):
            event = await utterance.receive()
        return heard


async def in_turn(engines: Sequence[EngineSocket], times: int) -> list[list[float]]:
    heard: list[list[float]] = [[] for _ in engines]
    for number in range(times + WARM):
        for engine, seconds in zip(engines, heard, strict=True):
            seconds.append(await first_sound(engine, number))
    return [seconds[WARM:] for seconds in heard]


async def measured(times: int) -> dict[str, Spread]:
    key = secrets.token_hex(24)
    async with AsyncExitStack() as stack:
        urls = {
            ALONE: await stack.enter_async_context(bare(key)),
            "behind Serve's own proxy": await stack.enter_async_context(
                served(key, "--serves-proxy")
            ),
            BEHIND_HAPROXY: await stack.enter_async_context(served(key)),
        }
        http = await stack.enter_async_context(aiohttp.ClientSession())
        engines = []
        for url in urls.values():
            engine = await EngineSocket.open(http, Address(url, key), SessionConfig(), timeout=30)
            stack.push_async_callback(engine.aclose)
            engines.append(engine)
        return dict(zip(urls, map(Spread.of, await in_turn(engines, times)), strict=True))


def page(spreads: dict[str, Spread], times: int) -> list[str]:
    alone = spreads[ALONE]
    lines = [
        "# What Ray Serve adds to the first sound",
        f"From a sentence sent on an open socket until its first frame, {times} times each in turn, all three "
        f"up at once. Target: at most {MOST_ADDED * 1000:.0f} ms more at p95 than the engine alone, by HAProxy.",
        "",
        "| rehearsal voice | p50 ms | p95 ms | more at p50 | more at p95 |",
        "|---|---|---|---|---|",
    ]
    for name, spread in spreads.items():
        more = (
            " | "
            if name == ALONE
            else f"{_ms(spread.p50, alone.p50)} | {_ms(spread.p95, alone.p95)}"
        )
        lines.append(f"| {name} | {_ms(spread.p50)} | {_ms(spread.p95)} | {more} |")
    return lines


def _ms(seconds: float | None, less: float | None = 0.0) -> str:
    assert seconds is not None
    assert less is not None
    return f"{(seconds - less) * 1000:.1f}"


async def main(options: argparse.Namespace) -> bool:
    facts = record.started()
    spreads = await measured(options.times)
    body = {"times": options.times, "seconds": {n: vars(s) for n, s in spreads.items()}}
    text, _ = record.write("ray_serve", facts, page(spreads, options.times), body, options.folder)
    print(text)
    added = (spreads[BEHIND_HAPROXY].p95 or 0.0) - (spreads[ALONE].p95 or 0.0)
    return added <= MOST_ADDED


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200, help="sentences each")
    parser.add_argument("--folder", type=Path, default=record.RESULTS, help="where to write")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(not asyncio.run(main(parse())))
