"""The telephone that is called, spoken to over a socket as RFC 3261 has it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from sip.simulate.callee import ANSWERS, BUSY, RINGS, Callee, Manner, callee
from sip.simulate.g711 import decode, encode
from sip.simulate.keys import PAYLOAD
from sip.simulate.line import FRAME
from sip.simulate.message import Message, description, listens_at, request

THEIRS, OURS = "+12025550123", "+12025550199"
PATIENCE = 10.0
HEADER = 12  # bytes of RTP before the sound


class Bridge(asyncio.DatagramProtocol):
    """Whoever calls it; what comes back is in `messages`."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport

    def datagram_received(self, data: bytes, _: tuple[str, int]) -> None:
        self.messages.put_nowait(data)

    @property
    def port(self) -> int:
        port: int = self.transport.get_extra_info("sockname")[1]
        return port

    async def told(self) -> Message:
        async with asyncio.timeout(PATIENCE):
            return Message.parse(await self.messages.get())

    def ask(self, method: str, *, listens: int = 9, branch: str = "") -> None:
        headers = {
            "Via": f"SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK-{branch or method}",
            "From": f"<sip:{OURS}@127.0.0.1>;tag=ours",
            "To": f"<sip:{THEIRS}@127.0.0.1>",
            "Call-ID": "call",
            "CSeq": f"1 {method}",
            "Contact": f"<sip:bridge@127.0.0.1:{self.port}>",
        }
        whole = request(method, f"sip:{THEIRS}@127.0.0.1", headers)
        if method == "INVITE":
            whole += description("127.0.0.1", listens).encode()
        self.transport.sendto(whole)


@asynccontextmanager
async def called(manner: Manner) -> AsyncIterator[tuple[Callee, Bridge]]:
    async with callee(manner) as phone:
        host, _, port = phone.address.partition(":")
        transport, bridge = await asyncio.get_running_loop().create_datagram_endpoint(
            Bridge, local_addr=("127.0.0.1", 0), remote_addr=(host, int(port))
        )
        bridge.transport = transport
        yield phone, bridge
        bridge.transport.close()


async def test_it_rings_and_answers_and_is_hung_up() -> None:
    async with called(ANSWERS) as (phone, bridge):
        bridge.ask("INVITE")
        assert [(await bridge.told()).status for _ in range(2)] == [180, 200]
        bridge.ask("ACK")
        bridge.ask("BYE")
        assert (await bridge.told()).status == 200
        assert phone.methods() == ["INVITE", "ACK", "BYE"]
        assert (phone.seen[0].from_, phone.seen[0].to) == (OURS, THEIRS)
        assert phone.line is not None
        assert phone.line.hung_up


async def test_an_answer_belongs_to_its_request() -> None:
    async with called(BUSY) as (_, bridge):
        bridge.ask("INVITE")
        ringing, busy = await bridge.told(), await bridge.told()
        assert (busy.start, busy.get("call-id")) == ("SIP/2.0 486 Busy Here", "call")
        assert busy.get("via").endswith("branch=z9hG4bK-INVITE")
        assert busy.get("to") == ringing.get("to")
        assert busy.is_tagged("to")


async def test_a_request_that_is_sent_again_is_answered_again_and_seen_once() -> None:
    async with called(BUSY) as (phone, bridge):
        for _ in range(2):
            bridge.ask("INVITE")
        assert {(await bridge.told()).status for _ in range(3)} == {180, 486}
        assert phone.methods() == ["INVITE"]


async def test_one_that_rings_is_cancelled() -> None:
    async with called(RINGS) as (phone, bridge):
        bridge.ask("INVITE")
        assert (await bridge.told()).status == 180
        bridge.ask("CANCEL")
        assert [(await bridge.told()).status for _ in range(2)] == [200, 487]
        assert (await phone.until("CANCEL")).from_ == OURS


async def test_it_hangs_up() -> None:
    async with called(ANSWERS) as (phone, bridge):
        bridge.ask("INVITE")
        await bridge.told()
        await bridge.told()
        phone.hang_up()
        bye = await bridge.told()
        assert bye.start == f"BYE sip:bridge@127.0.0.1:{bridge.port} SIP/2.0"
        assert (bye.user("to"), bye.get("call-id")) == (OURS, "call")
        assert bye.is_tagged("from")


async def test_both_sides_hear_each_other() -> None:
    tone = (8000 * np.sin(np.arange(20 * FRAME))).astype(np.int16)
    loop = asyncio.get_running_loop()
    transport, ear = await loop.create_datagram_endpoint(Bridge, local_addr=("127.0.0.1", 0))
    ear.transport = transport
    async with called(Manner(says=tone)) as (phone, bridge):
        bridge.ask("INVITE", listens=ear.port)
        await bridge.told()
        where = listens_at((await bridge.told()).body)
        async with asyncio.timeout(PATIENCE):
            packets = [await ear.messages.get() for _ in range(25)]
        heard = np.concatenate(
            [decode(np.frombuffer(packet, np.uint8, offset=HEADER)) for packet in packets]
        )
        assert np.abs(heard).max() > 7000
        ear.transport.sendto(packets[0], where)
        line = phone.line
        assert line is not None
        async with asyncio.timeout(PATIENCE):
            await line.until(lambda: line.heard.samples == FRAME)
    transport.close()


async def test_a_key_is_an_event_beside_the_sound_and_no_call_is_waited_for_in_vain() -> None:
    loop = asyncio.get_running_loop()
    transport, ear = await loop.create_datagram_endpoint(Bridge, local_addr=("127.0.0.1", 0))
    ear.transport = transport
    async with called(ANSWERS) as (phone, bridge), asyncio.timeout(PATIENCE):
        bridge.ask("INVITE", listens=ear.port)
        await bridge.told()
        assert "telephone-event/8000" in (await bridge.told()).body
        await phone.press("5")
        packets = [await ear.messages.get() for _ in range(ear.messages.qsize())]
        events = [packet[HEADER:] for packet in packets if packet[1] & 0x7F == PAYLOAD]
        assert {event[0] for event in events} == {5}
        assert [event[1] >> 7 for event in events] == [0] * 5 + [1] * 3  # the end, thrice
        bridge.ask("BYE")
        await bridge.told()
        await phone.press("6")
    transport.close()


def test_mu_law_is_that_of_g_711() -> None:
    """The decoder's values of table 2a, from the largest to the smallest of each sign."""
    assert decode(np.array([0x80, 0x8F, 0x9F, 0xFE, 0xFF], np.uint8)).tolist() == [
        *(32124, 16764, 8316),
        *(8, 0),
    ]
    every = np.arange(256, dtype=np.uint8)
    again = encode(decode(every))
    assert np.array_equal(np.delete(again, 0x7F), np.delete(every, 0x7F)), "0x7F is -0"


@pytest.mark.parametrize("text", ["", "nonsense", "\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n"])
async def test_what_is_no_request_is_not_answered(text: str) -> None:
    async with called(ANSWERS) as (phone, bridge):
        bridge.transport.sendto(text.encode())
        bridge.ask("OPTIONS")
        assert (await bridge.told()).status == 200
        assert "OPTIONS" in phone.methods()
        assert phone.line is None
