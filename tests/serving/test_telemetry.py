"""An engine's spans join the trace of the call that opened the socket, or are not made at all."""

import asyncio
from dataclasses import replace

import aiohttp
from starlette.websockets import WebSocket

from parley_serving import build_app
from parley_serving.telemetry import ENDPOINT, Tracing, span, tracing
from tests.fakes.collector import collecting
from tests.serving.echo import LIMIT, PATH, Echo
from tests.serving.running import running

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


async def work(websocket: WebSocket) -> None:
    """A span by the session's own task, and one by a task that it begins."""

    async def decode() -> None:
        with span("decode", kind="final") as it:
            it.happened("first frame")
            it.note(frames=3)

    with span("session"):
        await asyncio.create_task(decode())
    await websocket.close()


async def opened(traces: Tracing | None, *headers: dict[str, str]) -> None:
    """A socket for each of the headers, one after the other; the engine then stops."""
    service = replace(Echo().service, session=work, tracing=traces)
    async with (
        running(build_app(service), max_message=LIMIT) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        for each in headers:
            async with http.ws_connect(PATH, headers=each) as socket:
                assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_spans_join_the_trace_that_the_socket_names_and_are_sent_by_the_end() -> None:
    async with collecting() as collector:
        traces = tracing("parley-echo", {ENDPOINT: f"{collector.url}/"})
        await opened(traces, {"traceparent": TRACEPARENT})
        await collector.until(lambda: len(collector.seen) == 2)
    (decode,) = collector.of("parley-echo", "decode")
    (session,) = collector.of("parley-echo", "session")
    assert decode.trace == session.trace == TRACE
    assert decode.span.parent_span_id.hex() == PARENT
    assert [event.name for event in decode.span.events] == ["first frame"]
    assert {each.key for each in decode.span.attributes} == {"kind", "frames"}


async def test_a_socket_of_no_trace_or_of_a_bad_one_has_no_spans() -> None:
    async with collecting() as collector:
        traces = tracing("parley-echo", {ENDPOINT: collector.url})
        wrong = ({"traceparent": "00-zz-zz-01"}, {"traceparent": "x" * 5000})
        await opened(traces, {}, *wrong, {"traceparent": TRACEPARENT})
        await collector.until(lambda: len(collector.seen) >= 2)
    assert {each.trace for each in collector.seen} == {TRACE}


async def test_without_a_collector_nothing_is_traced_and_all_goes_on() -> None:
    assert tracing("parley-echo", {}) is None
    assert tracing("parley-echo", {ENDPOINT: ""}) is None
    await opened(None, {"traceparent": TRACEPARENT})
