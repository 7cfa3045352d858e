"""A telephone that is called: it answers, is busy, declines or lets it ring, and tells what it saw on the wire.

SIP over UDP on this machine alone, PCMU both ways. It knows nothing of LiveKit.
"""

import asyncio
import contextlib
import secrets
import struct
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import numpy as np

from sip.simulate.dialog import Inbox
from sip.simulate.g711 import decode, encode
from sip.simulate.keys import AT_ONCE, PAYLOAD, key_packets
from sip.simulate.line import FRAME, Line
from sip.simulate.message import Message, description, listens_at, request
from sip.simulate.speech import RATE, Samples

HOST = "127.0.0.1"

_RTP = struct.Struct("!BBHII")
_PCMU = 0  # its RTP payload type
_PACKET = FRAME / RATE
_OLD = 64 * 2  # requests remembered, so that one that is sent again is not acted on again


@dataclass(frozen=True)
class Manner:
    """`status` is the final response after `rings` seconds; None is none at all.

    Whoever answers says `says`, and hears the rest of the call.
    """

    status: int | None = 200
    phrase: str = "OK"
    rings: float = 0.0
    says: Samples | None = None


ANSWERS = Manner()
BUSY = Manner(486, "Busy Here")
DECLINES = Manner(603, "Decline")
RINGS = Manner(None)


@dataclass(frozen=True)
class Seen:
    """A request that reached the telephone. Numbers are the user parts of `From` and of the address."""

    method: str
    from_: str
    to: str
    at: float
    """Of the event loop's clock."""


