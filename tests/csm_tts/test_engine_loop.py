"""The loop under the thread, turn by turn on a clock of the test's own."""

import asyncio

import pytest
import torch

from csm_engine.csm.model import Csm
from csm_engine.csm.synthetic import TINY, random_model
from csm_engine.engine.device import Host, Run
from csm_engine.engine.talk import Append, Close, Cut, Reset, Stop
from csm_engine.model import SpeakError
from tests.csm_tts.csm_folders import batch
from tests.csm_tts.desk import HELLO, LONG, NEVER, OPEN, Desk, assert_same, taken, talk

pytestmark = pytest.mark.engine

PARTS = ("queue", "prefill", "frame")


@pytest.fixture(scope="module")
def model() -> Csm:
    torch.set_num_threads(1)
    return random_model(TINY, seed=1)


async def test_a_step_ahead_says_the_same(model: Csm) -> None:
    sounds = []
    for in_flight in (1, 2):
        desk = Desk(batch(model, guards=NEVER, pages=128), in_flight=in_flight)
        pages = desk.rows.free_pages
        one, other = talk(), talk("ben")
        first, second = (desk.say(one, HELLO), desk.say(other, LONG))
        heard = [asyncio.create_task(taken(ticket)) for ticket in (first, second)]
        await desk.work()
        sounds.append([await sound for sound in heard])
        sounds[-1].append(await desk.spoken(one, OPEN))
        for each in (one, other):
            desk.inbox.put(Close(each))
        await desk.work()
        assert (desk.rows.free_pages, desk.rows.free_slots) == (pages, 4)
    for got, wanted in zip(*sounds, strict=True):
        assert_same(got, wanted)


async def test_a_live_sentence_is_made_no_further_ahead_than_two_seconds(model: Csm) -> None:
    desk = Desk(batch(model, guards=NEVER))
    ticket = desk.say(talk(live=True), LONG)
    taking = asyncio.create_task(taken(ticket))
    wait = await desk.work()
    assert wait is not None
    assert 0 < wait < 0.6
    before = desk.now
    while not taking.done():
        await desk.work(taking.done)
        desk.now += 0.1
    # 109 frames are 8.7 s of sound: all but the last two seconds' worth waited for the clock.
    assert 6.0 < desk.now - before < 8.0
    assert len(await taking) == 109 * 3840


async def test_a_second_sentence_follows_from_the_first(model: Csm) -> None:
    desk = Desk(batch(model, guards=NEVER))
    forgets, remembers = talk(remembers="nothing"), talk()
    assert await desk.spoken(forgets, HELLO) == await desk.spoken(remembers, HELLO)
    assert await desk.spoken(forgets, OPEN) != await desk.spoken(remembers, OPEN)
    desk.inbox.put(Reset(remembers))
    assert await desk.spoken(forgets, OPEN) == await desk.spoken(remembers, OPEN)


async def test_what_nobody_heard_was_never_said(model: Csm) -> None:
    """A conversation that was interrupted goes on as one that knows what was heard alone."""
    desk = Desk(batch(model, guards=NEVER))
    fresh, cut = talk(), talk()
    await desk.spoken(cut, LONG, utterance="a")
    desk.inbox.put(Cut(cut, "a", 0.5))
    assert await desk.spoken(cut, OPEN) == await desk.spoken(fresh, OPEN)


async def test_a_turn_of_the_caller_changes_what_follows(model: Csm) -> None:
    desk = Desk(batch(model, guards=NEVER))
    alone, told = talk(remembers="texts"), talk(remembers="texts")
    desk.inbox.put(Append(told, "caller", "Are you open today?"))
    assert await desk.spoken(told, OPEN) != await desk.spoken(alone, OPEN)


async def test_what_was_told_is_read_before_it_is_needed(model: Csm) -> None:
    desk = Desk(batch(model, guards=NEVER))
    told = talk(remembers="texts")
    free = desk.rows.free_pages
    desk.inbox.put(Append(told, "caller", "Are you open today, or do I come again tomorrow?"))
    assert await desk.work() is None
    assert desk.rows.free_pages < free


async def test_pages_of_those_who_are_silent_are_given_up_for_one_who_speaks(model: Csm) -> None:
    roomy, narrow = (Desk(batch(model, ["ada"], guards=NEVER, pages=pages)) for pages in (64, 12))
    for desk in (roomy, narrow):
        quiet = [talk() for _ in range(4)]
        for each in quiet:
            await desk.spoken(each, HELLO)
        desk.inbox.put(Stop(quiet[0], desk.say(quiet[0], HELLO)))
    assert await narrow.spoken(talk(), HELLO) == await roomy.spoken(talk(), HELLO)


async def test_one_sentence_at_a_time(model: Csm) -> None:
    desk = Desk(batch(model, guards=NEVER))
    one = talk()
    desk.say(one, LONG)
    second = desk.say(one, HELLO)
    desk.loop.turn()
    with pytest.raises(SpeakError, match="one sentence at a time"):
        await taken(second)


async def test_what_a_listener_waited_for_is_counted_by_part(model: Csm) -> None:
    desk = Desk(batch(model, guards=NEVER, slots=1))
    first, second = talk(live=True), talk(live=True)
    held = desk.say(first, LONG)
    desk.loop.turn()
    taking = asyncio.create_task(taken(desk.say(second, HELLO)))
    desk.loop.turn()
    desk.now += 0.5
    desk.inbox.put(Stop(first, held))
    await desk.work()
    assert desk.counted("rows") == 1
    while not taking.done():
        await desk.work(taking.done)
        desk.now += 0.1
    parts = {part: desk.counted("first_sound_seconds_sum", part=part) for part in PARTS}
    assert parts == {"queue": 0.5, "prefill": 0.0, "frame": 0.0}
    assert desk.counted("first_sound_seconds_count", part="frame") == 2
    assert desk.counted("ahead_seconds_count") > 2
    assert desk.counted("ahead_seconds_bucket", le="2.5") == desk.counted("ahead_seconds_count")
    assert desk.counted("rows") == 0


async def test_after_a_step_that_broke_a_conversation_goes_on_from_its_words(model: Csm) -> None:
    """What a broken step wrote, or did not, is never looked at again."""
    breaks: list[bool] = []

    class Fragile(Host):
        def captured(self, run: Run) -> Run:
            def broken() -> None:
                run()
                if breaks and breaks.pop():
                    raise RuntimeError("told to break")

            return broken

    desks = [Desk(batch(model, guards=NEVER, device=device)) for device in (Host(), Fragile())]
    sounds = []
    for desk in desks:
        one = talk()
        await desk.spoken(one, HELLO)
        if desk is desks[1]:
            breaks.append(True)
            with pytest.raises(SpeakError, match="failed"):
                await desk.spoken(one, LONG)
        sounds.append(await desk.spoken(one, OPEN))
    assert_same(*sounds)
