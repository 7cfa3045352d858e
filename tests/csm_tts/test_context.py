"""What a conversation remembers, by its tokens; a cache without a model takes them."""

import pytest

from csm_engine.csm.prompt import Segment
from csm_engine.protocol import FRAME_SECONDS, Remembers
from tests.csm_tts.csm_contexts import PROMPTER, Call, sound

pytestmark = pytest.mark.engine

WORDS = "one two three four five six"
"""2.4 s by its length: 30 frames."""


@pytest.mark.parametrize(
    ("played", "words", "heard"),
    [
        (0.0, None, 0),
        (0.99, None, 0),
        (1.0, "one two", 12),
        (1.2, "one two three", 15),
        (29 * FRAME_SECONDS, "one two three four five", 29),
        (30 * FRAME_SECONDS, WORDS, 30),
        (60.0, WORDS, 30),
    ],
)
@pytest.mark.parametrize("lead", [0, 3])
def test_what_was_heard_of_a_sentence_stays_if_it_is_a_second(
    played: float, words: str | None, heard: int, lead: int
) -> None:
    call = Call()
    said = call.say(WORDS, 30 + lead, lead=lead)
    call.context.cut("u", played)
    call.remembers(*([] if words is None else [Segment(0, words, said[: lead + heard])]))


@pytest.mark.parametrize(
    ("played", "words", "heard"),
    [
        (0.9, None, 0),
        (1.2, "one two three", 15),
        (1.6, "one two three four", 20),
        (9.0, "one two three four", 20),
    ],
)
def test_words_of_a_sentence_that_was_stopped_are_told_by_the_time_that_they_take(
    played: float, words: str | None, heard: int
) -> None:
    call = Call()
    said = call.say(WORDS, 20, complete=False)
    call.context.cut("u", played)
    call.remembers(*([] if words is None else [Segment(0, words, said[:heard])]))


@pytest.mark.parametrize("idle", [True, False])
def test_a_sentence_that_was_stopped_and_not_cut_has_the_words_that_it_came_to(idle: bool) -> None:
    """As when its client was lost: what nobody has said must not wait to be said."""
    call = Call()
    said = call.say(WORDS, 20, complete=False)
    if idle:
        assert call.context.trim()
    else:
        call.context.ask("v", "No.")
        call.context.done(said[:0], 0)
    call.remembers(Segment(0, "one two three four", said))


def test_a_short_sentence_that_was_heard_whole_stays() -> None:
    call = Call()
    said = [call.say("Yes.", 5), call.say("No.", 6)]
    call.context.cut("u", 11 * FRAME_SECONDS)
    call.remembers(Segment(0, "Yes.", said[0]), Segment(0, "No.", said[1]))


def test_a_sentence_of_which_nothing_was_sent_is_forgotten_by_a_cut() -> None:
    call = Call()
    call.say("Yes.", 3, lead=3)
    call.context.cut("u", 0.0)
    call.remembers()


def test_a_cut_is_counted_over_all_sentences_of_its_utterance_alone() -> None:
    call = Call()
    other = call.say("Before.", 8, utterance="v")
    first = call.say("Yes.", 8, lead=3)
    call.context.append(1, "What?", None)
    second = call.say(WORDS, 30)
    call.say("Never.", 4)
    after = call.say("After.", 4, utterance="w")
    call.context.cut("u", (5 + 15) * FRAME_SECONDS)
    call.remembers(
        Segment(0, "Before.", other),
        Segment(0, "Yes.", first),
        Segment(1, "What?"),
        Segment(0, "one two three", second[:15]),
        Segment(0, "After.", after),
    )


def test_a_cut_twice_is_the_shorter() -> None:
    call = Call()
    said = call.say(WORDS, 30)
    for played, words, heard in (
        (2.0, "one two three four five", 25),
        (2.0, "one two three four five", 25),
        (1.2, "one two three", 15),
        (2.0, "one two three", 15),
    ):
        call.context.cut("u", played)
        call.remembers(Segment(0, words, said[:heard]))
    call.context.cut("u", 0.0)
    call.remembers()


def test_an_utterance_that_is_not_known_is_not_cut() -> None:
    call = Call()
    said = call.say("Yes.", 5)
    read = call.context.sequence.length
    call.context.cut("x", 0.0)
    assert call.context.sequence.length == read
    call.remembers(Segment(0, "Yes.", said))


def test_a_cut_reads_again_no_more_than_it_must() -> None:
    call = Call()
    call.say("Yes.", 5)
    call.idle()
    kept = call.context.sequence.length
    call.say(WORDS, 30)
    call.context.cut("u", 2.0)
    assert call.context.sequence.length == kept
    assert len(call.context.unread) == len(PROMPTER.text(0, "one two three four")) + 20 + 1


def test_a_sentence_that_was_never_said_leaves_what_was_read_before_it() -> None:
    call = Call()
    call.context.append(1, "Hello?", None)
    turn = len(call.context.unread)
    prompt = call.context.ask("u", "Yes.")
    assert len(prompt) == turn + len(PROMPTER.text(0, "Yes."))
    call.kv.extend(call.context.sequence, turn + 2)
    call.context.read(turn + 2)
    call.context.done(sound(0), 0)
    assert call.context.sequence.length == call.prefix.length + turn
    assert not len(call.context.unread)
    call.remembers(Segment(1, "Hello?"))


def test_what_was_begun_and_not_counted_is_read_again() -> None:
    call = Call()
    call.context.append(1, "Hello?", None)
    call.kv.extend(call.context.sequence, 3)  # a read that failed
    prompt = call.context.ask("u", "Yes.")
    assert call.context.sequence.length == call.prefix.length
    expected = PROMPTER.prompt([Segment(1, "Hello?"), Segment(0, "Yes.")])
    assert prompt.ids.tolist() == expected.ids.tolist()


@pytest.mark.parametrize(
    ("remembers", "kept"),
    [
        ("nothing", []),
        ("agent", [Segment(0, "Mine.")]),
        ("texts", [Segment(1, "Yours."), Segment(0, "Mine.")]),
        ("sounds", [Segment(1, "Yours.", sound(4)), Segment(0, "Mine.")]),
    ],
)
def test_each_remembers_what_it_is_to(remembers: Remembers, kept: list[Segment]) -> None:
    call = Call(remembers=remembers)
    call.context.append(1, "Yours.", sound(4))
    call.context.append(0, "Mine.", None)
    call.remembers(*kept)


def test_what_lasts_too_long_for_a_segment_is_kept_in_part() -> None:
    call = Call()
    assert call.budget.segment == 68
    call.context.append(1, "Yours.", sound(80))
    call.remembers(Segment(1, "Yours.", sound(80)[12:]))
    call.context.reset()
    said = call.say("a b c d e f g h", 77, lead=1)
    call.remembers(Segment(0, "a b c d e f g", said[:68]))
    after = call.say("On.", 5)
    call.context.cut("u", (76 + 5) * FRAME_SECONDS)
    call.remembers(Segment(0, "a b c d e f g", said[:68]), Segment(0, "On.", after))


def test_an_empty_sound_is_none() -> None:
    call = Call()
    call.context.append(1, "Yours.", sound(0))
    call.remembers(Segment(1, "Yours."))
