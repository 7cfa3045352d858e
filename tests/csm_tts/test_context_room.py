"""What a conversation may take up: positions, pages, and what it gives up for the next sentence."""

import pytest
import torch

from csm_engine.context.budget import Budget
from csm_engine.csm.prompt import PromptError, Segment
from csm_engine.protocol import FRAME_SECONDS
from tests.csm_tts.csm_contexts import PROMPTER, Call, sound

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("positions", "budget"),
    [
        (2048, Budget(1100, 500, 250)),
        (4096, Budget(1100, 500, 250)),
        (256, Budget(137, 62, 68)),
    ],
)
def test_a_smaller_model_remembers_less(positions: int, budget: Budget) -> None:
    assert Budget.of(positions) == budget


def test_idle_time_drops_the_oldest_turns_to_half_of_what_may_be_kept() -> None:
    call = Call()
    said = [call.say(f"No. {number}", 30) for number in range(3)]
    assert not call.context.trim(), "120 tokens are no more than 137"
    said.append(call.say("No. 3", 30))
    assert call.context.trim()
    assert call.context.sequence.pages == call.prefix.pages
    call.remembers(Segment(0, "No. 3", said[3]))


def test_a_sentence_that_would_not_fit_drops_old_turns_before_it() -> None:
    call = Call(voice=20)
    said = [call.say(f"No. {number}", 31) for number in range(4)]
    prompt = call.context.ask("u", "No. 4")
    expected = PROMPTER.prompt([Segment(0, "No. 3", said[3]), Segment(0, "No. 4")])
    assert prompt.ids.tolist() == expected.ids.tolist()
    assert call.context.sequence.length == 20


def test_a_sentence_as_long_as_its_voice_allows_is_all_that_is_remembered() -> None:
    call = Call(voice=20)
    call.say("Before.", 5)
    longest = call.kv.max_length - 20 - call.budget.reserve
    text = "x" * (longest - len(PROMPTER.text(0, "x")) + 1)
    with pytest.raises(ValueError, match=r"175 tokens.* positions for 174: split it"):
        call.context.ask("u", text + "x")
    assert call.context.sequence.length > 20, "nothing was changed"
    prompt = call.context.ask("u", text)
    assert len(prompt) == longest
    assert call.context.sequence.length == 20


def test_a_text_without_words_changes_nothing() -> None:
    call = Call()
    said = call.say("Yes.", 5)
    length = call.context.sequence.length
    with pytest.raises(PromptError, match="without words"):
        call.context.ask("u", " ")
    with pytest.raises(PromptError, match="without words"):
        call.context.append(1, " ", None)
    with pytest.raises(PromptError, match="shape"):
        call.context.append(1, "Hm.", torch.zeros(3, 7, dtype=torch.long))
    assert call.context.sequence.length == length
    call.remembers(Segment(0, "Yes.", said))


def test_turns_without_a_sentence_among_them_take_up_no_more_than_the_model_has() -> None:
    call = Call()
    for number in range(200):
        call.context.append(1, f"No. {number}", None)
        assert len(call.context.unread) <= call.kv.max_length
    last = PROMPTER.text(1, "No. 199").ids.tolist()
    assert call.context.unread.ids.tolist()[-len(last) :] == last


def test_turns_that_come_during_a_sentence_are_bounded() -> None:
    call = Call()
    call.context.ask("u", "Yes.")
    for number in range(200):
        call.context.append(1, f"No. {number}", None)
    call.context.done(sound(0), 0)
    assert len(call.context.unread) <= call.budget.history
    last = PROMPTER.text(1, "No. 199").ids.tolist()
    assert call.context.unread.ids.tolist()[-len(last) :] == last


def test_one_sentence_at_a_time() -> None:
    call = Call()
    with pytest.raises(RuntimeError, match="no sentence is being spoken"):
        call.context.done(sound(3), 0)
    call.say("Yes.", 30)
    call.context.ask("u", "No.")
    with pytest.raises(RuntimeError, match="end it first"):
        call.context.ask("u", "No.")
    assert not call.context.trim()
    assert call.context.evict() == 0


def test_no_more_is_counted_than_was_read() -> None:
    call = Call()
    call.context.append(1, "Hello?", None)
    with pytest.raises(ValueError, match="holds 0 tokens after its prefix, not 1"):
        call.context.read(1)


def test_a_context_is_closed_at_any_time_and_once() -> None:
    call = Call(page_size=4)
    free = call.kv.pool.free
    call.say("Yes.", 5)
    call.context.ask("u", "No.")
    call.kv.extend(call.context.sequence, 3)
    call.context.close()
    call.context.close()
    assert call.kv.pool.free == free
    assert all(call.kv.pool.holders(page) == 1 for page in call.prefix.pages)


def test_sentences_that_are_dropped_were_heard_before_those_that_are_left() -> None:
    call = Call()
    said = [call.say("Yes.", 30) for _ in range(4)]
    assert call.context.trim()
    call.remembers(Segment(0, "Yes.", said[3]))
    call.context.cut("u", (3 * 30 + 15) * FRAME_SECONDS)
    call.remembers(Segment(0, "Yes.", said[3][:15]))
