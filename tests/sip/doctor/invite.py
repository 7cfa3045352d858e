"""A caller of one datagram socket: sends an INVITE from an address of its own, and ends what came of it."""

import asyncio
import contextlib
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from sip.doctor.matching import IncomingCall

PATIENCE = 10.0
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


class _Answers(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.final = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _: object) -> None:
        status = int(data.split(b" ", 2)[1]) if data.startswith(b"SIP/2.0") else 0
        if status >= 200 and not self.final.done() and b"INVITE\r\n" in data:
            self.final.set_result((status, data.decode()))


@dataclass
class Ringing:
    """An INVITE that was sent. `final` is its status and the answer, when it has one."""

    call: IncomingCall
    port: int
    transport: asyncio.DatagramTransport
    final: "asyncio.Future[tuple[int, str]]"
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def send(self, method: str, *, branch: str, to: str | None = None, body: str = "") -> None:
        call, own = self.call, self.transport.get_extra_info("sockname")
        uri = f"sip:{call.called}@127.0.0.1:{self.port}"
        number = 2 if method == "BYE" else 1
        self.transport.sendto(
            (
                f"{method} {uri} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {own[0]}:{own[1]};branch=z9hG4bK{branch};rport\r\n"
                f"From: <sip:{call.calling}@{call.from_host or own[0]}>;tag=t{self.id[:8]}\r\n"
                f"To: {to or f'<{uri}>'}\r\n"
                f"Call-ID: {self.id}\r\n"
                f"CSeq: {number} {method}\r\n"
                f"Contact: <sip:test@{own[0]}:{own[1]}>\r\n"
                "Max-Forwards: 10\r\n"
                f"{'Content-Type: application/sdp' if body else 'Subject: none'}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()
        )

    async def finish(self) -> int:
        """When the final answer has come; it is acknowledged, and a call that is up is hung up."""
        async with asyncio.timeout(PATIENCE):
            status, answer = await self.final
        found = re.search(r"^To: (.*)\r$", answer, re.MULTILINE)
        assert found
        up = status < 300
        self.send("ACK", branch=f"{self.id}{'a' if up else ''}", to=found[1])
        if up:
            self.send("BYE", branch=f"{self.id}b", to=found[1])
        return status


@contextlib.asynccontextmanager
async def inviting(call: IncomingCall, port: int) -> AsyncIterator[Ringing]:
    """From `call.source_ip`, an address of this machine, to the bridge on `port`."""
    loop = asyncio.get_running_loop()
    transport, answers = await loop.create_datagram_endpoint(
        _Answers, local_addr=(call.source_ip, 0), remote_addr=("127.0.0.1", port)
    )
    try:
        ringing = Ringing(call, port, transport, answers.final)
        body = _SDP.format(host=call.source_ip)
        ringing.send("INVITE", branch=ringing.id, body=body)
        yield ringing
    finally:
        transport.close()
