"""The torch half of the bench: what it times is Whisper, and it says what it measured."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import WhisperModel

from bench import whisper_dims, whisper_gpu
from bench.whisper_dims import SHAPES
from bench.whisper_torch import PROMPT, Turns, make_model
from bench.whisper_torch_page import MARK
from whisper_engine import synthetic
from whisper_engine.synthetic import shapes
from whisper_engine.whisper import lengths

pytestmark = pytest.mark.engine

MICRO = SHAPES["micro"]
BATCH = 2
TRIAL = [
    "--torch",
    "--device",
    "cpu",
    "--shapes",
    "micro",
    "--lengths",
    "300",
    "400",
    "--batches",
    "1",
    "2",
    "--repeats",
    "1",
]
CALLS = ["--simulated", "micro", "--at", "1", "--ladder", "1", "--periods", "0.3", "inf"]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def model() -> WhisperModel:
    """Every weight counts: as they are made, biases are zero and norms do nothing."""
    torch.manual_seed(0)
    made = make_model(MICRO, "cpu", torch.float32)
    for weights in made.parameters():
        weights.normal_(std=0.1)
    return made


def logits(model: WhisperModel, tokens: Tensor, states: Tensor) -> Tensor:
    """By transformers' own forward, without a cache."""
    decoder: Any = model.decoder
    state = decoder(input_ids=tokens, encoder_hidden_states=states).last_hidden_state[:, -1]
    found: Tensor = state @ decoder.embed_tokens.weight.T
    return found


def test_the_encoder_is_whispers(model: WhisperModel) -> None:
    turns = Turns(model, MICRO, BATCH, frames=3000)
    torch.testing.assert_close(turns.encode(), model.encoder(turns.mels).last_hidden_state)


@pytest.mark.parametrize("frames", [300, 3000])
def test_what_is_said_with_the_static_cache_is_what_whisper_says(
    model: WhisperModel, frames: int
) -> None:
    turns = Turns(model, MICRO, BATCH, frames)
    states = turns.encode()
    said = torch.arange(PROMPT).expand(BATCH, PROMPT)
    turns.hear()
    turns.prompt()
    for _ in range(6):
        expected = logits(model, said, states).argmax(-1, keepdim=True)
        assert torch.equal(turns.tokens, expected)
        said = torch.cat([said, turns.tokens], dim=1)
        turns.step()
    assert len(set(said.flatten().tolist())) > PROMPT + 1


def test_a_step_gives_whispers_logits(model: WhisperModel) -> None:
    turns = Turns(model, MICRO, BATCH, frames=300)
    turns.hear()
    turns.prompt()
    said = torch.cat([torch.arange(PROMPT).expand(BATCH, PROMPT), turns.tokens], dim=1)
    got = turns.decode(turns.tokens, torch.tensor([PROMPT]))
    torch.testing.assert_close(got, logits(model, said, turns.encode()), atol=1e-4, rtol=1e-4)


def test_the_sizes_are_those_of_the_engines_own_tables() -> None:
    for name, dims in SHAPES.items():
        assert vars(dims) == vars(synthetic.SHAPES[name])
    assert whisper_dims.BUCKETS == lengths.BUCKETS
    assert whisper_dims.ENCODER_POSITIONS == shapes.ENCODER_POSITIONS
    assert whisper_dims.DECODER_POSITIONS == shapes.DECODER_POSITIONS


def test_one_command_measures_fits_simulates_and_says_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        whisper_gpu.main([*TRIAL, *CALLS, "--of-each", "5", "--json", "--out", str(tmp_path)]) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((tmp_path / "whisper_gpu.json").read_text())
    assert told["what"] == MARK
    (costs,) = told["costs"]
    sizes = {(each["frames"], each["batch"]) for each in costs["wholes"]}
    assert sizes == {(frames, batch) for frames in (300, 400) for batch in (1, 2)}
    assert all(term > 0 for term in told["fits"][0]["takes"].values())
    held = told["simulated"]
    assert [(each["padded"], each["calls"]) for each in held["at"]] == [(True, 1), (False, 1)]
    periods = [(each["padded"], each["period"]) for each in held["most"]]
    assert periods == [(True, 0.3), (True, None), (False, 0.3), (False, None)]
    page = (tmp_path / "whisper_gpu.md").read_text()
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert all(MARK in heading for heading in headings)
    assert "no GPU" in page


def test_a_trial_does_not_overwrite_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        whisper_gpu.main(TRIAL)
    assert "--out FOLDER" in capsys.readouterr().err


def test_without_a_gpu_it_says_how_to_try_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert whisper_gpu.main(["--out", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "CTranslate2 sees no GPU" in told
    assert "--device cpu" in told
    assert not list(tmp_path.iterdir())
