"""What a call tells, over a real socket, and what the worker makes of it for Prometheus."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from agent.call import Call
from agent.figures import CallFigures, Figure, Metrics, Post, receiving
from agent.figures.post import VARIABLE
from agent.persona import Persona
from tests.fakes.models import Reply
from tests.fakes.talk import STORY, talk
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")
PARTS = ("detect", "transcribe", "turn", "think", "speak", "play", "whole")


def exported(metrics: Metrics) -> dict[tuple[str, str], float]:
    """By name and the values of the labels; buckets are left out."""
    page = generate_latest(metrics.registry).decode()
    return {
        (each.name.removeprefix("parley_worker_"), ",".join(each.labels.values())): each.value
        for family in text_string_to_metric_families(page)
        for each in family.samples
        if not each.name.endswith(("_bucket", "_created"))
    }


class Counting:
    """A worker's metrics at a socket, and how many figures have come."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self._came = asyncio.Semaphore(0)

    def take(self, figure: Figure) -> None:
        self.metrics.take(figure)
        self._came.release()

    async def until(self, count: int) -> dict[tuple[str, str], float]:
        async with asyncio.timeout(20):
            for _ in range(count):
                await self._came.acquire()
        return exported(self.metrics)


@asynccontextmanager
async def counting() -> AsyncIterator[tuple[Counting, str]]:
    it = Counting()
    async with receiving(it.take) as address:
        yield it, address


def post(address: str) -> Post:
    made = Post.of_worker({VARIABLE: address})
    assert made is not None
    return made


async def test_a_calls_figures_reach_the_worker() -> None:
    async with counting() as (worker, address):
        figures = CallFigures(post(address))
        call = Call(id="c1", started_at=10.0, apologies=2)
        call.stalls["starved"] = 3
        figures.begun("inbound")
        call.connecting()
        call.active(11.0)
        call.stopping("caller hung up")
        figures.ended(call, 40.0)
        page = await worker.until(5)
    assert page["calls_begun_total", "inbound"] == 1
    assert page["calls_ended_total", "inbound,answered"] == 1
    assert (page["call_seconds_count", ""], page["call_seconds_sum", ""]) == (1, 30)
    assert page["apologies_total", ""] == 2
    assert page["stalls_total", "starved"] == 3


async def test_what_others_send_counts_for_nothing() -> None:
    async with counting() as (worker, address):
        port = int(address.split()[0])
        for wrong in (
            b"\xff",
            b"[]",
            b'{"key": "x", "figures": [{"name": "apologies", "value": 1, "labels": {}}]}',
        ):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(wrong, ("127.0.0.1", port))
        ours = post(address)
        ours.send([Figure("no_such_metric")])
        ours.send([Figure("stalls", labels={"shoe": "42"})])
        ours.send([Figure("interruptions")])
        page = await worker.until(1)
        ours.close()
    assert page["interruptions_total", ""] == 1
    assert page["apologies_total", ""] == 0


async def test_a_worker_that_is_gone_keeps_no_call_waiting() -> None:
    async with counting() as (_, address):
        left = post(address)
    for _ in range(3):
        left.send([Figure("interruptions")])
    left.close()


def test_where_nobody_counts_nobody_is_told() -> None:
    assert Post.of_worker({}) is None
    CallFigures(None).begun("console")
    CallFigures(None).ended(Call(id="c1", started_at=0.0), 1.0)


class Noted:
    """A sink that is a worker's metrics at once."""

    def __init__(self) -> None:
        self.metrics = Metrics()

    def send(self, figures: Iterable[Figure]) -> None:
        for figure in figures:
            self.metrics.take(figure)

    def close(self) -> None:
        pass


@on_virtual_time
async def test_an_answer_is_measured_by_its_parts_and_an_interruption_counted() -> None:
    sink = Noted()
    async with talk(PERSONA, ["From nine.", STORY]) as call:
        CallFigures(sink).watch(call.session)
        await call.caller.speak(1.0, "When do you open?")
        await call.until_said("From nine.")
        page = exported(sink.metrics)
        took = {part: page["turn_seconds_sum", part] for part in PARTS}
        assert [page["turn_seconds_count", part] for part in PARTS] == [1] * len(PARTS)
        assert took["whole"] == pytest.approx(sum(took.values()) / 2, abs=0.01)
        assert page["interruptions_total", ""] == 0
        await call.told()
        await call.caller.speak(2.0, "No, wait, I have another question.")
        await asyncio.sleep(5.0)
        assert exported(sink.metrics)["interruptions_total", ""] == 1


@on_virtual_time
async def test_failures_of_a_part_are_counted_by_part() -> None:
    sink = Noted()
    async with talk(PERSONA, [Reply(fails=True), "From nine."]) as call:
        CallFigures(sink).watch(call.session)
        await call.caller.speak(1.0, "When do you open?")
        await call.until_said("From nine.")
    assert exported(sink.metrics)["part_failures_total", "mind"] >= 1
