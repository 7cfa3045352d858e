"""A CSM ready to run: its config, its tokenizer, its two decoders."""

from dataclasses import dataclass
from pathlib import Path

import torch

from csm_engine.csm.attention import PagedAttention, sdpa
from csm_engine.csm.backbone import Backbone
from csm_engine.csm.config import CsmConfig, read_config
from csm_engine.csm.depth import DepthDecoder
from csm_engine.csm.prompt import Prompter
from csm_engine.csm.weights import Weights, load


@dataclass(frozen=True, slots=True)
class Csm:
    """`weights.codec` is there for the codec, which is not part of this class."""

    config: CsmConfig
    weights: Weights
    prompter: Prompter
    backbone: Backbone
    depth: DepthDecoder

    @classmethod
    def of(
        cls,
        config: CsmConfig,
        weights: Weights,
        prompter: Prompter,
        *,
        attention: PagedAttention = sdpa,
    ) -> "Csm":
        backbone = Backbone(config, weights.backbone, attention=attention)
        return cls(config, weights, prompter, backbone, DepthDecoder(config, weights.depth))

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        attention: PagedAttention = sdpa,
    ) -> "Csm":
        """A folder in transformers' format.

        Raises ConfigError, PromptError or WeightsError: each says what is wrong with the folder.
        """
        config = read_config(folder)
        prompter = Prompter.of_folder(config, folder)
        weights = load(folder, config, dtype=dtype, device=device)
        return cls.of(config, weights, prompter, attention=attention)

    @property
    def device(self) -> torch.device:
        return self.backbone.device

    @property
    def dtype(self) -> torch.dtype:
        return self.backbone.dtype
