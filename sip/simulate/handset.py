"""A telephone that calls and does what others do not: it holds and retrieves, takes or refuses a REFER, presses keys.

SIP over UDP, PCMU both ways. It knows nothing of LiveKit.
"""

import asyncio
import contextlib
import secrets
import struct
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sip.simulate.dialog import Dialog, Sockets
from sip.simulate.g711 import decode, encode
from sip.simulate.group import one_failure
from sip.simulate.keys import AT_ONCE, PAYLOAD, key_packets
from sip.simulate.line import FRAME, KEYS, Line
from sip.simulate.message import Message, listens_at
from sip.simulate.speech import RATE
from sip.simulate.stack import Stack

Direction = Literal["sendrecv", "sendonly", "inactive"]

_RTP = struct.Struct("!BBHII")
_PCMU = 0  # its RTP payload type
_PACKET = FRAME / RATE


@dataclass
class Handset(Line):
    """Open it with `handset`. Keys that the other side pressed are in `keys_heard`."""

    dialog: Dialog = field(kw_only=True)
    sends: bool = True
    """Packets; the telephone that holds sends none."""

    def __post_init__(self) -> None:
        self._version = 0
        self._keys = asyncio.Queue[str](AT_ONCE)
        self._event_stamp = -1
        self._sound: asyncio.DatagramTransport
        self._there: tuple[str, int] | None = None

    async def dial(self) -> None:
        """Raises CallFailedError when the call is refused or not answered."""
        self._sound = await self.dialog.endpoint(self._receive)
        await self.dialog.open()
        self.dialled_at = self.now()
        self._there = listens_at(await self.dialog.connect(self._offer("sendrecv")))
        self.answered_at = self.now()

    async def hang_up(self) -> None:
        if self.answered_at and not self.hung_up:
            self.drop()
            await self.dialog.bye()

    def close(self) -> None:
        self.drop()
        self._sound.close()
        self.dialog.close()

    async def hold(self, direction: Direction) -> Message:
        """By a re-INVITE, whose response is returned; then nothing is sent."""
        response = await self.dialog.invite(self._offer(direction))
        self.sends = False
        return response

    async def retrieve(self) -> Message:
        response = await self.dialog.invite(self._offer("sendrecv"))
        self.sends = True
        return response

    async def press(self, key: str) -> None:
        """By RFC 4733; returns when its last packet was sent."""
        self._keys.put_nowait(key)
        await self._keys.join()

    async def speak(self) -> None:
        """Send sound and keys, for ever."""
        source, count, stamp, due = secrets.randbits(32), 0, 0, self.now()
        while True:
            pressed = not self._keys.empty()
            packets = key_packets(self._keys.get_nowait()) if pressed else [self._talk()]
            began = stamp  # of a key: all its packets have it
            for kind, payload in packets:
                head = _RTP.pack(0x80, kind, count & 0xFFFF, began & 0xFFFFFFFF, source)
                if self.sends and self._there:
                    self._sound.sendto(head + payload, self._there)
                    count += 1
                stamp += FRAME
                due += _PACKET
                await asyncio.sleep(max(0.0, due - self.now()))
            if pressed:
                self._keys.task_done()

    def _talk(self) -> tuple[int, bytes]:
        frame = self.next_frame()
        self.sent.add(self.now(), frame)
        return _PCMU, encode(frame).tobytes()

    def _receive(self, data: bytes, _: tuple[str, int]) -> None:
        if len(data) <= _RTP.size:
            return
        kind, stamp = data[1] & 0x7F, _RTP.unpack_from(data)[3]
        if kind == _PCMU:
            self.hear(self.now(), decode(np.frombuffer(data, np.uint8, offset=_RTP.size)))
        elif kind == PAYLOAD and stamp != self._event_stamp:
            self._event_stamp = stamp
            self.keys_heard += KEYS[data[_RTP.size]]

    def _offer(self, direction: Direction) -> str:
        self._version += 1
        port = self._sound.get_extra_info("sockname")[1]
        lines = (
            "v=0",
            f"o=- 1 {self._version} IN IP4 {self.dialog.host}",
            "s=-",
            f"c=IN IP4 {self.dialog.host}",
            "t=0 0",
            f"m=audio {port} RTP/AVP {_PCMU} {PAYLOAD}",
            f"a=rtpmap:{_PCMU} PCMU/8000",
            f"a=rtpmap:{PAYLOAD} telephone-event/8000",
            f"a=fmtp:{PAYLOAD} 0-15",
            "a=ptime:20",
            f"a={direction}",
            "",
        )
        return "\r\n".join(lines)


@contextlib.asynccontextmanager
async def handset(
    stack: Stack, *, to: str, from_: str, sockets: Sockets | None = None
) -> AsyncGenerator[Handset]:
    """Like `caller.call`. `sockets` are its own where they are not of this machine's network.

    Raises CallFailedError when nobody answers.
    """
    dialog = Dialog(stack, to, from_, sockets)
    phone = Handset(asyncio.get_running_loop().time(), dialog=dialog)
    dialog.over = phone.drop
    with one_failure():
        async with asyncio.TaskGroup() as tasks:
            speaking = tasks.create_task(phone.speak())
            try:
                await phone.dial()
                yield phone
                await phone.hang_up()
            finally:
                speaking.cancel()
                phone.close()
