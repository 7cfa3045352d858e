"""Text that only grows, from texts that change."""

from hypothesis import given
from hypothesis import strategies as st

from whisper_engine.api.deltas import Deltas


def test_text_that_grows_is_sent_once() -> None:
    deltas = Deltas()
    assert deltas.upto("what are") == "what are"
    assert deltas.upto("what are") == ""
    assert deltas.upto("what are your hours") == " your hours"


def test_words_that_change_later_stay_as_they_were_sent() -> None:
    deltas = Deltas()
    deltas.upto("what are your")
    assert deltas.upto("What are your hours?") == " hours?"
    assert deltas.upto("What are") == ""
    assert deltas.upto("What are your hours? Please.") == " Please."


@given(st.lists(st.lists(st.sampled_from(["a", "A,", "bb", "c."]), max_size=8)))
def test_the_client_has_as_many_words_as_the_longest_text(texts: list[list[str]]) -> None:
    deltas = Deltas()
    client = ""
    for words in texts:
        client += deltas.upto(" ".join(words))
    assert len(client.split()) == max(map(len, texts), default=0)


@given(st.text("ab 你好", max_size=30), st.lists(st.integers(0, 30)))
def test_prefixes_of_one_text_add_up_to_the_longest(text: str, ends: list[int]) -> None:
    deltas = Deltas()
    client = "".join(deltas.upto(text[:end]) for end in sorted(ends))
    assert client == text[: max(ends, default=0)]
