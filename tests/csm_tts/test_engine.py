"""The engine's thread: who is cancelled, who waits, who is told, and that nothing of it is left."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

import pytest
import torch

from csm_engine.csm.model import Csm
from csm_engine.csm.synthetic import TINY, random_model
from csm_engine.endings.ending import Guards
from csm_engine.engine import engine as threads
from csm_engine.engine.batch import Batch, Row
from csm_engine.engine.engine import Engine
from csm_engine.engine.line import Line, Made
from csm_engine.engine.ticket import AHEAD
from csm_engine.model import SpeakError
from tests.csm_tts.csm_folders import batch

pytestmark = pytest.mark.engine

NEVER = Guards(silent_frames=10_000, repeats=10_000)
MORNING = Line("ada", "Good morning.", seed=1)
LONG = Line("ben", "We are open from nine until five every day.", seed=2)


@pytest.fixture(scope="module")
def model() -> Csm:
    torch.set_num_threads(1)
    return random_model(TINY, seed=1)


class Counting:
    """A batch whose steps are counted, with something done before each."""

    def __init__(self, batch: Batch, before: Callable[[], object] = bool) -> None:
        self._batch = batch
        self._before = before
        self.steps = 0
        self.begin = batch.begin
        self.end = batch.end

    def step(self, rows: Sequence[Row]) -> list[Made | SpeakError]:
        self.steps += 1
        self._before()
        return self._batch.step(rows)


@contextlib.asynccontextmanager
async def running(rows: Batch | Counting) -> AsyncIterator[Engine]:
    engine = Engine(lambda: rows)
    async with engine.running():
        yield engine
    assert "csm-engine" not in {thread.name for thread in threading.enumerate()}


async def heard(engine: Engine, line: Line) -> list[bytes]:
    return [sound async for sound in engine.speak(line)]


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
        sentence = engine.speak(MORNING)
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
        sentence = engine.speak(MORNING)
        assert len([sound async for sound in sentence]) == 39
        await sentence.aclose()
        await until(lambda: (rows.free_slots, rows.free_pages) == (4, free))


async def test_an_engine_that_ended_may_be_started_again(model: Csm) -> None:
    engine = Engine(lambda: batch(model, guards=NEVER))
    for _ in range(2):
        async with engine.running():
            assert len(await heard(engine, MORNING)) == 39


async def test_a_start_that_is_given_up_leaves_no_thread(model: Csm) -> None:
    loading, go = threading.Event(), threading.Event()

    def load() -> Batch:
        loading.set()
        go.wait()
        return batch(model)

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
    rows = Counting(batch(model, guards=NEVER))
    async with running(rows) as engine:
        sentence = engine.speak(LONG)
        await anext(sentence)
        await until(lambda: rows.steps > AHEAD)
        await asyncio.sleep(0.05)
        assert rows.steps <= AHEAD + 1
        assert len([sound async for sound in sentence]) == 108


async def test_one_that_is_not_taken_gives_way_to_its_cancel(model: Csm) -> None:
    rows = batch(model, slots=1, guards=NEVER)
    async with running(rows) as engine:
        untaken = engine.speak(LONG)
        await anext(untaken)
        await asyncio.sleep(0.05)
        await untaken.aclose()
        # The slot is free for who comes next, without a wait.
        assert len(await heard(engine, MORNING)) == 39


async def test_too_many_are_told_to_come_again(model: Csm) -> None:
    async with running(batch(model, slots=1, guards=NEVER)) as engine:
        first = engine.speak(LONG)
        await anext(first)
        with pytest.raises(SpeakError, match="being spoken") as raised:
            await heard(engine, MORNING)
        assert raised.value.retryable
        assert len([sound async for sound in first]) == 108
        assert len(await heard(engine, MORNING)) == 39


async def test_a_queue_has_an_end(model: Csm) -> None:
    blocked = threading.Event()
    rows = Counting(batch(model), before=blocked.wait)
    async with running(rows) as engine:
        sentences = [asyncio.create_task(heard(engine, MORNING)) for _ in range(80)]
        done, _ = await asyncio.wait(sentences, return_when=asyncio.FIRST_COMPLETED)
        blocked.set()
        with pytest.raises(SpeakError, match=f"{threads.WAITING} sentences"):
            done.pop().result()
        await asyncio.gather(*sentences, return_exceptions=True)


async def test_a_step_that_breaks_is_told_and_the_next_sentence_speaks(
    model: Csm, caplog: pytest.LogCaptureFixture
) -> None:
    breaks = iter([False, True])

    def fail() -> None:
        if next(breaks, False):
            raise RuntimeError("told to break")

    rows = Counting(batch(model, guards=NEVER), before=fail)
    async with running(rows) as engine:
        with pytest.raises(SpeakError, match="failed") as raised:
            await heard(engine, MORNING)
        assert raised.value.retryable
        assert "told to break" in caplog.text
        assert len(await heard(engine, MORNING)) == 39


async def test_what_keeps_it_from_loading_is_raised_where_it_was_started() -> None:
    def load() -> Batch:
        raise ValueError("told to fail")

    engine = Engine(load)
    with pytest.raises(ValueError, match="told to fail"):
        async with engine.running():
            pass
    with pytest.raises(SpeakError, match="stopped"):
        await heard(engine, MORNING)


async def test_who_speaks_at_the_end_is_told(model: Csm) -> None:
    engine = Engine(lambda: batch(model, guards=NEVER))
    async with engine.running():
        sentence = engine.speak(LONG)
        await anext(sentence)
    assert await left_of(sentence) is not None


async def left_of(sentence: AsyncGenerator[bytes, None]) -> SpeakError | None:
    try:
        async for _ in sentence:
            pass
    except SpeakError as error:
        return error
    return None
