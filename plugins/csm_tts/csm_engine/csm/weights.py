"""A CSM's tensors in the form the engine computes with: fused, tabulated, on their device."""

from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm import census
from csm_engine.csm.checkpoint import Checkpoint, WeightsError
from csm_engine.csm.config import CsmConfig, Transformer
from csm_engine.kernels.int8 import Matrix

Read = Callable[[str], Tensor]


@dataclass(frozen=True, slots=True)
class Layer:
    """One decoder layer; matrices are [out, in].

    `qkv` is [(heads + 2 · kv_heads) · head_dim, hidden] and `gate_up` [2 · intermediate, hidden]:
    one product where the checkpoint has three, and two.
    """

    input_norm: Tensor
    qkv: Matrix
    out: Matrix
    post_attention_norm: Tensor
    gate_up: Matrix
    down: Matrix


@dataclass(frozen=True, slots=True)
class Backbone:
    """`text` [text_vocab, hidden] and `audio` [codebooks · vocab, hidden] are embeddings.

    `head` [codebook_size, hidden] predicts codebook 0. It lacks the checkpoint's rows for codes
    that the codec does not have (2048 to 2050 in CSM-1B): they cannot be sampled.
    """

    layers: tuple[Layer, ...]
    norm: Tensor
    text: Tensor
    audio: Tensor
    head: Tensor


@dataclass(frozen=True, slots=True)
class Depth:
    """`embedding` [codebooks · vocab, hidden] is the audio embedding, already projected.

    `projector` [hidden, backbone hidden] is left for the backbone's own output.
    `heads` [codebooks - 1, hidden, codebook_size]: hidden @ heads[k] predicts codebook k + 1.
    `projections` [codebooks · vocab, (heads + 2 · kv_heads) · head_dim], where it was made, is what
    the first layer makes of `embedding` before RoPE (`folding.with_projections`).
    """

    layers: tuple[Layer, ...]
    norm: Tensor
    embedding: Tensor
    projector: Tensor
    heads: Tensor
    projections: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """All of it; `codec` is by name, without the prefix, and always float32.

    `read` counts the tensors of the checkpoint that are used, `skipped` those that say again what
    another says (the tied embedding of the depth decoder).
    """

    backbone: Backbone
    depth: Depth
    codec: dict[str, Tensor]
    read: int
    skipped: int


def load(
    folder: Path,
    config: CsmConfig,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Weights:
    """Read a folder's safetensors. Raises WeightsError for anything but this config's tensors."""
    checkpoint = Checkpoint.of(folder)
    tied = config.tie_codebooks_embeddings
    names = frozenset({census.AUDIO_EMBEDDING, census.DEPTH_EMBEDDING})
    checkpoint.check(census.tensors(config), optional=names if tied else frozenset())
    if tied and names <= checkpoint.shapes.keys():
        _check_tied(checkpoint)
    return assemble(checkpoint.read, checkpoint.shapes.keys(), config, dtype=dtype, device=device)


def assemble(
    read: Read,
    names: Set[str],
    config: CsmConfig,
    *,
    dtype: torch.dtype,
    device: torch.device | str,
) -> Weights:
    """Weights of the tensors that `read` gives by name; `names` are those that there are."""

    def get(name: str) -> Tensor:
        return read(name).to(device=device, dtype=dtype)

    tied = config.tie_codebooks_embeddings
    audio = census.AUDIO_EMBEDDING
    depth_audio = census.DEPTH_EMBEDDING
    table = get(audio if audio in names else depth_audio)
    projector = get(census.PROJECTOR)
    depth_table = table if tied else get(depth_audio)
    kept = config.codebook_size
    return Weights(
        backbone=Backbone(
            layers=_layers(get, config.backbone, census.BACKBONE),
            norm=get(f"{census.BACKBONE}norm.weight"),
            text=get(census.TEXT_EMBEDDING),
            audio=table,
            head=get(census.BACKBONE_HEAD)[:kept].contiguous(),
        ),
        depth=Depth(
            layers=_layers(get, config.depth, census.DEPTH),
            norm=get(f"{census.DEPTH}norm.weight"),
            embedding=functional.linear(depth_table, projector),
            projector=projector,
            heads=get(census.DEPTH_HEADS)[..., :kept].contiguous(),
        ),
        codec={
            name.removeprefix(census.CODEC): read(name).to(device=device, dtype=torch.float32)
            for name in names
            if name.startswith(census.CODEC)
        },
        read=len(names) - (tied and {audio, depth_audio} <= names),
        skipped=int(tied and {audio, depth_audio} <= names),
    )


def _layers(get: Read, part: Transformer, prefix: str) -> tuple[Layer, ...]:
    return tuple(_layer(get, f"{prefix}layers.{n}.") for n in range(part.num_hidden_layers))


def _layer(get: Read, prefix: str) -> Layer:
    def one(name: str) -> Tensor:
        return get(f"{prefix}{name}.weight")

    return Layer(
        input_norm=one("input_layernorm"),
        qkv=torch.cat([one(f"self_attn.{name}_proj") for name in "qkv"]),
        out=one("self_attn.o_proj"),
        post_attention_norm=one("post_attention_layernorm"),
        gate_up=torch.cat([one("mlp.gate_proj"), one("mlp.up_proj")]),
        down=one("mlp.down_proj"),
    )


def _check_tied(checkpoint: Checkpoint) -> None:
    one, other = census.AUDIO_EMBEDDING, census.DEPTH_EMBEDDING
    if not torch.equal(checkpoint.read(one), checkpoint.read(other)):
        raise WeightsError(
            f"{one} and {other} differ, though the config ties them: set tie_codebooks_embeddings"
            " to false if this model was trained so"
        )
