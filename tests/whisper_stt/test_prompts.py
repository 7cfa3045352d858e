import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.whisper_stt.whispers import english_tokenizer, multilingual_tokenizer
from whisper_engine.whisper.prompts import PREVIOUS_LENGTHS, Prompts

many = Prompts(multilingual_tokenizer(), multilingual=True)
english = Prompts(english_tokenizer(), multilingual=False)
texts = st.text(max_size=400)


def said(tokens: tuple[int, ...]) -> str:
    return str(multilingual_tokenizer().decode(list(tokens)))


@settings(max_examples=60)
@given(texts, st.lists(texts, max_size=20), texts)
def test_previous_has_one_of_few_lengths_and_acts_as_text_only(
    initial_prompt: str, keyterms: list[str], context: str
) -> None:
    previous = many.build_previous(initial_prompt, keyterms, context)
    assert len(previous) in PREVIOUS_LENGTHS
    marker, end = 50361, 50257
    assert not previous or previous[0] == marker
    assert all(token < end for token in previous[1:])


def test_start_is_what_whisper_was_trained_on() -> None:
    assert many.start("de") == (50258, 50261, 50359, 50363)
    assert many.align_start("de") == (50258, 50261, 50359)


def test_start_of_an_english_model_names_no_language() -> None:
    assert english.start("en") == (50257, 50362)
    assert english.align_start("en") == (50257,)


def test_start_of_large_v3_is_one_higher_behind_the_languages() -> None:
    v3 = Prompts(multilingual_tokenizer(100), multilingual=True)
    assert v3.start("yue") == (50258, 50358, 50360, 50364)


def test_nothing_makes_no_prompt() -> None:
    assert many.build_previous() == ()
    assert many.build_previous("  ", ["", " "], "\n") == ()


def test_few_keyterms_are_repeated_until_a_length_is_filled() -> None:
    previous = many.build_previous(keyterms=["Zürich", "Parley"])
    assert len(previous) == 16
    assert said(previous).endswith(" Zürich, Parley. Zürich, Parley.")


def test_keyterms_beyond_the_longest_are_left_out_whole_and_from_the_end() -> None:
    text = said(
        many.build_previous(keyterms=[f"Parleyville {number}" for number in range(1000, 1100)])
    )
    assert " Parleyville 1000, Parleyville 1001" in text
    assert "Parleyville 1099" not in text
    assert text.endswith(".")


def test_context_stands_last_and_loses_its_oldest_words() -> None:
    context = " ".join(f"word{number}" for number in range(100))
    previous = many.build_previous("A clinic.", ["Zürich"], context)
    assert len(previous) == 64
    assert said(previous).endswith(" word97 word98 word99")
    assert "word50" not in said(previous)
    assert " Zürich." in said(previous)


def test_context_alone_is_cut_to_a_length_that_it_fills() -> None:
    context = "I would like to book a table for four people on Friday evening at seven please"
    previous = many.build_previous(context=context)
    assert len(previous) == 16
    assert context.endswith(said(previous).strip())


def test_context_too_short_for_any_length_is_left_out() -> None:
    assert many.build_previous(context="And then") == ()


@pytest.mark.parametrize("token", ["<|startoftranscript|>", "<|endoftext|>", "<|de|>", "<|0.00|>"])
def test_special_tokens_in_a_users_text_have_no_effect(token: str) -> None:
    keyterms = [f"{token} Parley", f"Zü{token}rich"]
    previous = many.build_previous(f"We {token} talk.", keyterms, f"Yes {token}")
    assert multilingual_tokenizer().token_to_id(token) not in previous


def test_real_tokenizers_have_whispers_sizes_and_give_text_back() -> None:
    sizes = [multilingual_tokenizer(), multilingual_tokenizer(100), english_tokenizer()]
    assert [tokenizer.get_vocab_size() for tokenizer in sizes] == [51865, 51866, 51864]
    assert multilingual_tokenizer().encode(" And so").ids == [400, 370]
    for text in (" And so my fellow Americans", " Grüße aus Köln, 3,50 € — naïve 日本語"):
        for tokenizer in sizes:
            assert tokenizer.decode(tokenizer.encode(text).ids) == text