class Callee:
    """Open it with `callee`. `manner` may be changed between calls; `line` is that of the last call answered."""

    def __init__(self, manner: Manner, tasks: asyncio.TaskGroup) -> None:
        self.manner = manner
        self.seen: list[Seen] = []
        self.line: Line | None = None
        self._tasks = tasks
        self._keys = asyncio.Queue[str](AT_ONCE)
        self._news = asyncio.Event()
        self._answers: dict[tuple[str, str], bytes] = {}
        self._ringing: dict[str, asyncio.TimerHandle] = {}
        self._talking: asyncio.Task[None] | None = None
        self._invite: Message | None = None
        self._tag = secrets.token_hex(4)
        self._signalling: asyncio.DatagramTransport
        self._sound: asyncio.DatagramTransport
        self._peer: tuple[str, int] = (HOST, 0)

    @property
    def address(self) -> str:
        """Host and port, as a trunk's address."""
        return f"{HOST}:{_port(self._signalling)}"

    def methods(self) -> list[str]:
        return [each.method for each in self.seen]

    async def until(self, method: str) -> Seen:
        """The first request of this method since the telephone is there."""
        while True:
            for each in self.seen:
                if each.method == method:
                    return each
            self._news.clear()
            await self._news.wait()

    async def press(self, key: str) -> None:
        """By RFC 4733; returns when its last packet was sent, or the call is over."""
        self._keys.put_nowait(key)
        sent = asyncio.ensure_future(self._keys.join())
        await asyncio.wait({sent, self._talking or sent}, return_when=asyncio.FIRST_COMPLETED)
        sent.cancel()

    def hang_up(self) -> None:
        """Say BYE, if the call is up."""
        if self._invite is None or self.line is None or self.line.hung_up:
            return
        invite, self._invite = self._invite, None
        contact = invite.get("contact").partition("<")[2].partition(">")[0]
        bye = {
            "via": f"SIP/2.0/UDP {self.address};branch=z9hG4bK{secrets.token_hex(6)}",
            "max-forwards": "70",
            "from": f"{invite.get('to')};tag={self._tag}",
            "to": invite.get("from"),
            "call-id": invite.get("call-id"),
            "cseq": "1 BYE",
        }
        self._signalling.sendto(request("BYE", contact, bye), self._peer)
        self._over()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        ear, _ = await loop.create_datagram_endpoint(lambda: Inbox(self.hear), (HOST, 0))
        door, _ = await loop.create_datagram_endpoint(lambda: Inbox(self.receive), (HOST, 0))
        self._sound, self._signalling = ear, door

    def close(self) -> None:
        self.hang_up()
        for timer in self._ringing.values():
            timer.cancel()
        self._over()
        self._sound.close()
        self._signalling.close()

    def receive(self, data: bytes, peer: tuple[str, int]) -> None:
        """A SIP message."""
        message = Message.parse(data)
        if message.status is not None or not data.strip():
            return
        self._peer = peer
        key = (message.get("via"), message.method)
        if key in self._answers:
            self._signalling.sendto(self._answers[key], peer)
            return
        at = asyncio.get_running_loop().time()
        to = message.start.partition("sip:")[2].partition("@")[0]
        self.seen.append(Seen(message.method, message.user("from"), to, at))
        self._news.set()
        match message.method:
            case "INVITE":
                self._rung(message)
            case "CANCEL":
                self._cancelled(message)
            case "BYE":
                self._answer(message, 200, "OK")
                self._over()
            case "ACK":
                pass
            case _:
                self._answer(message, 200, "OK")

    def hear(self, data: bytes, _: tuple[str, int]) -> None:
        """An RTP packet."""
        if self.line and len(data) > _RTP.size and data[1] & 0x7F == _PCMU:
            samples = decode(np.frombuffer(data, np.uint8, offset=_RTP.size))
            self.line.hear(self.line.now(), samples)

    def _rung(self, invite: Message) -> None:
        self._answer(invite, 180, "Ringing")
        loop, manner = asyncio.get_running_loop(), self.manner
        self._invite = invite
        self._ringing[invite.get("call-id")] = loop.call_later(
            0.0 if manner.status is None else manner.rings, self._decide, invite, manner
        )

    def _decide(self, invite: Message, manner: Manner) -> None:
        match manner.status:
            case None:
                pass
            case 200:
                self._talk(invite, manner)
            case status:
                self._answer(invite, status, manner.phrase)

    def _talk(self, invite: Message, manner: Manner) -> None:
        self.line = Line(asyncio.get_running_loop().time())
        where = listens_at(invite.body)
        self._answer(invite, 200, "OK", description(HOST, _port(self._sound), keys=PAYLOAD))
        self._talking = self._tasks.create_task(self._speak(self.line, where, manner.says))

    async def _speak(self, line: Line, where: tuple[str, int], says: Samples | None) -> None:
        if says is not None:
            self._tasks.create_task(line.say(says))
        source, count, stamp, due = secrets.randbits(32), 0, 0, line.now()
        while True:
            if pressed := not self._keys.empty():
                packets = key_packets(self._keys.get_nowait())
            else:
                packets = [(_PCMU, encode(line.next_frame()).tobytes())]
            began = stamp  # of a key: all its packets have it
            for kind, payload in packets:
                head = _RTP.pack(0x80, kind, count & 0xFFFF, began & 0xFFFFFFFF, source)
                self._sound.sendto(head + payload, where)
                count, stamp, due = count + 1, stamp + FRAME, due + _PACKET
                await asyncio.sleep(max(0.0, due - line.now()))
            if pressed:
                self._keys.task_done()

    def _cancelled(self, cancel: Message) -> None:
        self._answer(cancel, 200, "OK")
        if timer := self._ringing.pop(cancel.get("call-id"), None):
            timer.cancel()
        if self._invite is not None and self._invite.get("call-id") == cancel.get("call-id"):
            self._answer(self._invite, 487, "Request Terminated")
            self._invite = None

    def _over(self) -> None:
        if self.line:
            self.line.drop()
        if self._talking:
            self._talking.cancel()

    def _answer(self, message: Message, status: int, phrase: str, body: str = "") -> None:
        contact = f"<sip:callee@{self.address}>"
        data = message.answer(status, phrase, tag=self._tag, body=body, contact=contact)
        self._answers[message.get("via"), message.method] = data
        if len(self._answers) > _OLD:
            self._answers.pop(next(iter(self._answers)))
        self._signalling.sendto(data, self._peer)


@contextlib.asynccontextmanager
async def callee(manner: Manner = ANSWERS) -> AsyncGenerator[Callee]:
    """A telephone on a free port. Leaving hangs up."""
    async with asyncio.TaskGroup() as tasks:
        phone = Callee(manner, tasks)
        await phone.open()
        try:
            yield phone
        finally:
            phone.close()


def _port(transport: asyncio.DatagramTransport) -> int:
    port: int = transport.get_extra_info("sockname")[1]
    return port
