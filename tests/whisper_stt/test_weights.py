from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import ctranslate2
import numpy as np
import pytest

from tests.whisper_stt.whispers import english_tokenizer, make_task, multilingual_tokenizer
from whisper_engine.synthetic import write_random, write_scripted
from whisper_engine.whisper.device import DeviceError
from whisper_engine.whisper.lengths import MOST_TOKENS
from whisper_engine.whisper.task import Decoded, Task
from whisper_engine.whisper.weights import Weights

TEXT = "Hello, this is a test, five five five five."


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Of Whisper's own tokenizer, sure that it hears German rather than English or French."""
    folder = tmp_path_factory.mktemp("weights")
    write_scripted(
        folder,
        {"en": TEXT, "de": "Guten Tag, wie geht's?", "ja": "日本語です"},
        tokenizer=multilingual_tokenizer(),
        detects={"de": 0.6, "en": 0.3, "fr": 0.1},
    )
    return Weights.load(str(folder), device="cpu", compute_type="float32")


def decode(weights: Weights, task: Task) -> Decoded:
    (decoded,) = weights.decode([task])
    return decoded


def test_text_has_words_with_their_punctuation_times_and_probabilities(weights: Weights) -> None:
    decoded = decode(weights, make_task(4, frames=800))
    assert decoded.text == TEXT
    assert "".join(word.text for word in decoded.words) == " " + TEXT
    assert [word.text for word in decoded.words][:2] == [" Hello,", " this"]
    assert all(word.start < word.end for word in decoded.words)
    assert all(word.end <= after.start for word, after in pairwise(decoded.words))
    assert all(0.9 < word.probability <= 1 for word in decoded.words)


def test_no_words_unless_asked_for(weights: Weights) -> None:
    decoded = decode(weights, make_task(1, words=False))
    assert decoded.text
    assert decoded.words == ()


def test_words_of_a_language_without_spaces(weights: Weights) -> None:
    decoded = decode(weights, make_task(4, "ja"))
    assert decoded.text == "日本語です"
    assert "".join(word.text for word in decoded.words).strip() == decoded.text
    assert len(decoded.words) > 1


def test_silence_has_no_text(weights: Weights) -> None:
    decoded = decode(weights, make_task(0))
    assert (decoded.text, decoded.tokens, decoded.words, decoded.capped) == ("", (), (), False)
    assert decoded.logprob == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("beam", [1, 4])
def test_logprob_is_the_mean_with_the_end_token(weights: Weights, beam: int) -> None:
    decoded = decode(weights, make_task(4, frames=800, beam=beam))
    assert decoded.text == TEXT
    assert decoded.logprob == pytest.approx(np.log(0.9), abs=0.01)
    assert not decoded.capped


@pytest.mark.parametrize("beam", [1, 4])
def test_no_text_at_all_has_a_logprob_too(weights: Weights, beam: int) -> None:
    assert decode(weights, make_task(0, beam=beam)).logprob == pytest.approx(0, abs=0.01)


def test_capped_text_says_so(weights: Weights) -> None:
    decoded = decode(weights, make_task(4, max_tokens=3))
    assert decoded.capped
    assert len(decoded.tokens) == 3
    assert decoded.text == "Hello, this"
    assert decoded.logprob == pytest.approx(np.log(0.9), abs=0.01)


def test_language_is_detected_among_those_allowed(weights: Weights) -> None:
    tasks = [
        make_task(2, *languages)
        for languages in (("en", "fr"), ("fr", "de", "en"), ("es",), ("es", "fr"))
    ]
    found = [(decoded.language, decoded.language_probability) for decoded in weights.decode(tasks)]
    assert [language for language, _ in found] == ["en", "de", "es", "fr"]
    assert [chance for _, chance in found] == pytest.approx([0.75, 0.6, 1.0, 1.0], abs=0.01)


