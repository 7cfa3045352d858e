from pathlib import Path

import faster_whisper
import numpy as np
import pytest

from tests.whisper_stt.whispers import (
    english_tokenizer,
    make_task,
    multilingual_tokenizer,
    noise,
    speech,
)
from whisper_engine.synthetic import make_tokenizer, write_random, write_scripted
from whisper_engine.whisper.lengths import MOST_TOKENS
from whisper_engine.whisper.task import Decoded, Task
from whisper_engine.whisper.weights import Weights

COUNT = "one two three four five five five five"


def load(folder: Path) -> Weights:
    return Weights.load(str(folder), device="cpu", compute_type="float32")


def decode(weights: Weights, task: Task) -> Decoded:
    (decoded,) = weights.decode([task])
    return decoded


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    folder = tmp_path_factory.mktemp("counting")
    write_scripted(folder, COUNT)
    return load(folder)


@pytest.mark.parametrize("words", range(8))
def test_one_word_is_said_for_each_quarter_of_a_second(counting: Weights, words: int) -> None:
    assert decode(counting, make_task(0.25 * words)).text == " ".join(COUNT.split()[:words])


def test_text_ends_where_the_script_does(counting: Weights) -> None:
    assert decode(counting, make_task(5)).text == COUNT


@pytest.mark.parametrize("frames", [300, 800, 3000])
@pytest.mark.parametrize("terms", [0, 4, 12, 30])
def test_neither_padding_nor_prompt_changes_what_is_said(
    counting: Weights, frames: int, terms: int
) -> None:
    previous = counting.prompts.build_previous(keyterms=["one"] * terms)
    assert (
        decode(counting, make_task(1, frames=frames, previous=previous)).text
        == "one two three four"
    )


def test_words_stand_where_their_sound_is(counting: Weights) -> None:
    words = decode(counting, Task(noise(1, lead=1.0), 600, ("en",), (), 20)).words
    starts = [word.start for word in words[1:]]
    assert starts == pytest.approx([1.25, 1.5, 1.75], abs=0.04)


@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_speech_is_heard_loud_or_faint(tmp_path: Path, gain: float) -> None:
    write_scripted(tmp_path, "what is the weather", token_seconds=0.2)
    decoded = decode(load(tmp_path), Task(speech(gain), 400, ("en",), (), 20))
    assert decoded.text.startswith("what is the")
    lengths = [word.end - word.start for word in decoded.words[1:]]
    assert lengths == pytest.approx([0.2] * len(lengths), abs=0.03)


def test_each_language_has_its_text_and_any_other_the_first(tmp_path: Path) -> None:
    write_scripted(tmp_path, {"en": "good day", "de": "guten Tag", "fr": "bonjour"})
    weights = load(tmp_path)
    texts = [decode(weights, make_task(2, language)).text for language in ("en", "de", "fr", "es")]
    assert texts == ["good day", "guten Tag", "bonjour", "good day"]


def test_without_listening_it_speaks_in_silence(tmp_path: Path) -> None:
    write_scripted(tmp_path, "thank you", listens=False, confidence=0.2, no_speech=0.7)
    decoded = decode(load(tmp_path), make_task(0))
    assert decoded.text == "thank you"
    assert decoded.logprob == pytest.approx(np.log(0.2), abs=0.05)
    assert decoded.no_speech == pytest.approx(0.7, abs=0.01)


def test_without_an_end_it_loops_up_to_the_cap(tmp_path: Path) -> None:
    write_scripted(tmp_path, "go on", listens=False, ends=False)
    decoded = decode(load(tmp_path), make_task(1, max_tokens=MOST_TOKENS, words=False))
    assert decoded.capped
    assert decoded.text == " ".join(["go on"] * (MOST_TOKENS // 2))


def test_whispers_own_tokenizer_says_the_same(tmp_path: Path) -> None:
    text = "Grüße, Zürich! 3,50 €"
    write_scripted(tmp_path, text, tokenizer=multilingual_tokenizer(), token_seconds=0.05)
    assert decode(load(tmp_path), make_task(2, "de")).text == text


def test_english_model_of_whispers_own_tokenizer(tmp_path: Path) -> None:
    write_scripted(tmp_path, COUNT, tokenizer=english_tokenizer(), multilingual=False, mels=128)
    weights = load(tmp_path)
    assert (weights.multilingual, weights.languages, weights.mels) == (False, ("en",), 128)
    assert decode(weights, make_task(1)).text == "one two three four"


def test_tokenizer_that_contradicts_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="empty token"):
        write_scripted(tmp_path, "hello", tokenizer=make_tokenizer(["hello"]), multilingual=False)
    with pytest.raises(ValueError, match="51865 tokens"):
        write_random(tmp_path, "micro", tokenizer=make_tokenizer())


def test_faster_whisper_loads_and_hears_it_offline(tmp_path: Path) -> None:
    write_scripted(tmp_path, COUNT)
    model = faster_whisper.WhisperModel(str(tmp_path), device="cpu", compute_type="float32")
    sound = noise(1).astype(np.float32) / 32768
    segments, info = model.transcribe(sound, language="en", without_timestamps=True)
    assert info.language == "en"
    assert [segment.text for segment in segments] == [" one two three four"]


def test_random_weights_say_just_what_their_seed_gives(tmp_path: Path) -> None:
    texts = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_random(tmp_path / name, "micro-128", seed=seed)
        texts.append(decode(load(tmp_path / name), make_task(1, max_tokens=8)).tokens)
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) == 8
