"""Room that is kept for a call which is about to come."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from parley_serving import Gate, build_app
from parley_serving.gate import FullError
from parley_serving.reservations import HEADER, PATH
from tests.serving.echo import LIMIT, Echo
from tests.serving.echo import PATH as SOCKET
from tests.serving.running import running


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class TestGate:
    async def test_room_that_is_kept_is_for_who_has_the_name(self) -> None:
        gate = Gate(2)
        gate.reserve("a", 10.0)
        with gate.session():
            assert (gate.held, gate.reserved, gate.room) == (1, 1, 0)
            for name in (None, "b"):
                with pytest.raises(FullError), gate.session(name):
                    pass
            with gate.session("a"):
                assert (gate.held, gate.reserved) == (2, 0)
        with pytest.raises(FullError), gate.session("a"), gate.session("a"), gate.session("a"):
            pass
        assert gate.room == 2

    async def test_it_is_kept_for_its_time(self) -> None:
        clock = Clock()
        gate = Gate(1, clock=clock)
        gate.reserve("a", 10.0)
        clock.now = 6.0
        gate.reserve("a", 10.0)  # anew
        clock.now = 15.9
        with pytest.raises(FullError):
            gate.reserve("b", 10.0)
        clock.now = 16.0
        gate.reserve("b", 10.0)
        with pytest.raises(FullError), gate.session("a"):
            pass

    async def test_what_was_kept_is_had_although_the_machine_is_busy_by_now(self) -> None:
        room = [True]
        gate = Gate(2, lambda: room[0])
        gate.reserve("a", 10.0)
        room[0] = False
        with pytest.raises(FullError):
            gate.reserve("b", 10.0)
        with gate.session("a"):
            assert gate.held == 1

    async def test_an_engine_that_stops_keeps_nothing(self) -> None:
        gate = Gate(2)
        gate.reserve("a", 10.0)
        gate.draining.set()
        with pytest.raises(FullError, match="stopping"), gate.session("a"):
            pass
        with pytest.raises(FullError, match="stopping"):
            gate.reserve("b", 10.0)


@pytest.fixture
async def echo() -> Echo:
    return Echo(limit=1)


@pytest.fixture
async def http(echo: Echo) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        running(build_app(echo.service), max_message=LIMIT) as server,
        aiohttp.ClientSession(server.url) as session,
    ):
        yield session


async def test_a_socket_takes_the_room_that_was_kept_for_it(
    http: aiohttp.ClientSession, echo: Echo
) -> None:
    async with http.post(PATH, json={"id": "AJ_1", "seconds": 30}) as answer:
        assert answer.status == 201
        assert await answer.json() == {"id": "AJ_1", "seconds": 30.0}
    with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
        await http.ws_connect(SOCKET)
    async with http.post(PATH, json={"id": "AJ_2"}) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert (await answer.json())["error"]["code"] == "full"
    async with http.ws_connect(SOCKET, headers={HEADER: "AJ_1"}) as socket:
        await socket.send_bytes(b"\0")
        assert await socket.receive_bytes() == b"\0"
        assert echo.gate.held == 1
    async with asyncio.timeout(10):
        await echo.gate.empty()


async def test_room_can_be_given_back(http: aiohttp.ClientSession, echo: Echo) -> None:
    await http.post(PATH, json={"id": "AJ_1"})
    assert echo.gate.room == 0
    async with http.delete(f"{PATH}/AJ_1") as answer:
        assert answer.status == 204
    assert echo.gate.room == 1
    async with http.delete(f"{PATH}/AJ_1") as answer:
        assert answer.status == 204


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ("{", 400, "JSON"),
        ('{"id": ""}', 400, "id"),
        ('{"id": "a b"}', 400, "id"),
        ('{"id": "a", "seconds": 0}', 400, "seconds"),
        ('{"id": "a", "seconds": 3600}', 400, "seconds"),
        ('{"id": "a", "room": 2}', 400, "room"),
        ('{"id": "' + "x" * 2000 + '"}', 413, "1024 bytes"),
    ],
)
async def test_a_bad_request_keeps_nothing(
    http: aiohttp.ClientSession, echo: Echo, body: str, status: int, says: str
) -> None:
    async with http.post(PATH, data=body) as answer:
        assert answer.status == status
        assert says in (await answer.json())["error"]["message"]
    assert echo.gate.room == 1
