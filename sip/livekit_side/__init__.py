"""LiveKit's objects of a line: inbound and outbound trunks, and a dispatch rule a number."""

from sip.livekit_side.objects import LOCAL, Rule, Wanted, inbound_trunk, objects_of, rule
from sip.livekit_side.planning import GONE, TRUNK
from sip.livekit_side.side import LiveKitSide, for_line

__all__ = [
    "GONE",
    "LOCAL",
    "TRUNK",
    "LiveKitSide",
    "Rule",
    "Wanted",
    "for_line",
    "inbound_trunk",
    "objects_of",
    "rule",
]
