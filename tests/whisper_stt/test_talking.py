"""Random weights that end after so many words: for figures of speed, through guards and all."""

from pathlib import Path

import ctranslate2
import numpy as np
import pytest
from tokenizers import Tokenizer

from whisper_engine.synthetic import write_random
from whisper_engine.whisper.task import Task
from whisper_engine.whisper.weights import Weights

PROMPT = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")


@pytest.mark.parametrize("compute_type", ["int8", "float32"])
def test_it_says_its_words_whatever_it_hears_and_is_sure_of_them(
    tmp_path: Path, compute_type: str
) -> None:
    write_random(tmp_path, "micro", says=12)
    model = ctranslate2.models.Whisper(str(tmp_path), compute_type=compute_type)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    prompt = [tokenizer.token_to_id(token) for token in PROMPT]
    sounds = np.random.default_rng(5).standard_normal((2, 80, 300)).astype(np.float32)
    said = model.generate(
        ctranslate2.StorageView.from_array(sounds), [prompt] * 2, beam_size=1, return_scores=True
    )
    one, other = (tokenizer.decode(each.sequences_ids[0]) for each in said)
    assert one == other
    assert len(set(one.split())) == 12
    assert min(each.scores[0] for each in said) > -0.1


def test_more_words_than_a_shape_has_room_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has room for 60 tokens, not 61"):
        write_random(tmp_path, "micro", says=61)


def test_its_words_reach_the_end_of_the_sound(tmp_path: Path) -> None:
    """Or the engine would take them for a text that lost its end, and decode twice."""
    write_random(tmp_path, "micro", says=12)
    weights = Weights.load(str(tmp_path), device="cpu")
    noise = np.random.default_rng(5).normal(0, 3_000, 5 * 16_000).astype(np.int16)
    for seconds in (1, 2, 5):
        (decoded,) = weights.decode([Task(noise[: seconds * 16_000], 800, ("en",), (), 40)])
        assert not decoded.capped
        assert decoded.words[-1].end == pytest.approx(seconds, abs=0.1)
