"""The scripted model over HTTP, driven through livekit-plugins-openai as vLLM will be."""

import contextlib
import io
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from livekit.agents import APIConnectOptions, APIStatusError, function_tool, llm
from livekit.plugins import openai
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from agent.prompt import strict_context
from parley.scripted.__main__ import main
from parley.scripted.app import MAX_BODY, build_scripted
from parley.scripted.script import Script, load_scripts
from parley_serving import Gate
from tests.serving.running import running

SCRIPT = load_scripts(Path(__file__).parents[2] / "personas" / "scripts")["receptionist"]
HASTY = SCRIPT.model_copy(
    update={"entries": [entry.model_copy(update={"delay": 0.0}) for entry in SCRIPT.entries]}
)
MODEL = "scripted-receptionist"
ONCE = APIConnectOptions(max_retry=0, timeout=5.0)


class Rehearsal:
    """A served script and LiveKit's client of it."""

    def __init__(self, url: str, gate: Gate, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.gate = gate
        self.http = http
        self.mind = openai.LLM(model=MODEL, base_url=f"{url}/v1", api_key="secret")

    def ask(self, context: llm.ChatContext, *tools: llm.Tool) -> llm.LLMStream:
        return self.mind.chat(
            chat_ctx=strict_context(context), tools=list(tools), conn_options=ONCE
        )

    def post(self, **body: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self.http.post("/v1/chat/completions", json={"model": MODEL, **body})

    async def requests(self) -> dict[str, float]:
        """How many requests ended how, once none is left in work."""
        assert await self.gate.drain(5.0)
        async with self.http.get("/metrics") as reply:
            page = await reply.text()
        return {
            sample.labels["outcome"]: sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == "parley_scripted_requests_total" and sample.value
        }


@contextlib.asynccontextmanager
async def rehearsal(script: Script = SCRIPT, max_sessions: int = 8) -> AsyncIterator[Rehearsal]:
    gate = Gate(max_sessions)
    key = {"Authorization": "Bearer secret"}
    app = build_scripted({"receptionist": script}, gate, SecretStr("secret"), pace=0.0)
    async with (
        running(app, max_message=MAX_BODY) as server,
        aiohttp.ClientSession(server.url, headers=key) as http,
    ):
        it = Rehearsal(server.url, gate, http)
        try:
            yield it
        finally:
            await it.mind.aclose()


def user(text: str) -> llm.ChatContext:
    return llm.ChatContext([llm.ChatMessage(role="user", content=[text])])


@function_tool
async def end_call() -> None:
    """End the call."""


async def test_a_call_is_greeted_answered_and_ended_by_the_tool() -> None:
    history = llm.ChatContext([llm.ChatMessage(role="system", content=["Be kind."])])
    async with rehearsal() as it:
        for said, contained in [
            (None, "How can I help you"),
            ("what are your opening hours", "from nine in the morning until six"),
            ("can you sell me a horse", "I can't help with that"),
            ("thank you goodbye", "Goodbye."),
        ]:
            if said:
                history.add_message(role="user", content=said)
            reply = await it.ask(history, end_call).collect()
            assert contained in reply.text
            history.add_message(role="assistant", content=reply.text)
        assert [(call.name, call.arguments) for call in reply.tool_calls] == [("end_call", "{}")]
        assert reply.usage is not None
        assert reply.usage.completion_tokens == len(reply.text.split())
        assert await it.requests() == {"finished": 4}


async def test_a_tools_result_is_answered_in_words() -> None:
    history = user("goodbye")
    async with rehearsal() as it:
        reply = await it.ask(history, end_call).collect()
        call = reply.tool_calls[0]
        history.insert(
            [
                llm.FunctionCall(call_id=call.call_id, name=call.name, arguments=call.arguments),
                llm.FunctionCallOutput(
                    call_id=call.call_id, name=call.name, output="say goodbye", is_error=False
                ),
            ]
        )
        reply = await it.ask(history, end_call).collect()
        assert reply.text == "Goodbye."
        assert not reply.tool_calls


async def test_words_come_one_by_one() -> None:
    async with rehearsal() as it, it.ask(user("where are you")) as stream:
        deltas = [chunk.delta.content async for chunk in stream if chunk.delta]
    pieces = [piece for piece in deltas if piece]
    assert "".join(pieces).startswith("You find us at twelve Water Street")
    assert all(len(piece.split()) == 1 for piece in pieces)


async def test_a_client_that_leaves_stops_the_work_at_its_source() -> None:
    async with rehearsal() as it:
        async with it.ask(user("tell me a story")) as stream:
            async for chunk in stream:
                if chunk.delta and chunk.delta.content:
                    break
        assert await it.requests() == {"aborted": 1}


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_during_a_delay_stops_it(stream: bool) -> None:
    messages = [{"role": "user", "content": "please wait a while"}]
    async with rehearsal() as it:
        async with it.post(messages=messages, stream=stream) as reply:
            assert reply.status == 200
        assert await it.requests() == {"aborted": 1}


async def test_an_error_an_empty_answer_and_one_that_had_to_wait_come_on_demand() -> None:
    async with rehearsal(HASTY) as it:
        with pytest.raises(APIStatusError) as caught:
            await it.ask(user("please break")).collect()
        assert caught.value.status_code == 500
        assert (await it.ask(user("say nothing")).collect()).text == ""
        assert "after a while" in (await it.ask(user("please wait a while")).collect()).text
        assert await it.requests() == {"failed": 1, "finished": 2}


async def test_a_history_that_a_strict_template_refuses_is_a_bad_request() -> None:
    async with rehearsal() as it:
        async with it.post(messages=[{"role": "assistant", "content": "Hello."}]) as reply:
            assert reply.status == 400
            error = (await reply.json())["error"]
        assert "must alternate" in error["message"]
        assert (error["type"], error["code"]) == ("BadRequestError", 400)
        async with it.post(messages=[{"role": "king", "content": "Hello."}]) as reply:
            assert reply.status == 400
            assert "messages.0.role" in (await reply.json())["error"]["message"]
        assert await it.requests() == {"refused": 2}


async def test_livekit_does_not_mend_a_history_and_a_strict_server_refuses_it() -> None:
    greeted = llm.ChatContext([llm.ChatMessage(role="assistant", content=["Hello."])])
    greeted.add_message(role="user", content="Hi.")
    async with rehearsal() as it:
        with pytest.raises(APIStatusError) as caught:
            await it.mind.chat(chat_ctx=greeted, conn_options=ONCE).collect()
        assert caught.value.status_code == 400
        assert not caught.value.retryable
        assert (await it.ask(greeted).collect()).text


async def test_a_whole_answer_is_one_object() -> None:
    question = [{"role": "user", "content": [{"type": "text", "text": "where are you"}]}]
    async with rehearsal() as it, it.post(messages=question, tools=None) as reply:
        choice = (await reply.json())["choices"][0]
        assert choice["message"]["content"].startswith("You find us")
        assert choice["finish_reason"] == "stop"


async def test_each_script_is_a_model_and_no_other_is_known() -> None:
    async with rehearsal() as it:
        async with it.http.get("/v1/models") as reply:
            assert [model["id"] for model in (await reply.json())["data"]] == [MODEL]
        async with it.post(model="gpt", messages=[{"role": "user", "content": "hello"}]) as reply:
            assert reply.status == 404


async def test_only_probes_are_answered_without_the_key() -> None:
    async with rehearsal() as it:
        for path, status in [("/v1/models", 401), ("/metrics", 401), ("/health", 200)]:
            async with it.http.get(path, headers={"Authorization": ""}) as reply:
                assert reply.status == status


async def test_too_many_and_too_large_requests_are_refused() -> None:
    async with rehearsal(max_sessions=1) as it:
        huge = io.BytesIO(b" " * (MAX_BODY + 1))
        async with it.http.post("/v1/chat/completions", data=huge) as reply:
            assert reply.status == 413
        with it.gate.session():
            async with it.post(messages=[{"role": "user", "content": "hello"}]) as reply:
                assert reply.status == 503
                assert reply.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("SCRIPTED_SCRIPTS", "/nowhere", "/nowhere: holds no script"),
        ("SCRIPTED_PACE", "fast", "bad setting SCRIPTED_PACE: "),
        ("SCRIPTED_LISTEN__PORT", "0", "bad setting SCRIPTED_LISTEN__PORT: "),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(
    name: str,
    value: str,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(complaint)
    assert said.count("\n") == 1
