"""A key pressed on a telephone, as RTP carries it (RFC 4733)."""

import struct

from sip.simulate.line import FRAME, KEYS

PAYLOAD = 101
"""The RTP payload type that is offered for keys."""

AT_ONCE = 16
"""Keys that may wait to be sent."""

_EVENT = struct.Struct("!BBH")
_PACKETS = 5
_MARKER, _END = 0x80, 0x80
_VOLUME = 10


def key_packets(key: str) -> list[tuple[int, bytes]]:
    """Payload type, marker included, and payload of each; the last comes three times, as one may be lost."""
    code, whole = KEYS.index(key), FRAME * _PACKETS
    packets = [_EVENT.pack(code, _VOLUME, FRAME * n) for n in range(1, _PACKETS + 1)]
    packets += [_EVENT.pack(code, _END | _VOLUME, whole)] * 3
    return [(PAYLOAD if n else PAYLOAD | _MARKER, packet) for n, packet in enumerate(packets)]
