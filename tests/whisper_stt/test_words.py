from collections.abc import Sequence

from faster_whisper.tokenizer import Tokenizer
from hypothesis import given
from hypothesis import strategies as st

from tests.whisper_stt.whispers import multilingual_tokenizer
from whisper_engine.whisper.task import DecodedWord
from whisper_engine.whisper.words import make_words


def words_of(
    text: str, starts: Sequence[int], language: str = "en", probabilities: Sequence[float] = ()
) -> tuple[DecodedWord, ...]:
    """Aligned so that each token, the end token too, begins at its frame."""
    tokenizer = Tokenizer(multilingual_tokenizer(), True, "transcribe", language)
    tokens = tokenizer.encode(text)
    assert len(starts) == len(tokens) + 1
    path = [(0, frame) for frame in range(starts[0])]
    path += [(token, frame) for token, frame in enumerate(starts)]
    return make_words(tokens, path, probabilities or [0.5] * len(tokens), tokenizer)


def test_words_are_where_their_first_token_begins() -> None:
    # " Parley" is two tokens.
    found = words_of(" an Parley day", [0, 10, 15, 40, 55], probabilities=[0.5, 0.25, 0.75, 1.0])
    assert found == (
        DecodedWord(" an", 0.0, 0.2, 0.5),
        DecodedWord(" Parley", 0.2, 0.8, 0.5),
        DecodedWord(" day", 0.8, 1.1, 1.0),
    )


def test_punctuation_joins_its_word_and_does_not_lengthen_it() -> None:
    found = words_of(" Yes, no?", [0, 20, 30, 50, 60])
    assert [(word.text, word.end) for word in found] == [(" Yes,", 0.4), (" no?", 1.0)]


def test_opening_quote_joins_the_word_behind_it() -> None:
    assert [word.text for word in words_of(' a "test"', [0, 5, 10, 20, 30])] == [" a", ' "test"']


def test_language_without_spaces_is_split_at_characters() -> None:
    text = "日本語です"
    found = words_of(text, [0, 5, 10, 15], "ja")
    assert "".join(word.text for word in found) == text
    assert len(found) > 1


def test_silence_before_the_first_word_is_not_its_own() -> None:
    found = words_of(" one two three", [0, 100, 120, 140])
    assert [(word.start, word.end) for word in found] == [(1.2, 2.0), (2.0, 2.4), (2.4, 2.8)]


def test_a_single_word_after_silence_keeps_a_plausible_length() -> None:
    (word,) = words_of(" yes", [0, 200])
    assert (word.start, word.end) == (2.6, 4.0)


def test_no_tokens_no_words() -> None:
    assert words_of("", [0]) == ()


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40), st.data())
def test_words_hold_the_whole_text_in_order(text: str, data: st.DataObject) -> None:
    number = len(multilingual_tokenizer().encode(text).ids)
    starts = sorted(
        data.draw(st.lists(st.integers(0, 500), min_size=number + 1, max_size=number + 1))
    )
    found = words_of(text, starts)
    assert "".join(word.text for word in found) == text
    assert [word.start for word in found] == sorted(word.start for word in found)
    assert all(word.start <= word.end for word in found)
