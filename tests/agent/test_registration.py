import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from agent.registration import SETTLED, Registration, watched
from tests.e2e.switchboard import until

HOST = "127.0.0.1"


def test_it_stands_from_the_registering_until_livekit_does_not_answer() -> None:
    registration = Registration()
    registration.answered(1.0)
    assert not registration.stands
    registration.registered(2.0)
    registration.answered(3.0)
    assert registration.stands
    registration.unanswered(asked_at=4.0)
    assert not registration.stands
    registration.registered(6.0)
    assert registration.stands


def test_a_question_from_before_the_registering_says_nothing() -> None:
    registration = Registration()
    registration.unanswered(asked_at=1.0)
    registration.registered(2.0)
    registration.unanswered(asked_at=1.9)
    assert registration.stands


def test_a_worker_that_need_not_register_anew_was_not_lost() -> None:
    """LiveKit was slow, or stood still: the connection is as it was."""
    registration = Registration()
    registration.registered(1.0)
    registration.unanswered(asked_at=2.0)
    registration.answered(3.0)
    registration.answered(3.0 + SETTLED - 0.1)
    assert not registration.stands
    registration.answered(3.0 + SETTLED)
    assert registration.stands


def test_it_is_lost_again_while_it_settles() -> None:
    registration = Registration()
    registration.registered(1.0)
    registration.unanswered(asked_at=2.0)
    registration.answered(3.0)
    registration.unanswered(asked_at=4.0)
    registration.answered(5.0)
    registration.answered(3.0 + SETTLED)
    assert not registration.stands


@asynccontextmanager
async def livekit(port: int, status: int = 200) -> AsyncIterator[None]:
    """As far as it is asked whether it is there."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        yield
    finally:
        await runner.cleanup()


async def test_livekit_is_asked_whether_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("LIVEKIT_URL", f"ws://{HOST}:{port}")
    registration = Registration()

    async def lost() -> bool:
        return not registration.stands

    async with watched(registration):
        async with livekit(port):
            registration.registered(time.monotonic())
        await until(lost)
        registration.registered(time.monotonic())
        assert registration.stands
        async with livekit(port, status=503):  # from what stands before one that is gone
            await until(lost)
