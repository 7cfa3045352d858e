"""The engine's frames are those of transformers' `generate`, for the same folder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from csm_engine.csm.model import Csm
from csm_engine.csm.prompt import Segment
from csm_engine.csm.synthetic import write_tiny
from tests.csm_tts.csm_rows import Rows, alone, generated, oracle, processor, text_prompt

pytestmark = pytest.mark.engine

FRAMES = 20


@pytest.fixture(scope="module", autouse=True)
def _one_core() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("csm")
    write_tiny(path, seed=0)
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> Csm:
    return Csm.load(folder)


@pytest.fixture(scope="module")
def reference(folder: Path) -> Any:
    return oracle(folder)


def test_rows_that_join_one_after_another_say_what_each_would_alone(
    model: Csm, reference: Any
) -> None:
    prompts = [text_prompt(model.config, length) for length in (5, 17, 9, 31)]
    expected = [
        generated(reference, model.config, FRAMES, input_ids=prompt.ids[None]) for prompt in prompts
    ]
    rows = Rows(model)
    said: dict[int, list[torch.Tensor]] = {slot: [] for slot in range(len(prompts))}
    for tick in range(FRAMES + 2 * len(prompts)):
        if tick % 2 == 0 and tick // 2 < len(prompts):
            rows.begin(tick // 2, prompts[tick // 2])
        speaking = [slot for slot in rows.sequences if len(said[slot]) < FRAMES]
        for slot, frame in zip(speaking, rows.step(*speaking), strict=True):
            said[slot].append(frame[:-1])
    for slot, frames in said.items():
        assert torch.equal(torch.stack(frames), expected[slot])
    assert len(set(torch.cat(expected).flatten().tolist())) > 30, (
        "a model that repeats itself proves little"
    )


@pytest.mark.parametrize("length", [15, 16, 17, 32, 1])
def test_a_prompt_may_end_anywhere_in_a_page(model: Csm, reference: Any, length: int) -> None:
    prompt = text_prompt(model.config, length)
    expected = generated(reference, model.config, FRAMES, input_ids=prompt.ids[None])
    assert torch.equal(alone(model, prompt, FRAMES), expected)


@pytest.mark.parametrize("length", [63, 64, 65])
def test_pages_may_have_any_size(model: Csm, length: int) -> None:
    prompt = text_prompt(model.config, length)
    small, whole = (alone(model, prompt, FRAMES, page_size=size) for size in (7, 64))
    assert torch.equal(small, whole)


def test_a_voice_and_a_turn_with_sound_are_heard_as_transformers_hears_them(
    model: Csm, reference: Any, folder: Path
) -> None:
    random = np.random.default_rng(0)
    clips = [random.normal(0, 0.1, samples).astype(np.float32) for samples in (9_600, 5_000)]
    turns = [Segment(0, "Hello there."), Segment(1, "the other"), Segment(0, "Well?")]
    inputs = processor(folder)(
        text="".join(
            f"<|begin_of_text|>[{turn.speaker}]{turn.text}<|end_of_text|>"
            + "<|AUDIO|><|audio_eos|>" * (number < len(clips))
            for number, turn in enumerate(turns)
        ),
        audio=clips,
        return_tensors="pt",
    )
    # The mask is given, or generate takes audio tokens for padding: they have one id.
    expected = generated(reference, model.config, FRAMES, **inputs)
    heard = []
    for turn, clip in zip(turns, [*map(torch.tensor, clips), None], strict=True):
        codes = None
        if clip is not None:
            with torch.no_grad():
                codes = reference.codec_model.encode(clip[None, None]).audio_codes[0].T
        heard.append(Segment(turn.speaker, turn.text, codes))
    prompt = model.prompter.prompt(heard)
    assert torch.equal(prompt.ids, inputs["input_ids"][0])
    assert torch.equal(alone(model, prompt, FRAMES), expected)
