"""The app of an engine: who gets in, how many, and what they may send."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import psutil
import pytest

from parley_serving import build_app
from tests.serving.echo import LIMIT, PATH, Echo
from tests.serving.running import Running, running

KEY = "sesame"
WITH_KEY = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
async def echo() -> Echo:
    return Echo(limit=2, key=KEY)


@pytest.fixture
async def server(echo: Echo) -> AsyncIterator[Running]:
    async with running(build_app(echo.service), max_message=LIMIT) as server:
        yield server


@pytest.fixture
async def http(server: Running) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, headers=WITH_KEY) as session:
        yield session


async def empty(echo: Echo) -> None:
    async with asyncio.timeout(10):
        await echo.gate.empty()


class TestKey:
    @pytest.mark.parametrize(
        "sent", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": KEY}]
    )
    @pytest.mark.parametrize("path", ["/metrics", "/v1/models", "/nowhere"])
    async def test_is_wanted_everywhere_but_by_probes(
        self, server: Running, path: str, sent: dict[str, str]
    ) -> None:
        async with aiohttp.ClientSession(server.url, headers=sent) as stranger:
            async with stranger.get(path) as response:
                assert response.status == 401
                assert response.headers["WWW-Authenticate"] == "Bearer"
            for probe in ("/health", "/ready"):
                async with stranger.get(probe) as response:
                    assert response.status == 200

    async def test_is_wanted_before_a_socket_is_accepted(self, server: Running, echo: Echo) -> None:
        async with aiohttp.ClientSession(server.url) as stranger:
            with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
                await stranger.ws_connect(PATH)
        assert raised.value.status == 401
        assert echo.gate.held == 0

    async def test_lets_in(self, http: aiohttp.ClientSession) -> None:
        async with http.get("/v1/models") as response:
            assert (await response.json())["data"][0]["id"] == "echo-1"
        async with http.get("/metrics") as response:
            assert "parley_echo_sessions 0.0" in await response.text()


class TestCapacity:
    async def test_full_is_503_with_a_time_to_come_back(
        self, http: aiohttp.ClientSession, echo: Echo
    ) -> None:
        async with http.ws_connect(PATH), http.ws_connect(PATH):
            with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
                await http.ws_connect(PATH)
            assert raised.value.status == 503
            assert raised.value.headers is not None
            assert raised.value.headers["Retry-After"] == "1"
            async with http.get("/ready") as response:
                assert response.status == 503
                assert (await response.json())["room"] == 0
        await empty(echo)
        async with http.ws_connect(PATH) as again:
            await again.send_bytes(b"\0")
            assert await again.receive_bytes() == b"\0"

    async def test_draining_takes_nothing_and_keeps_what_it_has(
        self, http: aiohttp.ClientSession, echo: Echo
    ) -> None:
        async with http.ws_connect(PATH) as held, asyncio.TaskGroup() as group:
            drained = group.create_task(echo.gate.drain(10))
            await echo.gate.draining.wait()
            with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                await http.ws_connect(PATH)
            await held.send_bytes(b"\0")
            assert await held.receive_bytes() == b"\0"
            await held.close()
        assert drained.result()

    async def test_a_drain_that_takes_too_long_says_so(
        self, http: aiohttp.ClientSession, echo: Echo
    ) -> None:
        async with http.ws_connect(PATH):
            assert not await echo.gate.drain(0.01)


class TestSockets:
    @pytest.mark.parametrize(
        ("sent", "code"),
        [
            ("{", "bad_message"),
            ("[]", "bad_message"),
            ('{"type": "shout"}', "bad_message"),
            ('{"type": "say", "loud": true}', "bad_message"),
            ('{"type": "say", "text": "' + "x" * LIMIT + '"}', "too_large"),
            (b"x" * (LIMIT + 1), "too_large"),
        ],
    )
    async def test_a_bad_message_is_answered_and_ends_the_socket_only(
        self, http: aiohttp.ClientSession, sent: str | bytes, code: str
    ) -> None:
        async with http.ws_connect(PATH) as other:
            async with http.ws_connect(PATH) as socket:
                await (socket.send_str(sent) if isinstance(sent, str) else socket.send_bytes(sent))
                assert json.loads(await socket.receive_str())["code"] == code
                await socket.receive()
                assert socket.close_code == 1008
            await other.send_str('{"type": "say", "text": "still here"}')
            assert "still here" in await other.receive_str()

    async def test_an_error_does_not_repeat_what_was_sent(
        self, http: aiohttp.ClientSession
    ) -> None:
        async with http.ws_connect(PATH) as socket:
            await socket.send_str('{"type": "say", "text": ["my number is 555"]}')
            assert "555" not in await socket.receive_str()

    async def test_far_beyond_the_limit_the_transport_ends_it(
        self, http: aiohttp.ClientSession, echo: Echo
    ) -> None:
        async with http.ws_connect(PATH) as socket:
            await socket.send_bytes(bytes(10 * LIMIT))
            await socket.receive()
            assert socket.close_code == 1009
        await empty(echo)

    async def test_a_hundred_opened_and_dropped_leak_nothing(
        self, http: aiohttp.ClientSession, server: Running, echo: Echo
    ) -> None:
        echo.gate.limit = 100
        process = psutil.Process()
        async with http.ws_connect(PATH) as first:
            await first.send_bytes(b"\0")
            await first.receive_bytes()
        await empty(echo)
        files, tasks = process.num_fds(), len(asyncio.all_tasks())
        async with AsyncExitStack() as sockets:
            for _ in range(100):
                socket = await sockets.enter_async_context(http.ws_connect(PATH))
                await socket.send_bytes(b"\0")
            assert echo.gate.held == 100
            server.drop()
        await empty(echo)
        gc.collect()
        assert len(asyncio.all_tasks()) == tasks
        assert process.num_fds() <= files
        assert not server.server_state.connections

    async def test_one_that_reads_nothing_is_let_go(self) -> None:
        echo = Echo(stall=0.2)
        async with (
            running(build_app(echo.service), max_message=LIMIT) as server,
            aiohttp.ClientSession(server.url) as http,
            http.ws_connect(PATH) as deaf,
            asyncio.TaskGroup() as group,
        ):
            sending = group.create_task(flood(deaf))
            await empty(echo)
            sending.cancel()
            server.drop()


async def test_the_server_ends_although_a_goodbye_is_unread() -> None:
    echo = Echo()
    async with aiohttp.ClientSession() as http:
        async with running(build_app(echo.service), max_message=LIMIT) as server:
            deaf = await http.ws_connect(server.url + PATH)
            await deaf.send_bytes(b"\0")
            await deaf.receive_bytes()
            connection = next(iter(server.server_state.connections))
            assert connection.transport is not None
            connection.transport.write(bytes(1 << 26))  # more than any kernel takes
            await deaf._writer.close(1000)  # our goodbye; theirs is behind what we do not read
            await empty(echo)
        assert echo.freed.is_set()


async def flood(socket: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await socket.send_bytes(bytes(LIMIT))


async def test_the_model_is_freed_when_the_server_ends() -> None:
    echo = Echo()
    async with running(build_app(echo.service)):
        assert echo.started.is_set()
        assert not echo.freed.is_set()
    assert echo.freed.is_set()
