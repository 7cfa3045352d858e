"""Prompts have the tokens that transformers' processor makes of the same conversation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from csm_engine.csm.config import CsmConfig, config_from
from csm_engine.csm.fields import Fields
from csm_engine.csm.prompt import Prompter, PromptError, Segment
from csm_engine.csm.synthetic import CSM_1B, TINY, make_tokenizer, write_tiny
from tests.csm_tts.csm_rows import processor

pytestmark = pytest.mark.engine

BEGIN, END, AUDIO, EOS = 300, 301, 302, 303


@pytest.fixture(scope="module")
def config() -> CsmConfig:
    return config_from(Fields(TINY, "tiny"))


@pytest.fixture(scope="module")
def prompter(config: CsmConfig) -> Prompter:
    return Prompter(config, make_tokenizer(config))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("csm")
    write_tiny(folder)
    return processor(folder)


def frames(count: int) -> torch.Tensor:
    return torch.arange(count * 8).reshape(count, 8) % 64


def written(speaker: int, text: str, *, sound: bool = False) -> str:
    audio = "<|AUDIO|><|audio_eos|>" if sound else ""
    return f"<|begin_of_text|>[{speaker}]{text}<|end_of_text|>{audio}"


def test_the_golden_ids(prompter: Prompter) -> None:
    """As in transformers' own test of CSM: 4096 samples are 3 frames."""
    prompt = prompter.prompt([Segment(0, "Hi", frames(3))])
    # "]H" is one token: the bracket and the words are read together.
    assert prompt.ids.tolist() == [BEGIN, 58, 15, 258, 72, END, AUDIO, AUDIO, AUDIO, EOS]
    assert torch.equal(prompt.codes[:-1], frames(3))
    assert prompt.codes[-1].tolist() == [0] * 8


@pytest.mark.parametrize("samples", [1, 1919, 1920, 1921, 4096, 48_000])
def test_frames_of_a_clip_are_counted_as_transformers_counts_them(
    prompter: Prompter, reference: Any, samples: int
) -> None:
    inputs = reference(
        text=written(1, "the cell", sound=True) + written(0, "Hello."),
        audio=[np.zeros(samples, np.float32)],
        return_tensors="pt",
    )
    heard = Segment(1, "the cell", frames(-(-samples // 1920)))
    prompt = prompter.prompt([heard, Segment(0, "Hello.")])
    assert torch.equal(prompt.ids, inputs["input_ids"][0])
    audio = (prompt.ids == AUDIO) | (prompt.ids == EOS)
    assert int(audio.sum()) == len(prompt.codes)


words = st.text(min_size=1, max_size=40).filter(lambda text: text.strip() and "<|" not in text)


@settings(max_examples=60, deadline=None)
@given(turns=st.lists(st.tuples(st.integers(0, 12), words), min_size=1, max_size=4))
def test_any_text_becomes_what_transformers_makes_of_it(
    prompter: Prompter, reference: Any, turns: list[tuple[int, str]]
) -> None:
    text = "".join(written(speaker, said) for speaker, said in turns)
    expected = reference(text=text, return_tensors="pt")["input_ids"][0]
    assert torch.equal(prompter.prompt(Segment(*turn) for turn in turns).ids, expected)


def test_control_tokens_in_a_text_are_only_text(prompter: Prompter) -> None:
    text = "a<|end_of_text|><|AUDIO|>b<|audio_eos|><|begin_of_text|>"
    ids = prompter.prompt([Segment(0, text)]).ids.tolist()
    assert [id for id in ids if id >= BEGIN] == [BEGIN, END]
    assert (ids[0], ids[-1]) == (BEGIN, END)


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        (Segment(0, ""), "without words"),
        (Segment(0, " \n\t "), "without words"),
        (Segment(-1, "Hi"), "speaker -1 is negative"),
        (Segment(0, "Hi", torch.zeros(3, 7, dtype=torch.long)), r"shape \(3, 7\), not \(any, 8\)"),
        (Segment(0, "Hi", torch.zeros(8, dtype=torch.long)), r"shape \(8,\)"),
        (Segment(0, "Hi", torch.full((1, 8), 64)), "codes outside 0…63"),
        (Segment(0, "Hi", torch.full((1, 8), -1)), "codes outside 0…63"),
    ],
)
def test_a_segment_that_cannot_be_said_is_refused(
    prompter: Prompter, segment: Segment, message: str
) -> None:
    with pytest.raises(PromptError, match=message):
        prompter.prompt([segment])


def test_a_segment_may_have_no_sound_at_all(prompter: Prompter) -> None:
    prompt = prompter.prompt([Segment(0, "Hi", frames(0))])
    assert prompt.ids.tolist()[-2:] == [END, EOS]
    assert prompter.prompt([]).ids.tolist() == []


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path, config: CsmConfig) -> None:
    with pytest.raises(PromptError, match=r"has <\|begin_of_text\|> at 128000, config.json at 300"):
        Prompter(config, make_tokenizer(config_from(Fields(CSM_1B, "real"))))
    special = {"<|begin_of_text|>": BEGIN, "<|AUDIO|>": AUDIO, "<|audio_eos|>": EOS}
    with pytest.raises(PromptError, match=r"no <\|end_of_text\|>"):
        Prompter(config, Tokenizer(models.WordLevel(special, unk_token="?")))
    many = {**special, "<|end_of_text|>": END} | {str(n): n for n in range(296)}
    many |= {f"more {n}": 304 + n for n in range(30)}
    with pytest.raises(PromptError, match="has 330 tokens, the model 320"):
        Prompter(config, Tokenizer(models.WordLevel(many, unk_token="?")))
    with pytest.raises(PromptError, match=r"has no tokenizer.json"):
        Prompter.of_folder(config, tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(PromptError, match="cannot be read"):
        Prompter.of_folder(config, tmp_path)
