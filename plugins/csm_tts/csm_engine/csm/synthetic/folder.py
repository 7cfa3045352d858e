"""Random weights for a config: in memory, or as a folder."""

import json
import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from csm_engine.csm import census
from csm_engine.csm.attention import PagedAttention, sdpa
from csm_engine.csm.census import Shape
from csm_engine.csm.checkpoint import INDEXES, SINGLE
from csm_engine.csm.config import CsmConfig, config_from
from csm_engine.csm.fields import Fields
from csm_engine.csm.model import Csm
from csm_engine.csm.prompt import Prompter
from csm_engine.csm.shapes import TINY, Json
from csm_engine.csm.synthetic.vocabulary import make_tokenizer
from csm_engine.csm.weights import assemble

GAIN = 1.2
"""Of a matrix, over its inputs' root: scores spread enough for greedy frames to differ."""

CONV_GAIN = 0.85
"""Of a convolution: many in a row make a sound that is neither silent nor clipped."""

SPREAD = {
    # Norms differ from channel to channel, so that a norm in a wrong place shows.
    "norm.weight": (1.0, 0.1),
    "norm.bias": (0.0, 0.1),
    "conv.bias": (0.0, 0.01),
    # Mimi's own start, 0.01, would hide what its transformers do.
    "scale.scale": (0.3, 0.03),
    "embed_sum": (0.0, 1.0),
    "cluster_usage": (1.0, 0.1),
    "initialized": (1.0, 0.0),
    "embed_text_tokens.weight": (0.0, 0.15),
    "embed_audio_tokens.weight": (0.0, 0.15),
}
"""Mean and deviation by the end of a tensor's name; others are matrices."""


def write_tiny(folder: Path, *, seed: int = 0, shards: int = 1) -> CsmConfig:
    """A whole tiny CSM; the same seed writes the same folder."""
    return write_random(folder, TINY, seed=seed, shards=shards)


def write_random(folder: Path, values: Json, *, seed: int = 0, shards: int = 1) -> CsmConfig:
    """A folder with this config.json, its weights in one file or in shards, and a tokenizer."""
    config = config_from(Fields(values, "config"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
    make_tokenizer(config).save(str(folder / "tokenizer.json"))
    tensors = random_tensors(config, seed=seed, dtype=torch.float32, device="cpu")
    # A file holds no tensor twice over one memory.
    tensors[census.DEPTH_EMBEDDING] = tensors[census.DEPTH_EMBEDDING].clone()
    if shards == 1:
        save_file(tensors, folder / SINGLE, metadata={"format": "pt"})
    else:
        _write_shards(folder, tensors, shards)
    return config


def random_model(
    values: Json,
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    attention: PagedAttention = sdpa,
) -> Csm:
    """A model of this config without a folder; its numbers are made on the device."""
    config = config_from(Fields(values, "config"))
    tensors = random_tensors(config, seed=seed, dtype=dtype, device=device)
    weights = assemble(tensors.__getitem__, tensors.keys(), config, dtype=dtype, device=device)
    return Csm.of(config, weights, Prompter(config, make_tokenizer(config)), attention=attention)


def random_tensors(
    config: CsmConfig, *, seed: int, dtype: torch.dtype, device: torch.device | str
) -> dict[str, Tensor]:
    """A checkpoint's tensors by name; a tied embedding is there by both its names."""
    generator = torch.Generator(device).manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    for name, shape in census.tensors(config).items():
        if name == census.DEPTH_EMBEDDING and config.tie_codebooks_embeddings:
            tensors[name] = tensors[census.AUDIO_EMBEDDING]
            continue
        mean, deviation = _spread(name, shape)
        noise = torch.randn(shape, generator=generator, dtype=dtype, device=device)
        tensors[name] = noise.mul_(deviation).add_(mean)
    return tensors


def _spread(name: str, shape: Shape) -> tuple[float, float]:
    for ending, spread in SPREAD.items():
        if name.endswith(ending):
            return spread
    if name == census.DEPTH_HEADS:
        return 0.0, GAIN / math.sqrt(shape[1])
    gain = CONV_GAIN if name.endswith("conv.weight") else GAIN
    return 0.0, gain / math.sqrt(math.prod(shape[1:]))


def _write_shards(folder: Path, tensors: dict[str, Tensor], shards: int) -> None:
    names = sorted(tensors)
    where: dict[str, str] = {}
    for number in range(shards):
        file = f"transformers-{number + 1:05}-of-{shards:05}.safetensors"
        own = names[number::shards]
        save_file({name: tensors[name] for name in own}, folder / file, metadata={"format": "pt"})
        where |= dict.fromkeys(own, file)
    size = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": where}
    (folder / INDEXES[0]).write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")
