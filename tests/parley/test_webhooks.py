"""Webhooks over a real socket: signed, told once, tried again when nobody takes them."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from agent.signature import SIGNATURE, signature
from ledger.database import open_ledger
from ledger.spool import RETRIES, deliveries
from ledger.tables import CallRow
from parley.settings import BadSettingsError, Settings
from parley.webhooks import Sender
from tests.ledger.rows import call_values

SECRET = "a secret of some length"
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class Listener:
    """A web server that is told; `answers` are its next statuses, 200 when there are no more."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.answers: list[int] = []

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append((request.headers[SIGNATURE], await request.read()))
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"})


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def url(listener: Listener) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", listener.hear)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook"))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    with Session(engine) as session, session.begin():
        session.add(CallRow(**call_values(started_at=START, answered_at=START)))
    return engine


class Clock:
    def __init__(self) -> None:
        self.now = START + timedelta(minutes=1)

    def __call__(self) -> datetime:
        return self.now


async def test_an_event_is_sent_once_and_its_signature_is_of_its_very_bytes(
    engine: Engine, listener: Listener, url: str
) -> None:
    clock = Clock()
    async with aiohttp.ClientSession() as http:
        sender = Sender(engine, http, SECRET, clock)
        assert await sender.send_due((url,)) == 1
        assert await sender.send_due((url,)) == 0
    ((signed, body),) = listener.heard
    at, _, digest = signed.removeprefix("t=").partition(",v1=")
    assert int(at) == int(clock.now.timestamp())
    expected = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256)
    assert hmac.compare_digest(digest, expected.hexdigest())
    assert json.loads(body)["type"] == "call.started"


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_who_does_not_take_it_is_asked_again_later(
    engine: Engine, listener: Listener, url: str, status: int
) -> None:
    clock = Clock()
    listener.answers = [status]
    async with aiohttp.ClientSession() as http:
        sender = Sender(engine, http, SECRET, clock)
        assert await sender.send_due((url,)) == 1
        assert await sender.send_due((url,)) == 0
        assert [row.answer for row in deliveries(engine, state="waiting")] == [str(status)]
        clock.now += RETRIES[0]
        assert await sender.send_due((url,)) == 1
    first, second = listener.heard
    assert first[1] == second[1]
    assert first[0] != second[0]
    assert [row.attempts for row in deliveries(engine, state="sent")] == [2]


async def test_an_address_where_nobody_is_costs_no_other_its_events(
    engine: Engine, listener: Listener, url: str
) -> None:
    async with aiohttp.ClientSession() as http:
        assert (
            await Sender(engine, http, SECRET, Clock()).send_due(("http://127.0.0.1:9", url)) == 2
        )
    assert len(listener.heard) == 1
    (waiting,) = deliveries(engine, state="waiting")
    assert waiting.answer == "ClientConnectorError"


async def test_two_senders_tell_it_once(engine: Engine, listener: Listener, url: str) -> None:
    async with aiohttp.ClientSession() as http:
        senders = [Sender(engine, http, SECRET, Clock()) for _ in range(2)]
        await asyncio.gather(*(sender.send_due((url,)) for sender in senders))
    assert len(listener.heard) == 1


def test_a_signature_is_of_its_time_and_its_secret() -> None:
    assert signature("one", 5, b"{}") != signature("one", 6, b"{}")
    assert signature("one", 5, b"{}") != signature("two", 5, b"{}")


ENOUGH = {
    "PARLEY_SIP_USERNAME": "caller",
    "PARLEY_SIP_PASSWORD": "x" * 12,
    "PARLEY_ENGINE_KEY": "x" * 16,
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "x" * 32,
}


def test_addresses_need_a_secret() -> None:
    urls = {"PARLEY_WEBHOOK_URLS": "https://a.example/x https://b.example"}
    with pytest.raises(BadSettingsError, match=r"PARLEY_WEBHOOK_SECRET.*to sign them"):
        Settings.load(ENOUGH | urls)
    settings = Settings.load(ENOUGH | urls | {"PARLEY_WEBHOOK_SECRET": SECRET})
    assert settings.webhook_urls == ("https://a.example/x", "https://b.example")


def test_an_address_that_is_none_is_said() -> None:
    with pytest.raises(BadSettingsError, match="PARLEY_WEBHOOK_URLS"):
        Settings.load(ENOUGH | {"PARLEY_WEBHOOK_URLS": "crm.example"})
