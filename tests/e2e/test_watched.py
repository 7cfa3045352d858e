"""What is seen of a call from outside: one trace of all parts, without a word or number, and metrics."""

from pathlib import Path

import aiohttp
import pytest

from parley.ports import Ports
from tests.e2e.conftest import line_to
from tests.e2e.talk import talking
from tests.fakes.collector import Collector, collecting
from tests.stack import Stack, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "200"}
"""Milliseconds between two sendings."""

SAID = (
    b"Water Street",
    b"your address",
    b"Harbor Dental",
    b"+1555",
    b"1555017",
    b"receptionist of",
)


def whole(collector: Collector) -> bool:
    """All that a call's trace is made of has come."""
    wanted = (
        ("parley-worker", "job_entrypoint"),
        ("parley-worker", "agent_session"),
        ("parley-whisper", "decode"),
        ("parley-csm", "sentence"),
    )
    return all(collector.of(service, name) for service, name in wanted)


async def worker_metrics(stack: Stack) -> str:
    port = Ports.block(int(stack.environment["PARLEY_PORT_BASE"])).worker
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        return await answer.text()


async def test_a_calls_trace_has_the_workers_spans_and_both_engines(tmp_path: Path) -> None:
    async with (
        collecting() as collector,
        parley_up(tmp_path, PARLEY_OTLP_URL=collector.url, **SOON) as stack,
    ):
        async with talking(line_to(stack)) as talk:
            await talk.is_greeted()
            await talk.is_answered()
        await collector.until(lambda: whole(collector))
        page = await worker_metrics(stack)
    (call,) = collector.of("parley-worker", "job_entrypoint")
    engines = [each for each in collector.seen if each.service != "parley-worker"]
    assert {each.trace for each in engines} == {call.trace}
    assert {each.trace for each in collector.of("parley-worker", "agent_session")} == {call.trace}
    spoken = collector.of("parley-csm", "sentence")
    assert [event.name for event in spoken[0].span.events] == ["first frame"]
    assert 'parley_worker_calls_begun_total{direction="inbound"} 1.0' in page
    assert 'parley_worker_calls_ended_total{direction="inbound",outcome="answered"} 1.0' in page
    assert 'parley_worker_turn_seconds_count{part="whole"} 1.0' in page
    everything = b"".join(collector.bodies)
    assert [word for word in SAID if word in everything] == []
