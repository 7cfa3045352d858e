"""The firewall's rules for a line: SIP from Twilio's signalling, RTP from its media, no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sip.line import Line
from sip.twilio_networks import MEDIA, SIGNALLING

Firewall = Literal["nftables", "ufw"]


@dataclass(frozen=True)
class Opening:
    """A port, or a range as 10000-19999, of ours, and who may reach it (CIDR)."""

    protocol: Literal["udp", "tcp"]
    ports: str
    sources: Sequence[str]


def openings(line: Line) -> list[Opening]:
    """What Twilio must reach."""
    bridge = line.bridge
    signalling = [str(network) for network in SIGNALLING.values()]
    sip = (
        Opening("tcp", str(bridge.tls_port), signalling)
        if line.transport == "tls"
        else Opening(line.transport, str(bridge.sip_port), signalling)
    )
    return [sip, Opening("udp", bridge.rtp_ports, [str(MEDIA)])]


def render(line: Line, firewall: Firewall) -> str:
    """Commands or a file, to be looked at and then run by the owner of the machine."""
    return _nftables(line) if firewall == "nftables" else _ufw(line)


def _ufw(line: Line) -> str:
    """ufw refuses by default, so what is not allowed is closed."""
    return "".join(
        f"ufw allow proto {opening.protocol} from {source} to any "
        f"port {opening.ports.replace('-', ':')} comment '{line.title}'\n"
        for opening in openings(line)
        for source in opening.sources
    )


def _nftables(line: Line) -> str:
    """A table of its own, which closes livekit-sip's ports to others and touches no other port."""
    bridge = line.bridge
    accepted = "".join(
        f"    ip saddr {{ {', '.join(opening.sources)} }} "
        f"{opening.protocol} dport {opening.ports} accept\n"
        for opening in openings(line)
    )
    table = f"inet parley_{line.name.replace('-', '_')}"
    return f"""\
# Load with: nft -f FILE
table {table}
delete table {table}
table {table} {{
  chain input {{
    type filter hook input priority filter; policy accept;
    iif lo accept
    ct state established,related accept
{accepted}\
    tcp dport {{ {bridge.sip_port}, {bridge.tls_port} }} drop
    udp dport {{ {bridge.sip_port}, {bridge.rtp_ports} }} drop
  }}
}}
"""
