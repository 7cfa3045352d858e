"""Two of each part, on one machine and free ports, before them what docs/cluster.md puts there."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from livekit import api

from parley.door import Door
from parley.livekit import livekit_at
from parley.part import Part
from parley.part_files import program
from parley.parts import build_parts, worker_part
from parley.ports import Ports
from parley.probes import HOST, http_ok
from parley.settings import ROOT, Settings
from sip.simulate.handset import Handset, handset
from sip.simulate.stack import Stack as Line
from tests.cluster.livekit_log import node_id, workers_of
from tests.cluster.node import Node, until
from tests.cluster.redis import Redis
from tests.stack import environment_for, free_block

CALLERS = ("+15550171001", "+15550171002")
TRIES = 20
"""Calls until one is in a room of the wanted node: each of two is as likely."""

HAPROXY = ROOT / "deploy" / "haproxy" / "haproxy.cfg"


@dataclass(frozen=True)
class Cluster:
    """Of two, the first is called a. `astray` is a bridge that calls livekit-server a by its own
    address; it is not started."""

    settings: Settings
    proxy: Node
    redis: Redis
    engines: Sequence[Node]
    servers: Sequence[Node]
    bridges: Sequence[Node]
    workers: Sequence[Node]
    astray: Node

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.proxy.part.port}"

    async def start(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.redis.start())
            for engine in self.engines:
                tasks.create_task(engine.start())
        for node in (*self.servers, self.proxy):
            await node.start()
        await Door(self.settings, self.url).ensure()
        async with asyncio.TaskGroup() as tasks:
            for node in (*self.bridges, *self.workers):
                tasks.create_task(node.start())

    def kill(self) -> None:
        redis = (*self.redis.sentinels, *self.redis.nodes)
        livekit = (*self.bridges, self.astray, self.proxy, *self.servers)
        for node in (*self.workers, *livekit, *self.engines, *redis):
            node.kill()

    def line(self, bridge: Node) -> Line:
        return Line(
            livekit_url=self.url,
            api_key=self.settings.livekit_api_key,
            api_secret=self.settings.livekit_api_secret,
            sip_host=HOST,
            sip_port=bridge.part.port,
            sip_username=self.settings.sip_username,
            sip_password=self.settings.sip_password,
        )

    def call(self, bridge: int, caller: int = 0) -> contextlib.AbstractAsyncContextManager[Handset]:
        """Of one of two callers. Raises CallFailedError when nobody answers."""
        line = self.line(self.bridges[bridge])
        return handset(line, to=self.settings.number, from_=CALLERS[caller])

    async def held(self) -> list[int]:
        """Calls, by worker; one that is down has none."""
        return [await held_by(worker) for worker in self.workers]

    async def idle(self) -> None:
        """A job ends a moment after its call; one whose bridge died, some time after it."""

        async def none() -> bool:
            return sum(await self.held()) == 0

        await until(none, "the workers to hold no call")

    async def has_a_place(self) -> None:
        """A call that comes before would ring, and be given to nobody later."""

        async def some_worker_has() -> bool:
            calls = [await held_by(worker) for worker in self.workers if worker.is_up]
            return 0 in calls

        await until(some_worker_has, "a worker to hold no call")

    async def workers_are_at(self, server: Node) -> None:
        """All that are up."""

        async def all_are() -> bool:
            return len(workers_of(server)) == sum(worker.is_up for worker in self.workers)

        await until(all_are, f"the workers to be at {server.part.name}")

    @contextlib.asynccontextmanager
    async def call_in_a_room_of(self, server: Node, bridge: int) -> AsyncIterator[Handset]:
        """Inside, it is answered."""
        for _ in range(TRIES):
            others = await self._rooms()
            async with self.call(bridge) as phone:
                (room,) = await self._rooms() - others
                if await self.redis.ask("HGET", "room_node_map", room) == node_id(server):
                    yield phone
                    return
            await self.idle()
        raise AssertionError(f"no room came to {server.part.name} in {TRIES} calls")

    async def _rooms(self) -> set[str]:
        async with livekit_at(self.url, self.settings) as livekit:
            listed = await livekit.room.list_rooms(api.ListRoomsRequest())
        return {room.name for room in listed.rooms}

    def admit(self, **policy: object) -> None:
        """From the next call on; nothing is everybody."""
        self.settings.sip_file.write_text(yaml.safe_dump({"admission": policy}))


async def held_by(worker: Node) -> int:
    if not worker.is_up:
        return 0
    url = f"http://{HOST}:{worker.part.port}/calls"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        active: int = (await answer.json())["active"]
        return active


def plan(folder: Path) -> Cluster:
    """Nothing is started yet. Raises BadSettingsError when a program is missing."""
    (folder / "logs").mkdir()
    a, b, c = three_blocks()
    environment = environment_for(
        folder,
        PARLEY_PORT_BASE=str(a.redis),
        PARLEY_SIP_FILE=str(folder / "sip.yaml"),
        # Two calls are then on two workers, whatever chance says.
        AGENT_MAX_CALLS="1",
        AGENT_IDLE_PROCESSES="1",
    )
    settings = Settings.load(environment)
    settings.run_dir.mkdir()
    maker = _Maker(folder / "logs", settings, environment, proxy=c.livekit)
    redis = Redis.of(folder / "logs", (a.redis, b.redis), (c.redis, c.whisper, c.csm))
    return Cluster(
        settings=settings,
        proxy=maker.proxy_before(a.livekit, b.livekit),
        redis=redis,
        engines=[maker.part(name, a) for name in ("whisper", "csm", "scripted")],
        servers=[maker.server(name, ports, redis) for name, ports in (("a", a), ("b", b))],
        bridges=[maker.bridge(name, ports, redis) for name, ports in (("a", a), ("b", b))],
        workers=[maker.worker("a", a, a.worker), maker.worker("b", a, b.worker)],
        astray=maker.bridge("astray", replace(c, livekit=a.livekit), redis, astray=True),
    )


def three_blocks() -> Sequence[Ports]:
    found: dict[int, Ports] = {}
    while len(found) < 3:
        base = free_block()
        found[base] = Ports.block(base)
    return list(found.values())


async def _nothing() -> None:
    """There is nothing to put back: nobody starts again what died."""


@dataclass(frozen=True)
class _Maker:
    """`proxy` is the port by which LiveKit is called."""

    logs: Path
    settings: Settings
    environment: Mapping[str, str]
    proxy: int

    def part(self, name: str, ports: Ports) -> Node:
        parts = build_parts(self.settings, ports, self.environment, _nothing)
        return Node(next(part for part in parts if part.name == name), self.logs)

    def server(self, name: str, ports: Ports, redis: Redis) -> Node:
        node = self.part("livekit-server", ports)
        return self._configured(node, f"livekit-server-{name}", "LIVEKIT_CONFIG", redis)

    def bridge(self, name: str, ports: Ports, redis: Redis, *, astray: bool = False) -> Node:
        """It calls the proxy, unless it is `astray`: then the livekit-server of `ports`."""
        ports = ports if astray else replace(ports, livekit=self.proxy)
        node = self.part("livekit-sip", ports)
        return self._configured(node, f"livekit-sip-{name}", "SIP_CONFIG_BODY", redis)

    def worker(self, name: str, engines: Ports, port: int) -> Node:
        ports = replace(engines, livekit=self.proxy, worker=port)
        part = worker_part(self.settings, ports, self.environment)
        return Node(replace(part, name=f"worker-{name}"), self.logs)

    def proxy_before(self, *servers: int) -> Node:
        a, b = (f"{HOST}:{port}" for port in servers)
        part = Part(
            "haproxy",
            (program("haproxy"), "-db", "-f", str(HAPROXY)),
            {
                "PATH": os.environ["PATH"],
                "LIVEKIT_BIND": f"{HOST}:{self.proxy}",
                "LIVEKIT_A": a,
                "LIVEKIT_B": b,
            },
            self.proxy,
            http_ok(self.proxy, "/"),
        )
        return Node(part, self.logs)

    def _configured(self, node: Node, name: str, variable: str, redis: Redis) -> Node:
        config: dict[str, Any] = json.loads(node.part.environment[variable])
        config["redis"] = redis.for_livekit()
        environment = {**node.part.environment, variable: json.dumps(config)}
        return Node(replace(node.part, name=name, environment=environment), self.logs)
