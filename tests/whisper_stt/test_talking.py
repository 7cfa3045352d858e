"""Random weights that end after so many words: for figures of speed, through guards and all."""

from pathlib import Path

import ctranslate2
import numpy as np
import pytest
from tokenizers import Tokenizer

from whisper_engine.synthetic import write_random

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
