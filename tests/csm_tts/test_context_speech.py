"""A conversation goes on from what it keeps as if all of it were read again from scratch."""

from collections.abc import Callable
from functools import partial

import pytest
import torch

from csm_engine.context.context import Context
from csm_engine.csm.model import Csm
from csm_engine.csm.prompt import Segment
from csm_engine.csm.synthetic import TINY, random_model
from csm_engine.protocol import FRAME_SECONDS
from tests.csm_tts.csm_contexts import Calls, sound
from tests.csm_tts.csm_rows import alone

pytestmark = pytest.mark.engine

FRAMES = 10
WORDS = "one two three four"
"""1.6 s by its length: 20 frames."""


@pytest.fixture(scope="module")
def model() -> Csm:
    torch.set_num_threads(1)
    return random_model(TINY, seed=1)


@pytest.mark.parametrize("ahead", [0, 1, 3])
@pytest.mark.parametrize("page_size", [4, 16, 64])
def test_the_second_sentence_follows_the_first(model: Csm, page_size: int, ahead: int) -> None:
    calls = Calls(model, page_size=page_size)
    context = calls.context()
    first = calls.say(context, "One.", 6, ahead=ahead)
    assert len(context.unread) == (1 if ahead else 2), "its end, and a frame that was made last"
    second = calls.say(context, "Two.", FRAMES)
    history = [Segment(0, "One.", first)]
    assert torch.equal(second, calls.oracle(history, "Two.", FRAMES))
    third = calls.say(context, "Three.", FRAMES)
    assert torch.equal(
        third, calls.oracle([*history, Segment(0, "Two.", second)], "Three.", FRAMES)
    )


@pytest.mark.parametrize("length", [63, 64, 65])
def test_history_may_end_anywhere_in_a_page(model: Csm, length: int) -> None:
    calls = Calls(model, page_size=64)
    context = calls.context()
    text = "A."
    frames = length - calls.prefix.length - len(model.prompter.text(0, text))
    first = calls.say(context, text, frames)
    assert context.sequence.length == length
    assert torch.equal(
        calls.say(context, "B.", FRAMES), calls.oracle([Segment(0, text, first)], "B.", FRAMES)
    )


@pytest.mark.parametrize("clip", [6, 7, 8])
def test_calls_of_one_voice_do_not_hear_each_other(model: Csm, clip: int) -> None:
    calls = Calls(model, clip=clip, page_size=8)
    assert calls.prefix.length % 8 == (clip - 7) % 8, "the voice ends about the end of a page"
    before = calls.kv.keys[:, calls.prefix.pages].clone()
    pair = [calls.context(), calls.context()]
    firsts = [
        calls.say(context, text, 6) for context, text in zip(pair, ("Ah.", "Oh."), strict=True)
    ]
    for context, text, first in zip(pair, ("Ah.", "Oh."), firsts, strict=True):
        expected = calls.oracle([Segment(0, text, first)], "Go on.", FRAMES)
        assert torch.equal(calls.say(context, "Go on.", FRAMES), expected)
    assert torch.equal(calls.kv.keys[:, calls.prefix.pages], before)
    for context in pair:
        context.close()
    calls.kv.free(calls.prefix)
    assert calls.kv.pool.free == calls.kv.pool.count


@pytest.mark.parametrize("idle", [True, False])
@pytest.mark.parametrize("frames", [None, 5])
def test_a_callers_turn_is_heard(model: Csm, frames: int | None, idle: bool) -> None:
    calls = Calls(model)
    context = calls.context()
    first = calls.say(context, "Well?", 6)
    heard = None if frames is None else sound(frames)
    context.append(1, "I see.", heard)
    if idle:
        calls.idle(context)
        assert not len(context.unread)
    history = [Segment(0, "Well?", first), Segment(1, "I see.", heard)]
    said = calls.say(context, "Good.", FRAMES)
    assert torch.equal(said, calls.oracle(history, "Good.", FRAMES))


def test_a_turn_that_came_while_a_sentence_was_spoken_follows_it(model: Csm) -> None:
    calls = Calls(model)
    context = calls.context()
    prompt = context.ask("u", "Well?")
    context.append(1, "Hm.", None)
    assert not len(context.unread), "idle time must not read into a sentence"
    context.done(sound(0), 0)
    assert len(context.unread) == len(model.prompter.text(1, "Hm."))
    assert torch.equal(prompt.ids, model.prompter.text(0, "Well?").ids)
    said = calls.say(context, "Good.", FRAMES)
    assert torch.equal(said, calls.oracle([Segment(1, "Hm.")], "Good.", FRAMES))


