"""Two redis under three Sentinels, from the files in deploy/redis."""

import asyncio
import os
import secrets
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import Template
from typing import Any

import yaml

from parley.part import Part
from parley.part_files import program
from parley.probes import HOST
from parley.settings import ROOT
from tests.cluster.node import Node, until

FILES = ROOT / "deploy" / "redis"
MASTER = "parley"
"""As sentinel.conf calls it."""


def filled(name: str, **values: object) -> str:
    return Template((FILES / name).read_text()).substitute(values)


@dataclass(frozen=True)
class _Files:
    folder: Path
    password: str
    master: int

    def redis(self, name: str, port: int, more: str = "") -> Node:
        text = filled(
            "redis.conf",
            REDIS_BIND=HOST,
            REDIS_PORT=port,
            REDIS_DIR=self.folder / name,
            REDIS_PASSWORD=self.password,
        )
        return self._node(name, port, text + more)

    def sentinel(self, name: str, port: int) -> Node:
        text = filled(
            "sentinel.conf",
            SENTINEL_BIND=HOST,
            SENTINEL_PORT=port,
            SENTINEL_DIR=self.folder / name,
            REDIS_MASTER=HOST,
            REDIS_MASTER_PORT=self.master,
            REDIS_PASSWORD=self.password,
        )
        return self._node(name, port, text, "--sentinel")

    def _node(self, name: str, port: int, text: str, *flags: str) -> Node:
        data = self.folder / name
        data.mkdir()
        file = data / "redis.conf"
        file.write_text(text)
        part = Part(
            name,
            (program("redis-server"), str(file), *flags),
            {"PATH": os.environ["PATH"]},
            port,
            partial(says, port, self.password, "PONG", "PING"),
        )
        return Node(part, self.folder)


@dataclass(frozen=True)
class Redis:
    """The first of `nodes` begins as the master."""

    nodes: Sequence[Node]
    sentinels: Sequence[Node]
    password: str

    @classmethod
    def of(cls, folder: Path, ports: Sequence[int], sentinel_ports: Sequence[int]) -> "Redis":
        """Nothing is started yet."""
        password = secrets.token_hex(16)
        first, second = ports
        files = _Files(folder, password, first)
        return cls(
            [
                files.redis("redis-a", first),
                files.redis("redis-b", second, f"replicaof {HOST} {first}\n"),
            ],
            [files.sentinel(f"sentinel-{n}", port) for n, port in enumerate(sentinel_ports, 1)],
            password,
        )

    def for_livekit(self) -> dict[str, Any]:
        """The `redis` of livekit.yaml and bridge.yaml."""
        addresses = {
            f"SENTINEL_{n}": f"{HOST}:{sentinel.part.port}"
            for n, sentinel in enumerate(self.sentinels, 1)
        }
        settings: dict[str, Any] = yaml.safe_load(
            filled("livekit.yaml", REDIS_PASSWORD=self.password, **addresses)
        )["redis"]
        return settings

    async def start(self) -> None:
        """Until one could take the other's place."""
        for node in self.nodes:
            await node.start()
        replica = self.nodes[1].part.port

        linked = partial(
            says, replica, self.password, "master_link_status:up", "INFO", "replication"
        )
        # A Sentinel asks for replicas every 10 s: it had better find this one at once.
        await until(linked, "the replica to have its master's data")
        for sentinel in self.sentinels:
            await sentinel.start()
        for sentinel in self.sentinels:
            await until(partial(self._watches, sentinel.part.port), "Sentinel to agree")

    async def _watches(self, port: int) -> bool:
        agreed = await ask(port, self.password, "SENTINEL", "CKQUORUM", MASTER)
        known = await ask(port, self.password, "SENTINEL", "REPLICAS", MASTER)
        return agreed.startswith("OK 3 ") and str(self.nodes[1].part.port) in known.split()

    async def master(self) -> int:
        """Its port, as the Sentinels say."""
        port = self.sentinels[0].part.port
        answer = await ask(port, self.password, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)
        return int(answer.split()[1])

    async def ask(self, *command: str) -> str:
        """Of the master."""
        return await ask(await self.master(), self.password, *command)


async def ask(port: int, password: str, *command: str) -> str:
    """What redis-cli prints: errors, too."""
    process = await asyncio.create_subprocess_exec(
        *(program("redis-cli"), "-h", HOST, "-p", str(port), *command),
        env={"PATH": os.environ["PATH"], "REDISCLI_AUTH": password},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    answer, _ = await process.communicate()
    return answer.decode().strip()


async def says(port: int, password: str, words: str, *command: str) -> bool:
    return words in await ask(port, password, *command)