def test_batch_of_several_calls_gives_each_what_it_gets_alone(weights: Weights) -> None:
    tasks = [
        make_task(4, "en"),
        make_task(0.5, "en", max_tokens=20),
        make_task(0, "fr"),
        make_task(2, "de", "en"),
        make_task(2, "ja", words=False),
        make_task(4, "en", max_tokens=5),
    ]
    together = weights.decode(tasks)
    for task, shared in zip(tasks, together, strict=True):
        alone = decode(weights, task)
        assert (shared.text, shared.tokens) == (alone.text, alone.tokens)
        assert (shared.language, shared.capped) == (alone.language, alone.capped)
        assert shared.no_speech == pytest.approx(alone.no_speech, abs=1e-4)
        assert shared.language_probability == pytest.approx(alone.language_probability, abs=1e-4)
        assert [word.start for word in shared.words] == [word.start for word in alone.words]
        if not alone.capped:
            assert shared.logprob == pytest.approx(alone.logprob, abs=1e-4)
    assert len({decoded.text for decoded in together}) == 6


def test_threads_share_the_weights(weights: Weights) -> None:
    tasks = [make_task(0.3 * number, "en", "de") for number in range(8)]
    alone = [decode(weights, task).text for task in tasks]
    with ThreadPoolExecutor(4) as threads:
        at_once = threads.map(lambda task: decode(weights, task).text, tasks)
        assert list(at_once) == alone
    assert len(set(alone)) > 4


def test_random_weights_too_give_the_same_alone_and_together(tmp_path: Path) -> None:
    write_random(tmp_path, "micro")
    weights = Weights.load(str(tmp_path), device="cpu", compute_type="float32")
    tasks = [make_task(sound, max_tokens=12) for sound in (0.5, 1, 2)]
    together = weights.decode(tasks)
    assert [decoded.tokens for decoded in together] == [
        decode(weights, task).tokens for task in tasks
    ]


def test_batch_of_nothing_or_of_several_groups_is_refused(weights: Weights) -> None:
    with pytest.raises(ValueError, match="one group, not of 0"):
        weights.decode([])
    with pytest.raises(ValueError, match="one group, not of 2"):
        weights.decode([make_task(1), make_task(1, frames=800)])


@pytest.mark.parametrize("frames", [0, 159, 160, 3001])
def test_lengths_that_ctranslate2_gets_wrong_are_refused(weights: Weights, frames: int) -> None:
    task = Task(np.zeros(0, np.int16), frames, ("en",), (), 10)
    with pytest.raises(ValueError, match="cannot be encoded"):
        weights.decode([task])


def test_tasks_beyond_the_model_are_refused(weights: Weights) -> None:
    with pytest.raises(ValueError, match="cannot choose among"):
        weights.decode([make_task(1, "en", "xx")])
    with pytest.raises(ValueError, match="max_tokens is 225"):
        weights.decode([make_task(1, max_tokens=MOST_TOKENS + 1)])
    with pytest.raises(ValueError, match="do not fit"):
        weights.decode([make_task(4, frames=400)])


def test_english_model_knows_english_only(tmp_path: Path) -> None:
    write_scripted(tmp_path, TEXT, tokenizer=english_tokenizer(), multilingual=False)
    weights = Weights.load(str(tmp_path), device="cpu", compute_type="float32")
    assert weights.languages == ("en",)
    assert decode(weights, make_task(4)).text == TEXT
    with pytest.raises(ValueError, match="cannot choose among"):
        weights.decode([make_task(1, "de")])


def test_cpu_computes_in_int8_unless_set(tmp_path: Path) -> None:
    write_scripted(tmp_path, "hello")
    assert Weights.load(str(tmp_path), device="cpu").compute_type.startswith("int8")
    assert (
        Weights.load(str(tmp_path), device="cpu", compute_type="float32").compute_type == "float32"
    )


def test_impossible_compute_type_lists_the_possible(tmp_path: Path) -> None:
    write_scripted(tmp_path, "hello")
    with pytest.raises(DeviceError, match=r"cpu cannot compute in int7: take one of .*int8"):
        Weights.load(str(tmp_path), device="cpu", compute_type="int7")


@pytest.mark.skipif(ctranslate2.get_cuda_device_count() > 0, reason="this machine has CUDA")
def test_cuda_asked_for_and_absent() -> None:
    with pytest.raises(DeviceError, match="choose the device `cpu`"):
        Weights.load("tiny.en", device="cuda")