def test_a_sentence_that_was_cut_is_put_right(model: Csm) -> None:
    calls = Calls(model)
    context = calls.context()
    first = calls.say(context, WORDS, 20, lead=2, ahead=2)
    context.cut("u", 14 * FRAME_SECONDS)
    # 14 of the 18 frames that were sent: three words.
    history = [Segment(0, "one two three", first[:16])]
    said = calls.say(context, "Sorry.", FRAMES)
    assert torch.equal(said, calls.oracle(history, "Sorry.", FRAMES))


def test_a_cut_in_the_second_sentence_leaves_the_first_and_what_came_after(model: Csm) -> None:
    calls = Calls(model)
    context = calls.context()
    first = calls.say(context, "Yes.", 4)
    second = calls.say(context, WORDS, 20)
    kept = calls.prefix.length + len(model.prompter.prompt([Segment(0, "Yes.", first)]))
    context.append(1, "Stop.", None)
    context.cut("u", 19 * FRAME_SECONDS)
    assert context.sequence.length == kept
    history = [
        Segment(0, "Yes.", first),
        Segment(0, "one two three", second[:15]),
        Segment(1, "Stop."),
    ]
    calls.idle(context)
    said = calls.say(context, "Sorry.", FRAMES)
    assert torch.equal(said, calls.oracle(history, "Sorry.", FRAMES))


def test_an_old_turn_is_trimmed_and_the_rest_read_again(model: Csm) -> None:
    calls = Calls(model)
    context = calls.context()
    said = [calls.say(context, f"No. {number}", 20) for number in range(5)]
    assert context.trim()
    assert not context.trim()
    assert context.sequence.length == calls.prefix.length
    calls.idle(context)
    history = [Segment(0, f"No. {number}", said[number]) for number in (3, 4)]
    assert torch.equal(calls.say(context, "Next.", FRAMES), calls.oracle(history, "Next.", FRAMES))


def spoil(calls: Calls) -> None:
    """The worst that can lie in pages that nobody holds."""
    for page in range(1, calls.kv.pool.count + 1):
        if not calls.kv.pool.holders(page):
            calls.kv.keys[:, page] = torch.nan
            calls.kv.values[:, page] = torch.nan


@pytest.mark.parametrize(
    "give_back",
    [Context.evict, Context.trim, partial(Context.cut, utterance="u", played=0.0), Context.reset],
)
def test_pages_that_were_given_back_may_be_spoilt(
    model: Csm, give_back: Callable[[Context], object]
) -> None:
    calls = Calls(model, page_size=4)
    context, other = calls.context(), calls.context()
    for number in range(5):
        calls.say(context, f"No. {number}", 20)
    before = context.sequence
    give_back(context)
    spoil(calls)
    calls.say(other, "Mine.", 6)
    left = context.unread
    voice = model.prompter.prompt([calls.voice])
    prompt = context.ask("u", "Next.")
    assert context.sequence is before
    context.done(sound(0), 0)
    said = calls.say(context, "Next.", FRAMES)
    assert torch.equal(said, alone(model, voice + prompt, FRAMES))
    assert len(prompt) == len(left) + len(model.prompter.text(0, "Next."))


def test_an_evicted_conversation_goes_on_as_one_that_was_not(model: Csm) -> None:
    calls = Calls(model)
    pair = [calls.context(), calls.context()]
    for context in pair:
        calls.say(context, "One.", 20)
    free = calls.kv.pool.free
    freed = pair[0].evict()
    assert freed > 0
    assert calls.kv.pool.free == free + freed
    assert pair[0].sequence.pages == calls.prefix.pages
    said = [calls.say(context, "Two.", FRAMES) for context in pair]
    assert torch.equal(*said)


def test_what_remembers_nothing_says_each_sentence_as_its_first(model: Csm) -> None:
    calls = Calls(model)
    context = calls.context("nothing")
    for _ in range(2):
        context.append(1, "Hello?", sound(3))
        context.append(0, "Hello.", None)
        said = calls.say(context, "Hi.", FRAMES)
        assert torch.equal(said, calls.oracle([], "Hi.", FRAMES))
        assert context.sequence.pages == calls.prefix.pages
