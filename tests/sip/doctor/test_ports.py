"""Who listens, and who else has the ports."""

import contextlib
import socket
from collections.abc import Iterator

import psutil
import pytest

from sip.doctor import ports
from sip.doctor.finding import Reporter, Verdict
from sip.doctor.ports import Taken

REPORT = Reporter("ports")
RTP = range(10_000, 10_400)
NOWHERE = range(0)


@contextlib.contextmanager
def held(kind: socket.SocketKind) -> Iterator[int]:
    with socket.socket(socket.AF_INET, kind) as held_:
        held_.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            held_.listen()
        port: int = held_.getsockname()[1]
        yield port


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


async def test_sip_that_answers_by_both_is_fine() -> None:
    with held(socket.SOCK_STREAM) as port:
        found = await ports.signalling(REPORT, "127.0.0.1", port, yes)
    assert found.verdict is Verdict.OK


async def test_sip_that_answers_by_udp_alone_is_not() -> None:
    with held(socket.SOCK_STREAM) as port:
        pass
    found = await ports.signalling(REPORT, "127.0.0.1", port, yes)
    assert found.verdict is Verdict.FAILED
    assert "not by TCP" in found.says


async def test_a_port_that_nobody_listens_on() -> None:
    with held(socket.SOCK_DGRAM) as port:
        pass
    found = await ports.signalling(REPORT, "127.0.0.1", port, no)
    assert found.verdict is Verdict.FAILED
    assert f"nobody answers SIP on 127.0.0.1:{port}" in found.says


async def test_a_port_that_somebody_else_has() -> None:
    with held(socket.SOCK_DGRAM) as port:
        found = await ports.signalling(REPORT, "127.0.0.1", port, no)
    assert found.verdict is Verdict.FAILED
    assert "does not answer SIP" in found.says
    assert psutil.Process().name() in found.says


@pytest.mark.parametrize(
    ("signalling", "taken", "ephemeral", "verdict", "says"),
    [
        (5060, [], NOWHERE, Verdict.OK, "room for 200 calls"),
        (5060, [Taken(10_002, "livekit-sip")], range(32_768, 61_000), Verdict.OK, "10000-10399"),
        (5060, [Taken(10_400, "other")], NOWHERE, Verdict.OK, "room for"),
        (10_060, [], NOWHERE, Verdict.FAILED, "within those of RTP"),
        (5060, [Taken(10_002, "other")], NOWHERE, Verdict.WARNING, "other has UDP port 10002"),
        (5060, [], range(10_300, 20_000), Verdict.WARNING, "any program"),
    ],
)
def test_ports_for_sound(
    signalling: int, taken: list[Taken], ephemeral: range, verdict: Verdict, says: str
) -> None:
    (found,) = ports.sound(REPORT, RTP, signalling, taken, ephemeral)
    assert found.verdict is verdict
    assert says in found.says


def test_taken_ports_are_seen_with_their_programs() -> None:
    with held(socket.SOCK_DGRAM) as port:
        (mine,) = [each for each in ports.taken_udp() if each.port == port]
    assert mine.by is not None
