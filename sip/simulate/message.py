"""SIP messages and their SDP, as far as a telephone on this machine needs them (RFC 3261, 4566)."""

import re
from dataclasses import dataclass
from typing import Self

_USER = re.compile(r"sips?:([^@;>]*)@")
_TAG = re.compile(r";tag=([^;\s]+)")
_ECHOED = ("via", "from", "to", "call-id", "cseq", "record-route")
_SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}


@dataclass(frozen=True)
class Message:
    """`start` is the request or status line. Names of headers are in small letters."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        headers = []
        for line in lines:
            name, _, value = line.partition(":")
            short = name.strip().lower()
            headers.append((_SHORT.get(short, short), value.strip()))
        return cls(start, tuple(headers), body)

    @property
    def method(self) -> str:
        """Of a request; `SIP/2.0` of a response."""
        return self.start.partition(" ")[0]

    @property
    def status(self) -> int | None:
        """Of a response."""
        return int(self.start.split(" ")[1]) if self.method == "SIP/2.0" else None

    def get(self, name: str) -> str:
        """The first of this name, or an empty string."""
        return next((value for known, value in self.headers if known == name), "")

    def user(self, name: str) -> str:
        """The user part of the address in a header, a number as a rule."""
        found = _USER.search(self.get(name))
        return found[1] if found else ""

    def is_tagged(self, name: str) -> bool:
        return bool(_TAG.search(self.get(name)))

    def answer(
        self, status: int, phrase: str, *, tag: str = "", body: str = "", **more: str
    ) -> bytes:
        """The response to this request. `tag` is ours, for `To`."""
        lines = [f"SIP/2.0 {status} {phrase}"]
        for name, value in self.headers:
            if name in _ECHOED:
                tagged = name == "to" and tag and not self.is_tagged("to")
                lines.append(f"{name}: {value}{f';tag={tag}' if tagged else ''}")
        return _written(lines, body, more)


def request(method: str, uri: str, headers: dict[str, str], body: str = "") -> bytes:
    """`body` is SDP, unless `headers` say what it is."""
    return _written([f"{method} {uri} SIP/2.0"], body, headers)


def description(host: str, port: int, *, keys: int | None = None) -> str:
    """SDP: we listen there, to PCMU alone, and to keys under that payload type."""
    kinds = "0" if keys is None else f"0 {keys}"
    named = () if keys is None else (f"a=rtpmap:{keys} telephone-event/8000", f"a=fmtp:{keys} 0-15")
    lines = (
        "v=0",
        f"o=- 1 1 IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {kinds}",
        "a=rtpmap:0 PCMU/8000",
        *named,
        "a=ptime:20",
        "a=sendrecv",
        "",
    )
    return "\r\n".join(lines)


def listens_at(offer: str) -> tuple[str, int]:
    """Of SDP: the host and port where the other side listens."""
    lines = offer.splitlines()
    host = next(line.split()[-1] for line in lines if line.startswith("c="))
    port = next(line.split()[1] for line in lines if line.startswith("m=audio"))
    return host, int(port)


def _written(lines: list[str], body: str, more: dict[str, str]) -> bytes:
    if body:
        more = {"content-type": "application/sdp"} | more
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    lines += [f"content-length: {len(body.encode())}", "", body]
    return "\r\n".join(lines).encode()
