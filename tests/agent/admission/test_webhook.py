"""A web server of the owner's is asked about a caller, over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agent.admission.policy import CallStart
from agent.admission.webhook import asked
from agent.call import CallRequest
from agent.signature import SIGNATURE, signature

SECRETS = {"AGENT_SECRET_CRM": "a secret"}
REQUEST = CallRequest.model_validate(
    {"direction": "inbound", "from": "+15550142424", "to": "+15550100", "vars": {"line": "main"}}
)


class Owner:
    """Answers with `answer`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: str = "{}"
        self.status = 200
        self.silent = False
        self.heard: list[tuple[str, bytes]] = []

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append((request.headers[SIGNATURE], await request.read()))
        if self.silent:
            await asyncio.Event().wait()
        return web.Response(status=self.status, text=self.answer)


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
async def whom(owner: Owner) -> AsyncIterator[CallStart]:
    app = web.Application()
    app.router.add_post("/start", owner.hear)
    async with TestServer(app, shutdown_timeout=0.1) as server:
        yield CallStart(url=str(server.make_url("/start")), secret="CRM")


async def test_it_may_name_a_persona_and_what_it_shall_know(owner: Owner, whom: CallStart) -> None:
    owner.answer = '{"persona": "vip", "vars": {"name": "Ada"}}'
    known = await asked(whom, REQUEST, SECRETS)
    assert known is not None
    assert (known.persona, known.vars) == ("vip", {"line": "main", "name": "Ada"})
    assert (known.from_, known.direction) == (REQUEST.from_, "inbound")


async def test_it_is_told_who_calls_whom_and_can_know_that_it_was_us(
    owner: Owner, whom: CallStart
) -> None:
    await asked(whom, REQUEST, SECRETS)
    ((signed, body),) = owner.heard
    at = int(signed.removeprefix("t=").partition(",")[0])
    assert signed == signature("a secret", at, body)
    told = json.loads(body)
    assert (told["from"], told["to"]) == ("+15550142424", "+15550100")


async def test_it_may_refuse(owner: Owner, whom: CallStart) -> None:
    owner.answer = '{"refuse": true}'
    assert await asked(whom, REQUEST, SECRETS) is None


@pytest.mark.parametrize(
    "answer",
    ["", "no", "[]", '{"persona": "../etc"}', '{"mood": 1}', '{"vars": {"a": 1}}', "{" * 10**6],
)
async def test_what_it_may_not_say_changes_nothing(
    owner: Owner, whom: CallStart, answer: str
) -> None:
    owner.answer = answer
    assert await asked(whom, REQUEST, SECRETS) == REQUEST


async def test_one_that_is_away_slow_or_unwell_costs_no_call(owner: Owner, whom: CallStart) -> None:
    owner.status = 500
    assert await asked(whom, REQUEST, SECRETS) == REQUEST
    owner.silent = True
    assert await asked(whom, REQUEST, SECRETS) == REQUEST
    nowhere = whom.model_copy(update={"url": "http://127.0.0.1:9/start"})
    assert await asked(nowhere, REQUEST, SECRETS) == REQUEST


async def test_without_its_secret_it_is_not_asked(owner: Owner, whom: CallStart) -> None:
    assert await asked(whom, REQUEST, {}) == REQUEST
    assert not owner.heard
