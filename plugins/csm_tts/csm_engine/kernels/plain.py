"""The frame step's operations in plain PyTorch: the reference, and the CPU's."""

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm.attention import PagedAttention, sdpa
from csm_engine.csm.config import CsmConfig, Transformer
from csm_engine.csm.philox import gumbel
from csm_engine.csm.rope import RotaryTable, rotate
from csm_engine.csm.sampler import sample
from csm_engine.kernels.int8 import Int8, Matrix
from csm_engine.kernels.ops import After, Draw, Look


class TorchOps:
    """`attention` looks over pages; the depth decoder's cache is PyTorch's own affair."""

    def __init__(self, *, attention: PagedAttention = sdpa) -> None:
        self._attention = attention

    def linear(self, states: Tensor, weight: Matrix) -> Tensor:
        if isinstance(weight, Int8):
            weight = weight.wide(states.dtype)
        return functional.linear(states, weight)

    def norm(self, states: Tensor, weight: Tensor, eps: float) -> Tensor:
        wide = states.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
        return weight * wide.to(states.dtype)

    def add_norm(
        self, states: Tensor, more: Tensor, weight: Tensor, eps: float
    ) -> tuple[Tensor, Tensor]:
        states = states + more
        return states, self.norm(states, weight, eps)

    def gated(self, gate_up: Tensor) -> Tensor:
        gate, up = gate_up.chunk(2, -1)
        return functional.silu(gate) * up

    def over_pages(
        self,
        table: Tensor,
        positions: Tensor,
        page_size: int,
        rotary: RotaryTable,
        config: Transformer,
    ) -> Look:
        page = table.gather(1, positions // page_size).long()
        places = (page * page_size + positions % page_size).flatten()
        attend = self._attention(table, positions, page_size)
        turn = rotary.at(positions)

        def look(qkv: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            query, key, value = _turned(qkv, turn, config)
            keys.flatten(0, 1).index_copy_(0, places, key.flatten(0, 1))
            values.flatten(0, 1).index_copy_(0, places, value.flatten(0, 1))
            return attend(query, keys, values).flatten(2)

        return look

    def over_cache(
        self,
        table: Tensor,
        positions: Tensor,
        start: int,
        rotary: RotaryTable,
        config: Transformer,
    ) -> Look:
        end = start + positions.shape[1]
        turn = rotary.between(start, end)

        def look(qkv: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            query, key, value = _turned(qkv, turn, config)
            keys[:, start:end] = key
            values[:, start:end] = value
            out = functional.scaled_dot_product_attention(
                query.transpose(1, 2),
                keys[:, :end].transpose(1, 2),
                values[:, :end].transpose(1, 2),
                # The opening's two tokens are a whole causal square; a later one sees all there is.
                is_causal=start == 0,
                enable_gqa=True,
            )
            return out.transpose(1, 2).flatten(2)

        return look

    def picker(self, draw: Draw, config: CsmConfig) -> "TorchPicker":
        return TorchPicker(draw, config)

    def close(self, codes: Tensor, after: After) -> None:
        rows = after.rows
        after.result[:, :-1] = codes
        after.result[:, -1] = ended(codes, after.eos)
        after.inputs[rows] = embed_frames(codes, after.embedding, after.vocab_size)
        moved = (rows != after.padding).long()
        after.positions[rows] += moved
        after.frames[rows] += moved


class TorchPicker:
    """Draws the numbers of a whole frame first."""

    def __init__(self, draw: Draw, config: CsmConfig) -> None:
        self._draw = draw
        self._eos = config.codebook_eos_token_id
        self._noise = gumbel(draw.seeds, draw.frames, config.num_codebooks, config.codebook_size)
        self.codes = draw.seeds.new_empty(len(draw.seeds), config.num_codebooks)

    def __call__(self, logits: Tensor, codebook: int, *tables: Tensor) -> tuple[Tensor, ...]:
        draw, scores = self._draw, logits.float()
        if codebook == 0:
            early = draw.frames < draw.min_frames
            end = torch.arange(scores.shape[1], device=scores.device) == self._eos
            scores = scores.masked_fill(early[:, None] & end, -torch.inf)
        codes = sample(scores, draw.temperature, draw.top_k, self._noise[:, codebook])
        self.codes[:, codebook] = codes
        return tuple(functional.embedding(codes, table) for table in tables)


def embed_frames(codes: Tensor, table: Tensor, vocab_size: int) -> Tensor:
    """Frames [..., codebooks] → [..., hidden]: the sum over their codes."""
    offsets = torch.arange(codes.shape[-1], device=codes.device) * vocab_size
    return functional.embedding(codes + offsets, table).sum(-2)


def ended(codes: Tensor, eos: int) -> Tensor:
    """Frames [rows, codebooks] → whether each ends its utterance, bool [rows].

    The last codebook does not count, as in transformers' `generate`: it says least about a sound.
    """
    return (codes[:, :-1] == eos).all(1)


def _turned(
    qkv: Tensor, turn: tuple[Tensor, Tensor], config: Transformer
) -> tuple[Tensor, Tensor, Tensor]:
    heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
    split = qkv.view(*qkv.shape[:2], heads + 2 * kv_heads, config.head_dim)
    query, key, value = split.tensor_split((heads, heads + kv_heads), dim=2)
    return rotate(query, turn), rotate(key, turn), value
