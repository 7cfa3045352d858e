"""Matrices in 8 bits: half of what a step reads of them, at some loss."""

from dataclasses import dataclass

import torch
from torch import Tensor

LARGEST = 127


@dataclass(frozen=True, slots=True)
class Int8:
    """`codes` int8 [out, in] times `scales` float32 [out]: each output has a scale of its own."""

    codes: Tensor
    scales: Tensor

    @classmethod
    def of(cls, weight: Tensor) -> "Int8":
        """[out, in], rounded: off by no more than half a scale, which is the row's largest / 127."""
        wide = weight.float()
        scales = wide.abs().amax(1).clamp(min=torch.finfo(torch.float32).tiny) / LARGEST
        return cls((wide / scales[:, None]).round().to(torch.int8), scales)

    def wide(self, dtype: torch.dtype) -> Tensor:
        """What it stands for, [out, in]."""
        return (self.codes.float() * self.scales[:, None]).to(dtype)


Matrix = Tensor | Int8
"""[out, in], as a linear layer has it."""
