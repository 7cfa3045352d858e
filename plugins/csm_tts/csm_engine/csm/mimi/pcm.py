"""Floats from -1 to 1 ↔ 16-bit samples."""

import torch
from torch import Tensor

_SCALE = 32768


def to_int16(pcm: Tensor) -> Tensor:
    """The nearest sample. What is too loud is clipped, what is not a number is silence: neither may
    wrap into a crack."""
    scaled = torch.nan_to_num(pcm * _SCALE, nan=0.0).round_()
    return scaled.clamp_(-_SCALE, _SCALE - 1).to(torch.int16)


def from_int16(samples: Tensor) -> Tensor:
    """The inverse: fp32."""
    return samples.float() / _SCALE
