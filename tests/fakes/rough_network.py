"""A second network on this machine, and a rough line to it: two TUN devices, a process between them.

The far device stands in a network namespace of that process. What is killed with it, whatever happens: both devices, the
namespace, and every packet on its way. It runs where one is root and `/dev/net/tun` is there.
"""

import asyncio
import ctypes
import fcntl
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from ipaddress import ip_address, ip_network

from tests.fakes.rough_way import Roughness, Way

STARTING = 20.0
READY = b"ready\n"

TRIALS = ip_network("198.18.0.0/15")
"""Addresses that are kept for trials of networks (RFC 2544)."""

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_CLONE_NEWNET = 0x4000_0000
_IFREQ = struct.Struct("16sH22x")
_LARGEST = 65_535
_OWN_NAMESPACE = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


class NoNetworkError(Exception):
    """There can be none here; the message says why."""


@dataclass(frozen=True)
class RoughNetwork:
    """`near` is an address of this machine as the far side sees it; `far` the far side's own."""

    near: str
    far: str
    pid: int

    def inside(self, *command: str) -> tuple[str, ...]:
        """The command that runs `command` on the far side."""
        return ("nsenter", f"--net={self._namespace}", *command)

    def datagrams(self) -> socket.socket:
        """A UDP socket on the far side, bound to its address; for a caller on this side."""
        with open(self._namespace) as there, open(_OWN_NAMESPACE) as here:
            _checked(_libc.setns(there.fileno(), _CLONE_NEWNET))
            try:
                datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            finally:
                _checked(_libc.setns(here.fileno(), _CLONE_NEWNET))
        datagrams.bind((self.far, 0))
        return datagrams

    @property
    def _namespace(self) -> str:
        return f"/proc/{self.pid}/ns/net"


@asynccontextmanager
async def rough_network(roughness: Roughness, seed: int = 1) -> AsyncIterator[RoughNetwork]:
    """Both ways are as rough as that. Raises NoNetworkError."""
    net = ip_address(int(TRIALS.network_address) + 4 * random.randrange(TRIALS.num_addresses // 4))
    near, far = str(net + 1), str(net + 2)
    told = json.dumps({"near": near, "far": far, "seed": seed} | asdict(roughness))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.rough_network", told),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(STARTING):
            if await process.stdout.readline() != READY:
                *_, last = (await process.stderr.read()).decode().splitlines() or ["no reason"]
                raise NoNetworkError(f"there can be no second network here: {last}")
        yield RoughNetwork(near, far, process.pid)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def _main(near: str, far: str, seed: int, **roughness: float) -> None:
    """Until standard input ends."""
    name = f"rough{os.getpid() % 1_000_000:x}"
    here = _device(f"{name}a", near, far)
    _checked(_libc.unshare(_CLONE_NEWNET))
    _ip("link", "set", "lo", "up")
    there = _device(f"{name}b", far, near)
    sys.stdout.write(READY.decode())
    sys.stdout.flush()
    kind = Roughness(**roughness)
    _forward({here: (Way(kind, seed), there), there: (Way(kind, seed + 1), here)})


def _forward(ways: dict[int, tuple[Way, int]]) -> None:
    """From each device by its way to the other."""
    waits = select.poll()
    for source in (*ways, sys.stdin.fileno()):
        waits.register(source, select.POLLIN)
    while True:
        now = time.monotonic()
        for way, target in ways.values():
            for packet in way.take(now):
                os.write(target, packet)
        due = [way.next_due for way, _ in ways.values() if way.next_due is not None]
        patience = max(0.0, min(due) - time.monotonic()) if due else None
        for source, _ in waits.poll(None if patience is None else 1000 * patience):
            if source not in ways:
                return
            ways[source][0].put(os.read(source, _LARGEST), time.monotonic())


def _device(name: str, own: str, other: str) -> int:
    """A TUN device that is up, in the network where this process is now."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, _TUNSETIFF, _IFREQ.pack(name.encode(), _IFF_TUN | _IFF_NO_PI))
    _ip("address", "add", own, "peer", other, "dev", name)
    _ip("link", "set", name, "up")
    return device


def _ip(*arguments: str) -> None:
    done = subprocess.run(("ip", *arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {arguments[0]}: {done.stderr.strip()}")


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    _main(**json.loads(sys.argv[1]))
