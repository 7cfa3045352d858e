"""How much memory an engine takes, by part, from a model's dimensions alone. No torch."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from csm_engine.csm import census
from csm_engine.csm.codec_census import codec_tensors
from csm_engine.csm.config import CsmConfig, Transformer
from csm_engine.csm.mimi.config import MimiConfig

GRAPHS = "graphs (estimate)"
"""The one part that does not follow from dimensions."""

GRAPH_BYTES = 48 * 2**20
"""Of a graph's own nodes and of what libraries keep for it: a guess, until one was measured."""

PAGE_SIZE = 64
MAX_FRAMES = 4
FLOAT32 = 4
INT64 = 8


def memory(
    config: CsmConfig,
    *,
    streams: int,
    conversations: int,
    voices: int,
    dtype_bytes: int = 2,
    buckets: Sequence[int] = (),
    layer0_table: bool = False,
    depth_bits: Literal[8, 16] = 16,
) -> Mapping[str, int]:
    """Bytes by part; their sum is what the engine takes, save what torch itself holds.

    Args:
        streams: sentences spoken at once.
        conversations: contexts of full length that find pages, voices' prompts apart.
        voices: a context of full length each at most, and a slot of the codec.
        dtype_bytes: of the model's own numbers; the codec's have four.
        buckets: rows of the steps that are smaller than `streams`.
        layer0_table: whether the depth decoder's first layer begins from a table.
        depth_bits: of the matrices of the depth decoder's layers; 8 adds a scale a row.
    """
    codes = config.num_codebooks * config.vocab_size
    tables = config.depth.hidden_size + layer0_table * _qkv(config.depth)
    steps = sorted({*buckets, streams})
    return {
        "backbone": dtype_bytes * _backbone(config),
        "depth decoder": _depth(config, dtype_bytes, depth_bits),
        "depth decoder's tables": dtype_bytes * codes * tables,
        "codec": _codec(config.codec),
        "pages": _pages(config.backbone, conversations + voices, dtype_bytes),
        "codec's streams": _codec_slot(config.codec) * (streams + voices + 1),
        "callers' streams": _encoder_slot(config.codec) * (streams + 1),
        "rows": _slots(config, streams + 1, dtype_bytes) + _caches(config, steps, dtype_bytes),
        GRAPHS: _graphs(config, steps, dtype_bytes),
    }


def _backbone(config: CsmConfig) -> int:
    hidden = config.backbone.hidden_size
    embedded = config.text_vocab_size + config.num_codebooks * config.vocab_size
    layers = _sum(_layers(config, census.BACKBONE).values())
    # The head's last rows, which nobody uses, are of the same memory.
    return layers + hidden + hidden * (embedded + config.vocab_size)


def _depth(config: CsmConfig, dtype_bytes: int, bits: int) -> int:
    layers = _layers(config, census.DEPTH)
    matrices = {name: shape for name, shape in layers.items() if len(shape) > 1}
    hidden, width = config.depth.hidden_size, config.backbone.hidden_size
    heads = (config.num_codebooks - 1) * hidden * config.codebook_size
    rest = _sum(layers.values()) - _sum(matrices.values()) + hidden + hidden * width + heads
    if bits == 8:  # noqa: PLR2004
        scales = sum(shape[0] for shape in matrices.values())
        return dtype_bytes * rest + _sum(matrices.values()) + FLOAT32 * scales
    return dtype_bytes * (rest + _sum(matrices.values()))


def _layers(config: CsmConfig, prefix: str) -> dict[str, census.Shape]:
    start = f"{prefix}layers."
    return {name: shape for name, shape in census.tensors(config).items() if name.startswith(start)}


