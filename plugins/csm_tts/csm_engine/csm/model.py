"""A CSM ready to run: its config, its tokenizer, its two decoders."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from csm_engine.csm.attention import PagedAttention, sdpa
from csm_engine.csm.backbone import Backbone
from csm_engine.csm.config import CsmConfig, read_config
from csm_engine.csm.depth import DepthDecoder
from csm_engine.csm.folding import with_8_bits, with_projections
from csm_engine.csm.prompt import Prompter
from csm_engine.csm.weights import Weights, load
from csm_engine.kernels.ops import Ops, ops_for


@dataclass(frozen=True, slots=True)
class Csm:
    """`weights.codec` is there for the codec, which is not part of this class.

    `ops` are those of the weights' device unless others are named; `attention` is theirs then.
    """

    config: CsmConfig
    weights: Weights
    prompter: Prompter
    backbone: Backbone
    depth: DepthDecoder
    ops: Ops

    @classmethod
    def of(
        cls,
        config: CsmConfig,
        weights: Weights,
        prompter: Prompter,
        *,
        attention: PagedAttention = sdpa,
        ops: Ops | None = None,
    ) -> "Csm":
        ops = ops or ops_for(weights.backbone.audio.device, attention=attention)
        backbone = Backbone(config, weights.backbone, ops)
        return cls(
            config, weights, prompter, backbone, DepthDecoder(config, weights.depth, ops), ops
        )

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        attention: PagedAttention = sdpa,
        ops: Ops | None = None,
        depth_table: bool = False,
        depth_bits: Literal[8, 16] = 16,
    ) -> "Csm":
        """A folder in transformers' format; `depth_table` and `depth_bits` are told of in `folding`.

        Raises ConfigError, PromptError or WeightsError: each says what is wrong with the folder.
        """
        config = read_config(folder)
        prompter = Prompter.of_folder(config, folder)
        weights = load(folder, config, dtype=dtype, device=device)
        if depth_table:
            weights = with_projections(weights, config)
        match depth_bits:
            case 8:
                weights = with_8_bits(weights)
        return cls.of(config, weights, prompter, attention=attention, ops=ops)

    @property
    def device(self) -> torch.device:
        return self.backbone.device

    @property
    def dtype(self) -> torch.dtype:
        return self.backbone.dtype
