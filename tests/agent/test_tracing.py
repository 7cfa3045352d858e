"""Sockets to the engines carry the trace of whoever opens them; what is exported holds no number."""

import aiohttp
from aiohttp import web
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent.trace_export import Reticent
from agent.tracing import told_to_engines
from parley_serving.telemetry import ENDPOINT

ON = {ENDPOINT: "http://127.0.0.1:4318"}


async def test_a_socket_is_opened_with_the_trace_that_it_is_opened_in() -> None:
    came: list[str | None] = []

    async def engine(request: web.Request) -> web.WebSocketResponse:
        came.append(request.headers.get("traceparent"))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/v1/session", engine)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = "http://{}:{}/v1/session".format(*runner.addresses[0][:2])
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("call")
    try:
        for environment in (ON, {}):
            async with aiohttp.ClientSession(trace_configs=told_to_engines(environment)) as http:
                with trace.use_span(span):
                    await (await http.ws_connect(url)).close()
    finally:
        await runner.cleanup()
    context = span.get_span_context()
    assert came == [
        f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}",
        None,
    ]


def test_no_number_leaves_the_process_whoever_put_it_there() -> None:
    kept = InMemorySpanExporter()
    spans = TracerProvider(shutdown_on_exit=False)
    spans.add_span_processor(SimpleSpanProcessor(Reticent(kept)))
    told: dict[str, str | float] = {
        "lk.sip.h.x-account": "Ada",
        "room": "call-_+15550142424",
        "lk.e2e_latency": 0.7,
    }
    with spans.get_tracer("test").start_as_current_span("call", attributes=told) as span:
        span.add_event("joined", {"who": ["sip_+15550142424"], "kind": "sip"})
    spans.shutdown()
    (exported,) = kept.get_finished_spans()
    assert dict(exported.attributes or {}) == {"lk.e2e_latency": 0.7}
    assert [dict(event.attributes or {}) for event in exported.events] == [{"kind": "sip"}]
    assert exported.context == span.get_span_context()
