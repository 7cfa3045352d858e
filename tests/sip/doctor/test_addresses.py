"""Where the way in leads, and what callers are told."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.doctor.addresses import (
    Addresses,
    look_up,
    mapped_address,
    public_address,
    told_to_callers,
    way_in,
)
from sip.doctor.finding import Reporter, Verdict

REPORT = Reporter("addresses")
HOST = "sip.example.org"
PUBLIC, OTHER = IPv4Address("198.41.0.4"), IPv4Address("199.9.14.201")
INSIDE = IPv4Address("10.0.0.5")
COOKIE = 0x2112A442


def known(
    *resolved: IPv4Address, own: IPv4Address = INSIDE, public: IPv4Address | None = PUBLIC
) -> Addresses:
    return Addresses(frozenset(resolved), frozenset({own}), public)


@pytest.mark.parametrize(
    ("addresses", "verdict", "says"),
    [
        (known(PUBLIC), Verdict.OK, "this machine"),
        (known(PUBLIC, own=PUBLIC, public=None), Verdict.OK, "this machine"),
        (known(), Verdict.FAILED, "no address"),
        (known(INSIDE), Verdict.FAILED, "nobody outside"),
        (known(OTHER), Verdict.FAILED, f"this machine is {PUBLIC}"),
        (known(PUBLIC, OTHER), Verdict.FAILED, f"this machine is {PUBLIC}"),
        (known(OTHER, public=None), Verdict.WARNING, "no STUN server"),
    ],
)
def test_the_way_in_leads_to_this_machine(
    addresses: Addresses, verdict: Verdict, says: str
) -> None:
    found = way_in(REPORT, HOST, addresses)
    assert found.verdict is verdict
    assert says in found.says
    assert (found.fix is None) == (verdict is Verdict.OK)


@pytest.mark.parametrize(
    ("advertised", "addresses", "verdict", "says"),
    [
        ("auto", known(PUBLIC), Verdict.OK, str(PUBLIC)),
        ("auto", known(PUBLIC, public=None), Verdict.WARNING, "no STUN server"),
        ("999.1.1.1", known(PUBLIC), Verdict.FAILED, "no address"),
        (PUBLIC, known(PUBLIC), Verdict.OK, str(PUBLIC)),
        (INSIDE, known(PUBLIC), Verdict.FAILED, "cannot reach"),
        (OTHER, known(PUBLIC), Verdict.FAILED, "hear nothing"),
        (OTHER, known(PUBLIC, public=None), Verdict.WARNING, "unknown"),
        (OTHER, known(PUBLIC, own=OTHER), Verdict.OK, str(OTHER)),
    ],
)
def test_callers_are_told_the_address_that_sound_comes_by(
    advertised: IPv4Address | str, addresses: Addresses, verdict: Verdict, says: str
) -> None:
    found = told_to_callers(REPORT, str(advertised), addresses)
    assert found.verdict is verdict
    assert says in found.says


def answer(call: bytes, address: IPv4Address, *before: tuple[int, bytes]) -> bytes:
    """A STUN answer with other attributes before the one that counts."""
    mapped = struct.pack("!HHI", 1, 0, int(address) ^ COOKIE)
    body = b"".join(
        struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)
        for kind, value in (*before, (0x20, mapped))
    )
    return struct.pack("!HHI12s", 0x0101, len(body), COOKIE, call) + body


CALL = b"c" * 12


@given(st.ip_addresses(v=4), st.binary(max_size=9))
def test_the_address_is_found_behind_other_attributes(address: IPv4Address, other: bytes) -> None:
    assert mapped_address(answer(CALL, address, (0x8022, other)), CALL) == address


@given(st.binary(max_size=60))
def test_anything_else_is_no_address(junk: bytes) -> None:
    assert mapped_address(junk, CALL) is None
    assert mapped_address(answer(b"d" * 12, PUBLIC), CALL) is None
    assert mapped_address(answer(CALL, PUBLIC)[:-3], CALL) is None


class _Stun(asyncio.DatagramProtocol):
    """Answers with `address`, or not at all."""

    def __init__(self, address: IPv4Address | None) -> None:
        self._address = address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        if self._address:
            self._transport.sendto(answer(data[8:20], self._address), sender)


@contextlib.asynccontextmanager
async def stun(address: IPv4Address | None) -> AsyncIterator[tuple[str, int]]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Stun(address), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")
    finally:
        transport.close()


async def test_the_first_server_that_answers_is_believed() -> None:
    async with stun(None) as silent, stun(PUBLIC) as server:
        assert await public_address([silent, server]) == PUBLIC


async def test_a_server_that_is_not_there_tells_nothing() -> None:
    async with stun(PUBLIC) as gone:
        pass
    assert await public_address([gone]) is None


async def test_a_name_that_cannot_be_has_no_address() -> None:
    found = await look_up(f"{'a' * 64}.example.org", [])
    assert found.resolved == frozenset()
    assert found.public is None


async def test_a_host_is_looked_up_beside_it() -> None:
    async with stun(PUBLIC) as server:
        found = await look_up("127.0.0.1", [server])
    assert found.public == PUBLIC
    assert found.resolved == {IPv4Address("127.0.0.1")}
    assert found.resolved <= found.own
