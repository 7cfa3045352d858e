"""Whether the way in leads to this machine, and whether callers are told where their sound may go."""

import asyncio
import secrets
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

import psutil

from sip.doctor.finding import Finding, Reporter

STUN_SERVERS = (("stun.l.google.com", 19302), ("stun.cloudflare.com", 3478))
"""Whom livekit-sip would ask as well; the first to answer is believed."""

_SET_PUBLIC_IP = (
    "set bridge.public_ip in sip.yaml to the public address, or to auto; then `parley sip apply`"
)

_COOKIE = 0x2112A442
_BINDING = 0x0001
_BOUND = 0x0101
_XOR_MAPPED = 0x0020
_HEADER = struct.Struct("!HHI12s")
_PATIENCE = 1.5


@dataclass(frozen=True)
class Addresses:
    """`public` is None where no server told it."""

    resolved: frozenset[IPv4Address]
    own: frozenset[IPv4Address]
    public: IPv4Address | None


async def look_up(host: str, servers: Sequence[tuple[str, int]] = STUN_SERVERS) -> Addresses:
    """Of `host` and of this machine."""
    async with asyncio.TaskGroup() as group:
        resolved = group.create_task(_resolve(host))
        public = group.create_task(public_address(servers))
    return Addresses(resolved.result(), own_addresses(), public.result())


async def _resolve(host: str) -> frozenset[IPv4Address]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, family=socket.AF_INET)
    except (OSError, UnicodeError):  # the latter for a label of over 63 letters
        return frozenset()
    return frozenset(IPv4Address(address[0]) for *_, address in found)


def own_addresses() -> frozenset[IPv4Address]:
    """Of this machine's interfaces."""
    known = (each for some in psutil.net_if_addrs().values() for each in some)
    return frozenset(IPv4Address(each.address) for each in known if each.family is socket.AF_INET)


async def public_address(servers: Sequence[tuple[str, int]] = STUN_SERVERS) -> IPv4Address | None:
    """As the first of `servers` sees it that answers (STUN, RFC 8489)."""
    asked = [asyncio.create_task(_ask(host, port)) for host, port in servers]
    try:
        for answer in asyncio.as_completed(asked, timeout=_PATIENCE):
            if address := await answer:
                return address
    except TimeoutError:
        return None
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    return None


async def _ask(host: str, port: int) -> IPv4Address | None:
    loop = asyncio.get_running_loop()
    call = secrets.token_bytes(12)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.setblocking(False)
        try:
            found = await loop.getaddrinfo(host, port, family=socket.AF_INET)
            datagram.connect(found[0][-1])
            await loop.sock_sendall(datagram, _HEADER.pack(_BINDING, 0, _COOKIE, call))
            return mapped_address(await loop.sock_recv(datagram, 1024), call)
        except OSError:
            return None


def mapped_address(answer: bytes, call: bytes) -> IPv4Address | None:
    """The XOR-MAPPED-ADDRESS of a STUN answer to the request `call`; None for anything else."""
    try:
        kind, length, cookie, of = _HEADER.unpack_from(answer)
        if (kind, cookie, of) != (_BOUND, _COOKIE, call):
            return None
        at, end = _HEADER.size, _HEADER.size + length
        while at < end:
            attribute, size = struct.unpack_from("!HH", answer, at)
            if attribute == _XOR_MAPPED:
                family, _, address = struct.unpack_from("!HHI", answer, at + 4)
                return IPv4Address(address ^ _COOKIE) if family == 1 else None
            at += 4 + size + -size % 4
    except struct.error:
        return None
    return None


def way_in(report: Reporter, host: str, known: Addresses) -> Finding:
    """Whether Twilio's calls to `host` come to this machine."""
    if not known.resolved:
        return report.failed(
            f"{host} has no address", "make an A record for it, or mend public_host in sip.yaml"
        )
    shown = ", ".join(map(str, sorted(known.resolved)))
    if hidden := [each for each in known.resolved if not each.is_global]:
        return report.failed(
            f"{host} is {hidden[0]}, which nobody outside can reach",
            "give public_host in sip.yaml the public name or address",
        )
    here = known.own | ({known.public} if known.public else set())
    if known.resolved <= here:
        return report.ok(f"{host} is {shown}, this machine")
    if known.public is None:
        return _unknown(report, f"{host} is {shown}; whether that is here is unknown")
    return report.failed(
        f"{host} is {shown}, and this machine is {known.public}",
        f"point its A record to {known.public}, or run this where the calls arrive",
    )


def told_to_callers(report: Reporter, public_ip: str, known: Addresses) -> Finding:
    """Whether sound comes back by the address in our SDP; `auto` is found out by livekit-sip."""
    if public_ip == "auto":
        if known.public is None:
            return _unknown(report, "livekit-sip is to ask for its public address itself")
        return report.ok(f"{known.public}, found out by livekit-sip itself")
    try:
        return _told(report, IPv4Address(public_ip), known)
    except ValueError:
        return report.failed(f"{public_ip} is no address", _SET_PUBLIC_IP)


def _told(report: Reporter, advertised: IPv4Address, known: Addresses) -> Finding:
    if not advertised.is_global:
        return report.failed(
            f"callers are told to send their sound to {advertised}, which they cannot reach",
            _SET_PUBLIC_IP,
        )
    if advertised in known.own or advertised == known.public:
        return report.ok(f"{advertised}")
    if known.public is None:
        return _unknown(report, f"{advertised}; whether that is here is unknown")
    return report.failed(
        f"callers are told {advertised}, and this machine is {known.public}: they would hear nothing",
        f"set bridge.public_ip in sip.yaml to {known.public}, or to auto; then `parley sip apply`",
    )


def _unknown(report: Reporter, says: str) -> Finding:
    return report.warning(
        f"{says}: no STUN server answered",
        f"allow UDP to {STUN_SERVERS[0][0]}:{STUN_SERVERS[0][1]}, or set bridge.public_ip in sip.yaml",
    )
