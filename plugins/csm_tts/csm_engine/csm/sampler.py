"""Codes from scores: temperature, top-k, and the largest after Gumbel noise."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one utterance is sampled. Temperature 0 takes the likeliest code; top_k 0 keeps all.

    `min_frames` come before an end is allowed: codebook 0 does not take the end's code in them.
    """

    temperature: float = 0.9
    top_k: int = 50
    seed: int = 0
    min_frames: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= MAX_TEMPERATURE:
            raise ValueError(f"temperature {self.temperature} is not in 0…{MAX_TEMPERATURE:g}")
        if not 0 <= self.top_k <= MAX_TOP_K:
            raise ValueError(f"top_k {self.top_k} is not in 0 (all)…{MAX_TOP_K}")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed {self.seed} is not in 0…2^63-1")
        if self.min_frames < 0:
            raise ValueError(f"min_frames {self.min_frames} is negative")


MAX_TEMPERATURE = 5.0

MAX_TOP_K = 256
"""The search for the k-th score has a fixed width, so that it can be captured in a graph."""


def sample(logits: Tensor, temperature: Tensor, top_k: Tensor, noise: Tensor) -> Tensor:
    """Scores [rows, codes] float32 → codes [rows] int64; a row's own values decide alone.

    `temperature` float32 and `top_k` int64 are [rows], `noise` is Gumbel's, [rows, codes]: adding
    it and taking the largest draws from the softmax (Gumbel-max). Scores equal to the k-th stay.
    """
    greedy = (temperature <= 0)[:, None]
    width = min(MAX_TOP_K, logits.shape[1])
    best = logits.topk(width, dim=1).values
    last = best.gather(1, (top_k.clamp(1, width) - 1)[:, None])
    dropped = (logits < last) & (top_k > 0)[:, None]
    scaled = logits / torch.where(greedy, 1.0, temperature[:, None])
    noisy = scaled + torch.where(greedy, 0.0, noise)
    return noisy.masked_fill(dropped, -torch.inf).argmax(1)
