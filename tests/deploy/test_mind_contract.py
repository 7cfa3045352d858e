"""What the agent relies on in a language model's server, by what servers say they send.

The shapes are those of vLLM's, RunPod's, Ollama's and llama.cpp's documentation. The same is asked of a
real server where PARLEY_VLLM_URL (`http://HOST:8000/v1`) names one, with PARLEY_VLLM_MODEL and
PARLEY_VLLM_KEY.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from livekit.agents import APIConnectOptions, APIStatusError, function_tool, llm
from livekit.plugins import openai
from openai import AsyncOpenAI
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from agent.config import MindSettings
from agent.doors import mind_client
from agent.prompt import strict_context
from tests.serving.running import running

ONCE = APIConnectOptions(max_retry=0, timeout=20.0)
PATIENCE = 20.0
WORDS = ["We are", " open", " until six."]
ARGUMENTS = ['{"day"', ': "Mon', 'day"}']


@function_tool
async def look_up(day: str) -> str:
    """The free hours of a day."""
    return day


Delta = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """How one kind of server writes: its path, what its events have beside, and its deltas."""

    name: str
    path: str
    words: Sequence[Delta]
    tools: Sequence[Delta]
    error: Callable[[int, str], Mapping[str, Any]]
    beside: Mapping[str, Any] = field(default_factory=dict)
    bare_refusal: bool = False
    """It answers a wrong key without a body."""


def _call(index: int = 0, **function: str) -> Delta:
    return {"index": index, "function": function}


def _in_pieces(first: str) -> Sequence[Delta]:
    opened = {**_call(name="look_up", arguments=first), "id": "call_1", "type": "function"}
    pieces = ARGUMENTS if not first else [ARGUMENTS[0].removeprefix(first), *ARGUMENTS[1:]]
    return [{"tool_calls": [opened]}, *({"tool_calls": [_call(arguments=a)]} for a in pieces)]


def _openai_error(status: int, message: str) -> Mapping[str, Any]:
    kinds = {400: "BadRequestError", 401: "Unauthorized", 404: "NotFoundError"}
    kind = kinds.get(status, "ServiceUnavailableError")
    return {"error": {"message": message, "type": kind, "param": None, "code": status}}


def _ollama_error(status: int, message: str) -> Mapping[str, Any]:
    return {"error": {"message": message, "type": "api_error", "param": None, "code": None}}


def _llama_error(status: int, message: str) -> Mapping[str, Any]:
    return {"error": {"code": status, "message": message, "type": "unavailable_error"}}


_content = [{"content": word} for word in WORDS]
_whole = {**_call(name="look_up", arguments="".join(ARGUMENTS)), "id": "call_1", "type": "function"}

SERVERS = [
    Server(
        "vllm",
        "/v1",
        [{"role": "assistant", "content": ""}, *_content],
        [{"role": "assistant", "content": ""}, *_in_pieces("")],
        _openai_error,
    ),
    Server(
        "runpod",
        "/v2/an-endpoint/openai/v1",
        [{"role": "assistant", "content": ""}, *_content],
        [{"role": "assistant", "content": ""}, *_in_pieces("")],
        _openai_error,
        bare_refusal=True,
    ),
    Server(
        "ollama",
        "/v1",
        [{"role": "assistant", **delta} for delta in _content],
        [{"role": "assistant", "content": "", "tool_calls": [_whole]}],
        _ollama_error,
        {"system_fingerprint": "fp_ollama"},
    ),
    Server(
        "llama.cpp",
        "/v1",
        [{"role": "assistant", "content": None}, *_content],
        [{"role": "assistant", "content": None}, *_in_pieces("{")],
        _llama_error,
        {"timings": {"predicted_ms": 12.5}, "system_fingerprint": "b6000"},
    ),
]


class Replay:
    """Plays a server's deltas; `left` is set when a client went away in the middle of an answer."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.left = asyncio.Event()
        path = server.path
        self.app = Starlette(
            routes=[
                Route(f"{path}/models", self._models),
                Route(f"{path}/chat/completions", self._chat, methods=["POST"]),
            ]
        )

    async def _models(self, request: Request) -> Response:
        return self._refused(request) or JSONResponse(
            {
                "object": "list",
                "data": [{"id": "the-model", "object": "model", "created": 1, "owned_by": "x"}],
            }
        )

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        if refused := self._refused(request):
            return refused
        if body["model"] != "the-model":
            return self._error(404, f"The model `{body['model']}` does not exist.")
        asked = body["messages"][-1]["content"]
        for status in (400, 503):
            if asked == str(status):
                return self._error(status, "as you wish")
        return StreamingResponse(self._answer(asked, body), media_type="text/event-stream")

    async def _answer(self, asked: str, body: Mapping[str, Any]) -> AsyncIterator[str]:
        calls = bool(body.get("tools"))
        try:
            for delta in self._server.tools if calls else self._server.words:
                yield self._event(delta)
                if asked == "at length" and delta.get("content"):
                    await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        yield self._event({}, "tool_calls" if calls else "stop")
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        if body.get("stream_options", {}).get("include_usage"):
            yield self._line([], usage=usage)
        yield "data: [DONE]\n\n"

    def _event(self, delta: Delta, reason: str | None = None) -> str:
        return self._line([{"index": 0, "delta": delta, "finish_reason": reason}])

    def _line(self, choices: list[Any], **more: object) -> str:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1}
        told = {**head, "model": "the-model", "choices": choices, **self._server.beside, **more}
        return f"data: {json.dumps(told)}\n\n"

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("Authorization") == "Bearer a-key":
            return None
        return Response(status_code=401) if self._server.bare_refusal else self._error(401, "no")

    def _error(self, status: int, message: str) -> Response:
        return JSONResponse(self._server.error(status, message), status)


