from hypothesis import given
from hypothesis import strategies as st

from agent.memory import LONGEST_REST, START, Memory, note, unsaid

words = st.lists(st.text("abcdeéß", min_size=1, max_size=6), max_size=20)


def test_what_was_not_heard_comes_after_what_was() -> None:
    assert unsaid("We open at nine. Shall I book you in?", "We open at") == (
        "nine. Shall I book you in?"
    )


def test_markup_spaces_and_punctuation_do_not_hide_the_place() -> None:
    assert unsaid("We **open** at\n nine, sharp.", "we open at nine") == "sharp."


def test_a_word_half_heard_is_not_said() -> None:
    assert unsaid("We open at nine.", "We open at ni") == "nine."


def test_a_sentence_that_was_skipped_does_not_hide_the_place() -> None:
    written = "That is easy. We open at nine in the morning. Do come."
    assert unsaid(written, "We open at nine in the morning.") == "Do come."


def test_of_words_that_were_never_written_nothing_is_known() -> None:
    assert unsaid("We open at nine.", "Good day to you all, dear callers.") == ""


@given(words, st.integers(0, 20))
def test_said_and_unsaid_are_all_that_was_written(text: list[str], heard: int) -> None:
    assert unsaid(" ".join(text), " ".join(text[:heard])) == " ".join(text[heard:])


def test_the_model_is_told_where_it_was_cut_off_and_what_is_missing() -> None:
    memory = Memory()
    memory.written("s1", "We are open from nine ")
    memory.written("s1", "until six. Shall I book you in?")
    memory.heard("item_1", "We are open from nine", cut=True)
    assert memory.notes == {
        "item_1": '[interrupted] You were cut off after "We are open from nine".'
        ' You had not said yet: "until six. Shall I book you in?"'
    }


def test_a_speech_heard_to_its_end_is_not_spoken_of() -> None:
    memory = Memory()
    memory.written("s1", "We are open.")
    memory.heard("item_1", "We are open.", cut=False)
    memory.unheard("s1", "item_1")
    assert memory.notes == {}


def test_a_speech_of_which_nothing_was_heard_is_told_whole() -> None:
    memory = Memory()
    memory.written("s1", "We are open.")
    memory.unheard("s1", START)
    expected = '[interrupted] You were cut off before a word was heard. You had not said yet: "We are open."'
    assert memory.notes == {START: expected}


def test_the_end_of_an_older_speech_does_not_take_the_newer_ones_words() -> None:
    memory = Memory()
    memory.written("s1", "We are open.")
    memory.written("s2", "Until six.")
    memory.unheard("s1", "item_1")
    memory.heard("item_2", "Until", cut=True)
    assert memory.notes == {"item_2": note("Until", "six.")}


def test_what_was_said_before_a_tool_is_not_missing_after_it() -> None:
    memory = Memory()
    memory.written("s1", "One moment.")
    memory.heard("item_1", "One moment.", cut=False)
    memory.written("s1", "We are open until six.")
    memory.heard("item_2", "We are", cut=True)
    assert memory.notes == {"item_2": note("We are", "open until six.")}


def test_a_long_rest_is_told_in_short_and_on_one_line() -> None:
    told = note("Once", 'upon a "time"\n' * 100)
    assert len(told) < LONGEST_REST + 100
    assert "\n" not in told
    assert told.count('"') == 4
