"""Room is kept at the engines before a call is answered."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.admission.engines import Door, Engines, doors_of
from agent.config import EarsSettings, Settings
from parley.settings import ROOT
from parley_serving import build_app
from tests.serving.echo import Echo
from tests.serving.running import running

KEY = "sesame"


@pytest.fixture
async def ears() -> Echo:
    return Echo(limit=2, key=KEY)


@pytest.fixture
async def voice() -> Echo:
    return Echo(limit=1, key=KEY)


@pytest.fixture
async def doors(ears: Echo, voice: Echo) -> AsyncIterator[Sequence[Door]]:
    async with running(build_app(ears.service)) as one, running(build_app(voice.service)) as two:
        yield [Door(one.url, KEY), Door(two.url, KEY)]


def engines(doors: Sequence[Door], call: str) -> Engines:
    return Engines(lambda: doors, call, patience=60.0)


async def test_a_call_has_room_at_both_or_at_none(
    doors: Sequence[Door], ears: Echo, voice: Echo
) -> None:
    assert await engines(doors, "AJ_1").reserve()
    assert (ears.gate.reserved, voice.gate.reserved) == (1, 1)
    assert not await engines(doors, "AJ_2").reserve()
    assert (ears.gate.reserved, voice.gate.reserved) == (1, 1)
    await engines(doors, "AJ_1").release()
    assert await engines(doors, "AJ_2").reserve()


async def test_an_engine_that_does_not_say_has_room(doors: Sequence[Door]) -> None:
    async def silent(_: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    other = Starlette(routes=[Route("/v1/reservations", silent, methods=["POST"])])
    async with running(other) as slow, running(Starlette()) as openai:
        strangers = [
            Door(slow.url, None),  # too slow
            Door(openai.url, None),  # knows no such route
            Door("http://127.0.0.1:9", None),  # is away
            Door(doors[0].url, "a wrong key"),
        ]
        assert await Engines(lambda: strangers, "AJ_1").reserve()
        slow.drop()


def test_what_is_somebody_elses_is_not_asked() -> None:
    settings = Settings(personas=ROOT / "personas", stt=EarsSettings(key="k"))
    assert [door.key for door in doors_of(settings, "receptionist")] == ["k", None]
    assert doors_of(settings, "nobody") == ()
