"""Whether the bridge listens where calls arrive, and has its ports for itself."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from sip.doctor.finding import Finding, Reporter

BRIDGE = "livekit-sip"
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
RESERVED = Path("/proc/sys/net/ipv4/ip_local_reserved_ports")


@dataclass(frozen=True)
class Taken:
    """A UDP port and who has it; None where we may not know."""

    port: int
    by: str | None


async def signalling(
    report: Reporter, host: str, port: int, answers: Callable[[], Awaitable[bool]]
) -> Finding:
    """`answers` sends a SIP request by UDP."""
    if await answers():
        if await _connects(host, port):
            return report.ok(f"SIP answers on {host}:{port}, UDP and TCP")
        return report.failed(
            f"{host}:{port} answers by UDP and not by TCP",
            "see who holds the TCP port (`ss -ltnp`)",
        )
    if holder := next((each.by for each in taken_udp() if each.port == port), None):
        says = f"{holder} has UDP port {port} and does not answer SIP"
        return report.failed(says, f"stop {holder}, or choose another sip_port")
    return report.failed(
        f"nobody answers SIP on {host}:{port}", "start livekit-sip: `make run`, or see its log"
    )


async def _connects(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def taken_udp() -> list[Taken]:
    """On this machine, now."""
    names = dict[int, str]()
    for process in psutil.process_iter(["name"]):
        names[process.pid] = process.info["name"]
    try:
        sockets = psutil.net_connections(kind="udp")
    except psutil.AccessDenied:
        return []
    return [Taken(each.laddr.port, names.get(each.pid or 0)) for each in sockets if each.laddr]


def ephemeral() -> range:
    """Ports that Linux gives to whoever asks for any; empty where that is not known."""
    try:
        first, last = map(int, EPHEMERAL.read_text().split())
        if RESERVED.read_text().strip():
            return range(0)  # whoever reserves ports has thought of it
    except (OSError, ValueError):
        return range(0)
    return range(first, last + 1)


def sound(
    report: Reporter, rtp: range, signalling: int, taken: Iterable[Taken], ephemeral: range
) -> list[Finding]:
    """Whether calls find ports for their sound. Two a call, for RTP takes the even ones."""
    if signalling in rtp:
        return [
            report.failed(
                f"SIP's port {signalling} lies within those of RTP, {_shown(rtp)}",
                "choose other bridge.rtp_ports in sip.yaml",
            )
        ]
    others = [each for each in taken if each.port in rtp and each.by not in {BRIDGE, None}]
    found = [
        report.warning(
            f"{each.by} has UDP port {each.port} of RTP's {_shown(rtp)}",
            "choose bridge.rtp_ports that nobody else uses",
        )
        for each in others[:3]
    ]
    if set(rtp) & set(ephemeral):
        found.append(
            report.warning(
                f"any program may be given a port of RTP's {_shown(rtp)}",
                f"set net.ipv4.ip_local_reserved_ports={_shown(rtp)} by sysctl",
            )
        )
    return found or [report.ok(f"UDP {_shown(rtp)}, room for {len(rtp) // 2} calls")]


def _shown(ports: range) -> str:
    return f"{ports.start}-{ports.stop - 1}"
