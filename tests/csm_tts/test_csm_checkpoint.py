"""A folder's weights are this model's, every one of them, or they are refused with the reason."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from csm_engine.csm import census
from csm_engine.csm.checkpoint import INDEXES, Checkpoint, WeightsError
from csm_engine.csm.config import CsmConfig, config_from
from csm_engine.csm.fields import Fields
from csm_engine.csm.model import Csm
from csm_engine.csm.synthetic import CSM_1B, TINY, write_random, write_tiny
from csm_engine.csm.weights import Weights, load
from tests.csm_tts.csm_rows import alone, generated, oracle, text_prompt

pytestmark = pytest.mark.engine

SINGLE = "model.safetensors"
TIED = {census.AUDIO_EMBEDDING, census.DEPTH_EMBEDDING}


@pytest.fixture
def config(tmp_path: Path) -> CsmConfig:
    torch.set_num_threads(1)
    return write_tiny(tmp_path)


def rewrite(folder: Path, changes: dict[str, Tensor | None]) -> None:
    tensors = load_file(folder / SINGLE)
    for name, tensor in changes.items():
        tensors.pop(name, None)
        if tensor is not None:
            tensors[name] = tensor
    save_file(tensors, folder / SINGLE)


def flat(weights: Weights) -> list[Tensor]:
    parts = (weights.backbone, weights.depth)
    owners: list[Any] = [*parts, *(layer for part in parts for layer in part.layers)]
    held = [getattr(owner, name) for owner in owners for name in owner.__slots__]
    return [one for one in held if isinstance(one, Tensor)]


@pytest.mark.parametrize("values", [TINY, CSM_1B], ids=["tiny", "real"])
def test_names_and_shapes_are_those_that_transformers_has(values: dict[str, Any]) -> None:
    import transformers  # noqa: PLC0415

    library: Any = transformers
    with torch.device("meta"):
        theirs = library.CsmForConditionalGeneration(library.CsmConfig(**values)).state_dict()
    mine = census.tensors(config_from(Fields(values, "")))
    # From 5.23 on it keeps the codec's halves apart in memory, and flat in files: the folder that
    # `oracle` loads proves those names.
    of_codec = [name for name in theirs if name.startswith(census.CODEC)]
    assert Counter(tuple(theirs[name].shape) for name in of_codec) == Counter(
        shape for name, shape in mine.items() if name.startswith(census.CODEC)
    )
    assert {name: tuple(theirs[name].shape) for name in theirs.keys() - of_codec} == {
        name: shape for name, shape in mine.items() if not name.startswith(census.CODEC)
    }
    if values is CSM_1B:
        assert len(mine) == 538
        assert len(mine) - len(of_codec) == 188


def test_every_tensor_is_counted(tmp_path: Path, config: CsmConfig) -> None:
    weights = load(tmp_path, config)
    assert weights.read + weights.skipped == len(load_file(tmp_path / SINGLE))
    assert weights.skipped == 1
    assert weights.codec.keys() == {
        name.removeprefix(census.CODEC)
        for name in census.tensors(config)
        if name.startswith(census.CODEC)
    }


@pytest.mark.parametrize("name", sorted(TIED))
def test_a_tied_embedding_may_have_either_name(
    tmp_path: Path, config: CsmConfig, name: str
) -> None:
    both = load(tmp_path, config)
    rewrite(tmp_path, {name: None})
    one = load(tmp_path, config)
    assert (one.read, one.skipped) == (both.read, 0)
    assert all(map(torch.equal, flat(one), flat(both)))
    for other in TIED - {name}:
        rewrite(tmp_path, {other: None})
        with pytest.raises(WeightsError, match=f"1 tensors are missing.*{name}"):
            load(tmp_path, config)


def test_tied_embeddings_that_differ_are_refused(tmp_path: Path, config: CsmConfig) -> None:
    table = load_file(tmp_path / SINGLE)[census.DEPTH_EMBEDDING]
    rewrite(tmp_path, {census.DEPTH_EMBEDDING: table + 1})
    with pytest.raises(WeightsError, match="differ, though the config ties them"):
        load(tmp_path, config)


def test_a_model_may_have_an_embedding_for_each_decoder(tmp_path: Path) -> None:
    write_random(tmp_path, {**TINY, "tie_codebooks_embeddings": False}, seed=3)
    model = Csm.load(tmp_path)
    assert model.weights.skipped == 0
    prompt = text_prompt(model.config, 9)
    expected = generated(oracle(tmp_path), model.config, 12, input_ids=prompt.ids[None])
    assert torch.equal(alone(model, prompt, 12), expected)


def test_shards_are_one_model(tmp_path: Path, config: CsmConfig) -> None:
    sharded = tmp_path / "sharded"
    write_tiny(sharded, shards=3)
    # CSM-1B has the original layout beside its shards, under the usual name.
    save_file({"backbone.norm.scale": torch.ones(64)}, sharded / SINGLE)
    assert all(map(torch.equal, flat(load(sharded, config)), flat(load(tmp_path, config))))


def test_the_same_seed_writes_the_same_model(tmp_path: Path, config: CsmConfig) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    write_tiny(again)
    write_tiny(other, seed=1)
    own = (tmp_path / SINGLE).read_bytes()
    assert (again / SINGLE).read_bytes() == own
    assert (other / SINGLE).read_bytes() != own


def test_weights_take_the_type_that_is_asked_for(tmp_path: Path, config: CsmConfig) -> None:
    weights = load(tmp_path, config, dtype=torch.bfloat16)
    assert {tensor.dtype for tensor in flat(weights)} == {torch.bfloat16}
    assert {tensor.dtype for tensor in weights.codec.values()} == {torch.float32}
    model = Csm.load(tmp_path, dtype=torch.bfloat16)
    assert alone(model, text_prompt(config, 9), 3).shape == (3, 8)


NORM = "backbone_model.norm.weight"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({NORM: None}, f"1 tensors are missing, such as {NORM}; config.json and the weights"),
        ({"backbone_model.extra": torch.ones(1)}, "1 tensors are unknown, such as backbone_mo"),
        ({"codec_model.upsample.conv.weight": None}, "missing, such as codec_model.upsample"),
        ({NORM: torch.ones(63)}, r"has shape \(63,\), the config asks for \(64,\)"),
        ({NORM: torch.ones(64).int()}, "quantised weights are not supported"),
        ({"backbone.norm.scale": torch.ones(64)}, "original layout: take the repository's trans"),
    ],
)
def test_what_is_not_this_model_is_named(
    tmp_path: Path, config: CsmConfig, changes: dict[str, Tensor | None], message: str
) -> None:
    rewrite(tmp_path, changes)
    with pytest.raises(WeightsError, match=message):
        load(tmp_path, config)


def test_a_folder_without_weights_says_why(tmp_path: Path, config: CsmConfig) -> None:
    with pytest.raises(WeightsError, match="is not a folder"):
        load(tmp_path / "nowhere", config)
    whole = (tmp_path / SINGLE).read_bytes()
    (tmp_path / SINGLE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=f"{len(whole) // 2} bytes.*fetch it again, whole"):
        load(tmp_path, config)
    (tmp_path / SINGLE).write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(WeightsError, match="cannot be read"):
        load(tmp_path, config)
    (tmp_path / SINGLE).unlink()
    with pytest.raises(WeightsError, match=r"no weights.*licence must be accepted"):
        load(tmp_path, config)
    (tmp_path / "ckpt.pt").write_bytes(b"")
    with pytest.raises(WeightsError, match="pickled weights only"):
        load(tmp_path, config)


def test_a_shard_that_is_missing_or_twice_there_is_named(tmp_path: Path) -> None:
    config = write_tiny(tmp_path, shards=3)
    shard = tmp_path / "transformers-00002-of-00003.safetensors"
    first = load_file(tmp_path / "transformers-00001-of-00003.safetensors")
    twice = min(first)
    save_file(load_file(shard) | {twice: first[twice]}, shard)
    with pytest.raises(WeightsError, match=f"{twice} is in transformers-00001"):
        Checkpoint.of(tmp_path)
    shard.unlink()
    with pytest.raises(WeightsError, match=r"lacks transformers-00002-of-00003\.safetensors"):
        load(tmp_path, config)
    (tmp_path / INDEXES[0]).write_text(json.dumps({"weight_map": []}))
    with pytest.raises(WeightsError, match="is not an index of weights"):
        load(tmp_path, config)
