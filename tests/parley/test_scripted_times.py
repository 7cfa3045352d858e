"""The scripted model, as late as another machine's would be."""

import asyncio
import json
from http import HTTPStatus
from pathlib import Path

from starlette.types import ASGIApp, Message, Scope

from parley.scripted.app import build_scripted
from parley.scripted.script import load_scripts
from parley_serving import Gate
from tests.fakes.virtual_time import on_virtual_time

SCRIPTS = load_scripts(Path(__file__).parents[2] / "personas" / "scripts")
ASKED = {
    "model": "scripted-receptionist",
    "messages": [{"role": "user", "content": "what are your opening hours"}],
}


async def taken(first: float, pace: float, **request: object) -> tuple[float, int]:
    """Seconds to the end of the answer, and how many words it had if it came whole."""
    app = build_scripted(SCRIPTS, Gate(2), None, first=first, pace=pace)
    clock = asyncio.get_running_loop().time
    began = clock()
    answer = await posted(app, json.dumps({**ASKED, **request}).encode())
    took = clock() - began
    return took, 0 if request else json.loads(answer)["usage"]["completion_tokens"]


async def posted(app: ASGIApp, body: bytes) -> bytes:
    """A request without a socket, which has no virtual time."""
    sent: list[Message] = []
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": "POST",
        "path": "/v1/chat/completions",
        "query_string": b"",
        "headers": [],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == HTTPStatus.OK
    return b"".join(message.get("body", b"") for message in sent)


@on_virtual_time
async def test_the_first_word_and_each_other_come_when_the_other_machine_would_have_them() -> None:
    took, words = await taken(0.5, 0.0625)
    assert took == 0.5 + 0.0625 * words


@on_virtual_time
async def test_a_streamed_answer_waits_as_long_before_its_first_word() -> None:
    took, _ = await taken(0.5, 0.0, stream=True)
    assert took == 0.5


@on_virtual_time
async def test_without_settings_nothing_waits() -> None:
    took, _ = await taken(0.0, 0.0)
    assert took == 0.0
