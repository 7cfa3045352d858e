"""The frame step's operations in few kernels, which a CUDA graph can hold."""

import torch
from torch import Tensor
from torch.nn import functional

from csm_engine.csm.attention import PagedAttention, sdpa
from csm_engine.csm.config import CsmConfig, Transformer
from csm_engine.csm.rope import RotaryTable
from csm_engine.kernels.close import close
from csm_engine.kernels.int8 import Int8, Matrix
from csm_engine.kernels.int8_product import product
from csm_engine.kernels.look import look
from csm_engine.kernels.norm import add_norm, gated, norm
from csm_engine.kernels.ops import After, Draw, Look
from csm_engine.kernels.pick import pick
from csm_engine.kernels.plain import TorchOps


class FusedOps:
    """`attention` reads prompts, whose many tokens are no work for a decode kernel."""

    def __init__(self, *, attention: PagedAttention = sdpa) -> None:
        self._prompts = TorchOps(attention=attention)

    def linear(self, states: Tensor, weight: Matrix) -> Tensor:
        if isinstance(weight, Int8):
            return product(states, weight)
        return functional.linear(states, weight)

    def norm(self, states: Tensor, weight: Tensor, eps: float) -> Tensor:
        return norm(states, weight, eps)

    def add_norm(
        self, states: Tensor, more: Tensor, weight: Tensor, eps: float
    ) -> tuple[Tensor, Tensor]:
        return add_norm(states, more, weight, eps)

    def gated(self, gate_up: Tensor) -> Tensor:
        return gated(gate_up)

    def over_pages(
        self,
        table: Tensor,
        positions: Tensor,
        page_size: int,
        rotary: RotaryTable,
        config: Transformer,
    ) -> Look:
        if positions.shape[1] > 1:
            return self._prompts.over_pages(table, positions, page_size, rotary, config)
        return _over(table, positions, rotary, config)

    def over_cache(
        self,
        table: Tensor,
        positions: Tensor,
        start: int,
        rotary: RotaryTable,
        config: Transformer,
    ) -> Look:
        return _over(table, positions, rotary, config)

    def picker(self, draw: Draw, config: CsmConfig) -> "FusedPicker":
        return FusedPicker(draw, config)

    def close(self, codes: Tensor, after: After) -> None:
        close(codes, after)


class FusedPicker:
    def __init__(self, draw: Draw, config: CsmConfig) -> None:
        self._draw = draw
        self._eos = config.codebook_eos_token_id
        self.codes = torch.empty(
            len(draw.seeds), config.num_codebooks, dtype=torch.long, device=draw.seeds.device
        )

    def __call__(self, logits: Tensor, codebook: int, *tables: Tensor) -> tuple[Tensor, ...]:
        own = self.codes[:, codebook]
        return pick(logits, self._draw, own, tables, codebook=codebook, eos=self._eos)


def _over(table: Tensor, positions: Tensor, rotary: RotaryTable, config: Transformer) -> Look:
    def over(qkv: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return look(
            qkv,
            keys,
            values,
            table=table,
            positions=positions,
            turns=rotary.turns,
            config=config,
        )

    return over
