"""What is no SIP, or bad SIP, as it comes to every open port."""

import random

_HEAD = (
    "INVITE sip:+15550100@127.0.0.1 SIP/2.0",
    "Via: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKbad;rport",
    "From: <sip:+15550170077@127.0.0.1>;tag=bad",
    "To: <sip:+15550100@127.0.0.1>",
    "Call-ID: bad",
    "CSeq: 1 INVITE",
    "Contact: <sip:bad@127.0.0.1:5999>",
    "Max-Forwards: 70",
    "Content-Type: application/sdp",
)
_BODY = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"

_MOST = 65_000
"""Bytes; a datagram takes hardly more."""


def _message(*lines: str, body: str = _BODY, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return "\r\n".join([*lines, f"Content-Length: {size}", "", body]).encode()


def _without(name: str) -> bytes:
    return _message(*(line for line in _HEAD if not line.startswith(name)))


def _instead(name: str, value: str) -> bytes:
    kept = (line for line in _HEAD if not line.startswith(name))
    return _message(*kept, f"{name}: {value}")


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "newlines": b"\r\n\r\n",
    "noise": random.Random(1).randbytes(1200),
    "zeros": bytes(1200),
    "half a start line": b"INVITE sip:",
    "truncated": _message(*_HEAD)[:200],
    "an end in the SDP": _message(*_HEAD)[:-40],
    "a body that is longer than it is said to be": _message(*_HEAD, length=5),
    "a body that is shorter than it is said to be": _message(*_HEAD, length=5000),
    "a negative length": _message(*_HEAD, length=-1),
    **{f"no {name}": _without(name) for name in ("Via", "From", "To", "Call-ID", "CSeq")},
    "no Contact": _without("Contact"),
    "a CSeq of words": _instead("CSeq", "one INVITE"),
    "a CSeq that overflows": _instead("CSeq", "99999999999999999999 INVITE"),
    "a Via of another world": _instead("Via", "SIP/9.9/PIGEON ;;;;=,"),
    "an endless header": _message(*_HEAD, f"X-Long: {'a' * (_MOST - 1000)}"),
    "a thousand Vias": _message(*_HEAD, *["Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx"] * 1000),
    "SDP that is none": _message(*_HEAD, body="v=0\r\nm=audio\r\n"),
    "an unknown method": _message("HELLO sip:a@b SIP/2.0", *_HEAD[1:]),
    "an unknown version": _message("INVITE sip:a@b SIP/7.0", *_HEAD[1:]),
    "a response to nothing": b"SIP/2.0 200 OK\r\n\r\n",
    "a status of words": b"SIP/2.0 fine OK\r\n\r\n",
    "a BYE to nobody": _message("BYE sip:a@b SIP/2.0", *_HEAD[1:5], "CSeq: 2 BYE", body=""),
    "a REFER to nobody": _message("REFER sip:a@b SIP/2.0", *_HEAD[1:5], "CSeq: 2 REFER", body=""),
}