def _codec(codec: MimiConfig) -> int:
    """The checkpoint's tensors of both halves, and what each half keeps besides."""
    hidden, inner = codec.hidden_size, codec.intermediate_size
    queries = codec.num_attention_heads * codec.head_dim
    keys = codec.num_key_value_heads * codec.head_dim
    fused = (queries + 2 * keys) * hidden + hidden * queries + hidden * inner
    centroids = codec.num_quantizers * codec.codebook_size
    decoder = centroids * hidden + 2 * codec.latent_stride * hidden
    encoder = centroids * (codec.codebook_dim + 1)
    width = codec.num_filters << len(codec.upsampling_ratios)
    for ratio in codec.upsampling_ratios:
        width //= 2
        decoder += 2 * ratio * width
    halves = 2 * (codec.num_hidden_layers * fused + codec.head_dim // 2)
    numbers = _sum(codec_tensors(codec).values()) + halves + decoder + encoder
    return FLOAT32 * numbers + INT64 * codec.num_quantizers


def _pages(backbone: Transformer, contexts: int, dtype_bytes: int) -> int:
    pages = contexts * -(-backbone.max_position_embeddings // PAGE_SIZE) + 1
    token = 2 * backbone.num_hidden_layers * backbone.num_key_value_heads * backbone.head_dim
    return pages * PAGE_SIZE * token * dtype_bytes


def _codec_slot(codec: MimiConfig) -> int:
    """The decoder's convolutions, each with what it remembers, and its transformer's ring."""
    hidden = codec.hidden_size
    width = codec.num_filters << len(codec.upsampling_ratios)
    held = hidden * codec.latent_stride + hidden * (codec.kernel_size - 1)
    for ratio in codec.upsampling_ratios:
        width //= 2
        held += width * ratio + _blocks(codec, width)
    return _slot(codec, held + width * (codec.last_kernel_size - 1))


def _encoder_slot(codec: MimiConfig) -> int:
    """The same of the encoder, for a caller who is listened to."""
    width = codec.num_filters
    held = codec.kernel_size - 1
    for ratio in codec.upsampling_ratios[::-1]:
        held += width * ratio + _blocks(codec, width)
        width *= 2
    held += width * (codec.last_kernel_size - 1) + codec.hidden_size * codec.latent_stride
    return _slot(codec, held)


def _blocks(codec: MimiConfig, width: int) -> int:
    """What residual blocks of so many channels remember."""
    dilations: int = sum(codec.dilation_growth_rate**n for n in range(codec.num_residual_layers))
    return width * (codec.residual_kernel_size - 1) * dilations


def _slot(codec: MimiConfig, held: int) -> int:
    """Of `held` numbers, beside the keys and values that are the same in both halves."""
    ring = codec.sliding_window + MAX_FRAMES * codec.latent_stride - 1
    keys = codec.num_key_value_heads * codec.head_dim
    return FLOAT32 * (held + 2 * codec.num_hidden_layers * ring * keys) + INT64


def _slots(config: CsmConfig, slots: int, dtype_bytes: int) -> int:
    backbone = config.backbone
    pages = -(-backbone.max_position_embeddings // PAGE_SIZE)
    numbers = 5 * INT64 + FLOAT32 + 4 * pages
    return slots * (backbone.hidden_size * dtype_bytes + numbers)


def _caches(config: CsmConfig, steps: Iterable[int], dtype_bytes: int) -> int:
    depth = config.depth
    token = 2 * depth.num_hidden_layers * depth.num_key_value_heads * depth.head_dim
    numbers = FLOAT32 + INT64 * config.num_codebooks
    return sum(steps) * (config.num_codebooks * token * dtype_bytes + numbers)


def _graphs(config: CsmConfig, steps: Sequence[int], dtype_bytes: int) -> int:
    """One layer's keys and values of the largest step, gathered, as attention without a kernel of
    its own has them; two graphs a step, one of them the codec's."""
    backbone = config.backbone
    token = 2 * backbone.num_key_value_heads * backbone.head_dim * dtype_bytes
    return steps[-1] * backbone.max_position_embeddings * token + 2 * len(steps) * GRAPH_BYTES


def _qkv(part: Transformer) -> int:
    return (part.num_attention_heads + 2 * part.num_key_value_heads) * part.head_dim


def _sum(shapes: Iterable[census.Shape]) -> int:
    return sum(map(math.prod, shapes))
