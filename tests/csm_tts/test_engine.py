"""The engine's thread: who is cancelled, who waits, who is told, and that nothing of it is left."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import pytest
import torch

from csm_engine.csm.model import Csm
from csm_engine.csm.sampler import Sampling
from csm_engine.csm.synthetic import TINY, random_model
from csm_engine.endings.ending import Guards
from csm_engine.engine.batch import Batch
from csm_engine.engine.device import Host, Run
from csm_engine.engine.engine import Engine
from csm_engine.engine.inbox import WAITING, Inbox
from csm_engine.engine.line import Line
from csm_engine.engine.loop import Loop
from csm_engine.engine.talk import Talk
from csm_engine.engine.ticket import AHEAD
from csm_engine.engine.watch import Watch
from csm_engine.model import SpeakError
from tests.csm_tts.csm_folders import batch

pytestmark = pytest.mark.engine

NEVER = Guards(silent_frames=10_000, repeats=10_000)
MORNING = "ada", Line("Good morning.", Sampling(seed=1))
LONG = "ben", Line("We are open from nine until five every day.", Sampling(seed=2))


@pytest.fixture(scope="module")
def model() -> Csm:
    torch.set_num_threads(1)
    return random_model(TINY, seed=1)


class Counting(Host):
    """A device whose steps are counted, with something done before each."""

    def __init__(self, before: Callable[[], object] = bool) -> None:
        self._before = before
        self.steps = 0

    def captured(self, run: Run) -> Run:
        def counted() -> None:
            self.steps += 1
            self._before()
            run()

        return counted


def loop_of(rows: Batch, inbox: Inbox) -> Loop:
    return Loop(rows, inbox, time.monotonic, Watch())


@contextlib.asynccontextmanager
async def running(rows: Batch) -> AsyncIterator[Engine]:
    engine = Engine(lambda inbox: loop_of(rows, inbox))
    async with engine.running():
        yield engine
    assert "csm-engine" not in {thread.name for thread in threading.enumerate()}


def speak(engine: Engine, line: tuple[str, Line]) -> AsyncGenerator[bytes, None]:
    """In a conversation of its own, as fast as it is made."""
    voice, said = line
    return engine.speak(Talk(voice, live=False), engine.ticket(said))


async def heard(engine: Engine, line: tuple[str, Line]) -> list[bytes]:
    return [sound async for sound in speak(engine, line)]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 -- the thread has no event for it
            await asyncio.sleep(0.002)


async def test_a_crowd_is_heard_to_its_ends_and_all_is_given_back(model: Csm) -> None:
    rows = batch(model, guards=NEVER, pages=128)
    free = rows.free_pages
    async with running(rows) as engine:
        sounds = await asyncio.gather(*(heard(engine, line) for line in (MORNING, LONG, MORNING)))
        await until(lambda: rows.free_slots == 4)
    assert [len(sound) for sound in sounds] == [39, 109, 39]
    assert rows.free_pages == free


async def test_closing_a_sentence_frees_it_while_others_speak(model: Csm) -> None:
    rows = batch(model, guards=NEVER)
    free = rows.free_pages
    async with running(rows) as engine:
        other = asyncio.create_task(heard(engine, LONG))
        sentence = speak(engine, MORNING)
        await anext(sentence)
        await sentence.aclose()
        await sentence.aclose()
        assert len(await other) == 109
        await until(lambda: rows.free_slots == 4)
        assert rows.free_pages == free


async def test_cancelling_before_the_first_frame_and_after_the_last_frees_all(model: Csm) -> None:
    rows = batch(model, guards=NEVER)
    free = rows.free_pages
    async with running(rows) as engine:
        for wait in (0.0, 0.001, 0.003):
            first = asyncio.create_task(heard(engine, LONG))
            await asyncio.sleep(wait)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
        sentence = speak(engine, MORNING)
        assert len([sound async for sound in sentence]) == 39
        await sentence.aclose()
        await until(lambda: (rows.free_slots, rows.free_pages) == (4, free))


async def test_an_engine_that_ended_may_be_started_again(model: Csm) -> None:
    engine = Engine(lambda inbox: loop_of(batch(model, guards=NEVER), inbox))
    for _ in range(2):
        async with engine.running():
            assert len(await heard(engine, MORNING)) == 39


async def test_a_start_that_is_given_up_leaves_no_thread(model: Csm) -> None:
    loading, go = threading.Event(), threading.Event()

    def load(inbox: Inbox) -> Loop:
        loading.set()
        go.wait()
        return loop_of(batch(model), inbox)

    async def start() -> None:
        async with Engine(load).running():
            raise AssertionError("it was given up")

    starting = asyncio.create_task(start())
    await until(loading.is_set)
    starting.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert "csm-engine" not in {thread.name for thread in threading.enumerate()}


async def test_a_sentence_that_nobody_takes_waits_and_goes_on_when_taken(model: Csm) -> None:
    device = Counting()
    async with running(batch(model, guards=NEVER, device=device)) as engine:
        sentence = speak(engine, LONG)
        await anext(sentence)
        await until(lambda: device.steps > 2 * AHEAD)
        await asyncio.sleep(0.05)
        # A frame is a step for its codes and one for its sound; a chunk may be under way.
        assert device.steps <= 2 * (AHEAD + 8)
        assert len([sound async for sound in sentence]) == 108


async def test_one_that_is_not_taken_gives_way_to_its_cancel(model: Csm) -> None:
    rows = batch(model, slots=1, guards=NEVER)
    async with running(rows) as engine:
        untaken = speak(engine, LONG)
        await anext(untaken)
        await asyncio.sleep(0.05)
        await untaken.aclose()
        # The slot is free for who comes next, without a wait.
        assert len(await heard(engine, MORNING)) == 39


async def test_those_who_find_no_slot_wait_for_one(model: Csm) -> None:
    async with running(batch(model, slots=1, guards=NEVER)) as engine:
        first = speak(engine, LONG)
        await anext(first)
        second = asyncio.create_task(heard(engine, MORNING))
        third = asyncio.create_task(heard(engine, MORNING))
        assert len([sound async for sound in first]) == 108
        third.cancel()
        assert len(await second) == 39
        assert len(await heard(engine, MORNING)) == 39


async def test_a_queue_has_an_end(model: Csm) -> None:
    blocked = threading.Event()
    rows = batch(model, device=Counting(before=blocked.wait))
    async with running(rows) as engine:
        sentences = [asyncio.create_task(heard(engine, MORNING)) for _ in range(80)]
        done, _ = await asyncio.wait(sentences, return_when=asyncio.FIRST_COMPLETED)
        blocked.set()
        with pytest.raises(SpeakError, match=f"{WAITING} sentences"):
            done.pop().result()
        await asyncio.gather(*sentences, return_exceptions=True)


async def test_a_step_that_breaks_is_told_and_the_next_sentence_speaks(
    model: Csm, caplog: pytest.LogCaptureFixture
) -> None:
    breaks = iter([False] * 3 + [True])

    def fail() -> None:
        if next(breaks, False):
            raise RuntimeError("told to break")

    rows = batch(model, guards=NEVER, device=Counting(before=fail))
    async with running(rows) as engine:
        with pytest.raises(SpeakError, match="failed") as raised:
            await heard(engine, MORNING)
        assert raised.value.retryable
        assert "told to break" in caplog.text
        assert len(await heard(engine, MORNING)) == 39


async def test_what_keeps_it_from_loading_is_raised_where_it_was_started() -> None:
    def load(_: Inbox) -> Loop:
        raise ValueError("told to fail")

    engine = Engine(load)
    with pytest.raises(ValueError, match="told to fail"):
        async with engine.running():
            pass
    with pytest.raises(SpeakError, match="stopped"):
        await heard(engine, MORNING)


async def test_who_speaks_at_the_end_is_told(model: Csm) -> None:
    engine = Engine(lambda inbox: loop_of(batch(model, guards=NEVER), inbox))
    async with engine.running():
        sentence = speak(engine, LONG)
        await anext(sentence)
    assert await left_of(sentence) is not None


async def left_of(sentence: AsyncGenerator[bytes, None]) -> SpeakError | None:
    try:
        async for _ in sentence:
            pass
    except SpeakError as error:
        return error
    return None


async def test_a_device_that_breaks_for_good_is_told_and_nothing_more_is_taken(
    model: Csm, caplog: pytest.LogCaptureFixture
) -> None:
    class Dead(Batch):
        """Its device can do nothing once a step of it has failed."""

        def check(self) -> None:
            raise RuntimeError("the device is gone")

    steps = iter([False] * 3 + [True])

    def fail() -> None:
        if next(steps, False):
            raise RuntimeError("told to break")

    rows = batch(model, guards=NEVER, device=Counting(before=fail), kind=Dead)
    engine = Engine(lambda inbox: loop_of(rows, inbox))
    async with engine.running():
        with pytest.raises(SpeakError, match="failed") as raised:
            await heard(engine, MORNING)
        assert raised.value.retryable
        await until(lambda: engine.broken is not None)
        assert not engine.has_room()
        with pytest.raises(SpeakError, match="must be started again"):
            await heard(engine, MORNING)
    assert "the device is gone" in caplog.text
    async with engine.running():
        assert engine.broken is None, "it was started again"
