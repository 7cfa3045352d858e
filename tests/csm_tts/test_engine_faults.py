"""What goes wrong in one conversation, or comes when nobody expects it: the others go on."""

import asyncio
import time

import pytest
import torch

from csm_engine.csm.model import Csm
from csm_engine.csm.synthetic import TINY, random_model
from csm_engine.engine.engine import Engine
from csm_engine.engine.inbox import Inbox
from csm_engine.engine.loop import Loop
from csm_engine.engine.talk import Append, Close, Cut, Do, Reset
from csm_engine.engine.watch import Watch
from csm_engine.model import SpeakError
from tests.csm_tts.csm_folders import batch, voice
from tests.csm_tts.desk import HELLO, LONG, NEVER, OPEN, Desk, assert_same, fragile, taken, talk

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def model() -> Csm:
    torch.set_num_threads(1)
    return random_model(TINY, seed=1)


@pytest.mark.parametrize("in_flight", [1, 2])
async def test_a_reply_is_cut_while_the_next_one_is_spoken(model: Csm, in_flight: int) -> None:
    """As a client cuts all replies of which it has sound: the older one first."""
    desk = Desk(batch(model, guards=NEVER), in_flight=in_flight)
    late, early = talk(), talk()
    for each in (late, early):
        await desk.spoken(each, LONG, utterance="a")
    desk.inbox.put(Cut(early, "a", 0.0))
    ticket = desk.say(late, HELLO, utterance="b")
    taking = asyncio.create_task(taken(ticket))
    desk.loop.turn()
    desk.inbox.put(Cut(late, "a", 0.0))
    await desk.work()
    await taking
    for each in (late, early):
        desk.inbox.put(Cut(each, "b", 0.0))
    assert_same(await desk.spoken(late, OPEN), await desk.spoken(early, OPEN))


async def test_what_is_forgotten_in_the_middle_of_a_sentence_is_forgotten_at_its_end(
    model: Csm,
) -> None:
    desk = Desk(batch(model, guards=NEVER))
    fresh, forgot = talk(), talk()
    await desk.spoken(forgot, OPEN)
    taking = asyncio.create_task(taken(desk.say(forgot, HELLO)))
    desk.loop.turn()
    desk.inbox.put(Append(forgot, "agent", "Never mind."))
    desk.inbox.put(Reset(forgot))
    await desk.work()
    assert await taking
    assert await desk.spoken(forgot, OPEN) == await desk.spoken(fresh, OPEN)


async def test_a_conversation_that_is_closed_while_it_speaks_is_told_and_gives_all_back(
    model: Csm,
) -> None:
    desk = Desk(batch(model, guards=NEVER, slots=1), in_flight=2)
    free = desk.rows.free_pages
    one, other = talk(), talk()
    speaking, waiting = desk.say(one, LONG), desk.say(other, LONG)
    for _ in range(5):
        desk.loop.turn()
    for each in (one, other):
        desk.inbox.put(Close(each))
    await desk.work()
    for ticket in (speaking, waiting):
        with pytest.raises(SpeakError, match="closed"):
            await taken(ticket)
    assert (desk.rows.free_pages, desk.rows.free_slots) == (free, 1)
    assert await desk.spoken(talk(), HELLO)


async def test_a_voice_that_is_added_takes_the_pages_of_those_who_are_silent(model: Csm) -> None:
    rows = batch(model, ["ada"], guards=NEVER, pages=14, spare=1)
    desk = Desk(rows)
    for _ in range(3):
        await desk.spoken(talk(), HELLO)
    eve = voice(model, "eve", seed=2, clip_frames=80)
    held = rows.free_pages
    rows.contexts.add_voice(eve)
    assert held * 16 < len(eve.codes)
    assert await desk.spoken(talk("eve"), HELLO)


async def test_a_sentence_that_finds_no_memory_takes_no_place(model: Csm) -> None:
    backbone, rows = fragile(model)
    desk = Desk(rows)
    one, fresh = talk(), talk()
    await desk.spoken(one, HELLO)
    await desk.spoken(fresh, HELLO)
    free = rows.free_pages
    backbone.embeds = 1
    with pytest.raises(SpeakError, match="failed") as raised:
        await desk.spoken(one, LONG)
    assert raised.value.retryable
    assert (rows.free_pages, rows.free_slots) == (free, 4)
    assert_same(await desk.spoken(one, OPEN), await desk.spoken(fresh, OPEN))


async def test_what_finds_no_memory_to_be_read_early_is_read_with_its_sentence(model: Csm) -> None:
    backbone, rows = fragile(model)
    desk = Desk(rows)
    told, other = talk(remembers="texts"), talk(remembers="texts")
    backbone.forwards, free = 1, rows.free_pages
    for each in (told, other):
        desk.inbox.put(Append(each, "caller", "Are you open today?"))
    assert await desk.work() is None
    assert backbone.forwards == 0
    assert rows.free_pages < free, "the other's turn is read without a further word"
    for each in (told, other):
        desk.inbox.put(Append(each, "caller", "Or tomorrow?"))
    assert await desk.work() is None
    assert_same(await desk.spoken(told, OPEN), await desk.spoken(other, OPEN))


async def test_a_turn_that_ends_in_an_error_leaves_the_other_commands(model: Csm) -> None:
    """Nothing that the wire can send does this: it is for what nobody thought of."""
    desk = Desk(batch(model, guards=NEVER))

    def fail() -> None:
        raise RuntimeError("told to fail")

    desk.inbox.put(Do(fail, lambda error: None))
    assert await desk.spoken(talk(), HELLO)


async def test_work_for_an_engine_that_stopped_is_refused(model: Csm) -> None:
    engine = Engine(lambda inbox: Loop(batch(model), inbox, time.monotonic, Watch()))
    async with engine.running():
        await engine.do(lambda: None)
    with pytest.raises(SpeakError, match="stopped"):
        await engine.do(lambda: None)


async def test_work_that_nobody_took_before_the_end_is_told() -> None:
    inbox, told = Inbox(), list[SpeakError]()
    inbox.open()
    inbox.put(Do(lambda: None, told.append))
    inbox.shut("the device has failed")
    assert [str(error) for error in told] == ["the device has failed"]


@pytest.mark.parametrize("in_flight", [1, 2])
async def test_sound_is_handed_over_before_anything_else_is_done(
    model: Csm, in_flight: int
) -> None:
    """What comes while a step is waited for is known to the next plan."""
    desk = Desk(batch(model, guards=NEVER), in_flight=in_flight)
    ticket = desk.say(talk(), HELLO)
    sounds = ticket.sounds()
    for _ in range(in_flight):
        desk.loop.turn()
    assert await anext(sounds)