@dataclass
class Mind:
    client: AsyncOpenAI
    model: str
    replay: Replay | None = None

    def ask(self, said: str, *tools: llm.Tool, model: str | None = None) -> llm.LLMStream:
        context = llm.ChatContext([llm.ChatMessage(role="user", content=[said])])
        mind = openai.LLM(model=model or self.model, client=self.client)
        return mind.chat(chat_ctx=strict_context(context), tools=list(tools), conn_options=ONCE)


@contextlib.asynccontextmanager
async def replayed(server: Server, key: str = "a-key") -> AsyncIterator[Mind]:
    replay = Replay(server)
    async with running(replay.app) as served:
        settings = MindSettings(
            url=f"{served.url}{server.path}", key=SecretStr(key), timeout=PATIENCE
        )
        async with mind_client(settings) as client:
            yield Mind(client, "the-model", replay)


of_each_server = pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)


@of_each_server
async def test_words_come_as_they_are_made_and_are_counted(server: Server) -> None:
    async with replayed(server) as mind, mind.ask("hello") as stream:
        chunks = [chunk async for chunk in stream]
    said = [chunk.delta.content for chunk in chunks if chunk.delta and chunk.delta.content]
    assert said == WORDS
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [3]


@of_each_server
async def test_a_call_that_comes_in_pieces_is_put_together(server: Server) -> None:
    async with replayed(server) as mind:
        reply = await mind.ask("hello", look_up).collect()
    (call,) = reply.tool_calls
    assert (call.name, json.loads(call.arguments)) == ("look_up", {"day": "Monday"})
    assert not reply.text


@of_each_server
async def test_a_stream_that_is_closed_ends_the_work_at_the_server(server: Server) -> None:
    async with replayed(server) as mind:
        assert mind.replay is not None
        async with mind.ask("at length") as stream:
            await anext(aiter(stream))
        async with asyncio.timeout(PATIENCE):
            await mind.replay.left.wait()


@of_each_server
async def test_models_are_listed(server: Server) -> None:
    async with replayed(server) as mind:
        assert [model.id async for model in mind.client.models.list()] == ["the-model"]


@of_each_server
@pytest.mark.parametrize(
    ("said", "model", "status", "again"),
    [("400", None, 400, False), ("503", None, 503, True), ("hello", "another", 404, False)],
)
async def test_an_error_says_whether_to_ask_again(
    server: Server, said: str, model: str | None, status: int, again: bool
) -> None:
    async with replayed(server) as mind:
        with pytest.raises(APIStatusError) as refused:
            await mind.ask(said, model=model).collect()
    assert (refused.value.status_code, refused.value.retryable) == (status, again)


@of_each_server
async def test_a_wrong_key_is_not_tried_again(server: Server) -> None:
    async with replayed(server, key="another") as mind:
        with pytest.raises(APIStatusError) as refused:
            await mind.ask("hello").collect()
    assert (refused.value.status_code, refused.value.retryable) == (401, False)


@pytest.fixture
async def real() -> AsyncIterator[Mind]:
    url = os.environ.get("PARLEY_VLLM_URL")
    if not url:
        pytest.skip("PARLEY_VLLM_URL names no server (http://HOST:8000/v1)")
    key = SecretStr(os.environ.get("PARLEY_VLLM_KEY", "unused"))
    settings = MindSettings(url=url, key=key, timeout=PATIENCE)
    async with mind_client(settings) as client:
        listed = [model.id async for model in client.models.list()]
        yield Mind(client, os.environ.get("PARLEY_VLLM_MODEL") or listed[0])


async def test_a_real_server_streams_words(real: Mind) -> None:
    async with real.ask("Count from one to ten in words.") as stream:
        said = [chunk.delta.content async for chunk in stream if chunk.delta]
    assert len([word for word in said if word]) > 3


async def test_a_real_server_calls_a_function(real: Mind) -> None:
    reply = await real.ask("Which hours are free on Monday? Look it up.", look_up).collect()
    (call,) = reply.tool_calls
    assert (call.name, json.loads(call.arguments)) == ("look_up", {"day": "Monday"})


async def test_a_real_server_lives_on_when_a_client_leaves(real: Mind) -> None:
    async with real.ask("Tell a long story.") as stream:
        await anext(aiter(stream))
    assert (await real.ask("Say yes.").collect()).text


async def test_a_real_server_refuses_a_model_that_it_lacks(real: Mind) -> None:
    with pytest.raises(APIStatusError) as refused:
        await real.ask("hello", model="no-such-model").collect()
    assert refused.value.status_code in (400, 404)
