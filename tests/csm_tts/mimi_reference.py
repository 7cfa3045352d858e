"""Small seeded Mimis of transformers', and the engine's configuration of them."""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from transformers import MimiConfig as ReferenceConfig
from transformers import MimiModel

from csm_engine.csm.fields import Fields
from csm_engine.csm.mimi.config import MimiConfig

TINY = {
    "hidden_size": 32,
    "num_filters": 4,
    "num_residual_layers": 2,
    "upsampling_ratios": [4, 3, 2],
    "num_hidden_layers": 2,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "codebook_size": 64,
    "codebook_dim": 16,
    "vector_quantization_hidden_dimension": 16,
    "num_quantizers": 6,
    "num_semantic_quantizers": 2,
    "upsample_groups": 32,
    "sliding_window": 10,
}
"""48 samples a frame and a window of 5 frames. Groups and residual layers other than Mimi's own."""

NARROW = TINY | {
    "num_residual_layers": 1,
    "upsampling_ratios": [3, 2],
    "num_key_value_heads": 4,
    "num_semantic_quantizers": 1,
    "sliding_window": 250,
}
"""With Mimi's own window of 10 s."""


class Reference:
    """A MimiModel whose every part matters to what comes out."""

    def __init__(self, **dimensions: Any) -> None:
        torch.manual_seed(7)
        # the classes are typed by what their decorators leave
        reference: Any = ReferenceConfig(**dimensions)
        self.model: Any = MimiModel(reference)
        self.model.eval()  # type: ignore[no-untyped-call]
        self.model.requires_grad_(False)
        for name, tensor in self.model.state_dict().items():
            if name.endswith(".scale"):
                tensor.normal_(0.3, 0.1)
            elif name.endswith("norm.weight"):
                tensor.normal_(1.0, 0.2)
            elif name.endswith(("norm.bias", ".embed_sum")):
                tensor.normal_(0.0, 0.5)
            elif name.endswith(".cluster_usage"):
                tensor.uniform_(0.2, 1.5)[0] = 0.0  # a centroid that was never used
            if name.endswith(".embed_sum"):
                tensor[0] = 0.0
        self.codec: dict[str, Any] = reference.to_dict()
        self.config = MimiConfig.from_fields(Fields(self.codec, "codec_config"))
        self.weights: dict[str, Tensor] = self.model.state_dict()

    def codes(self, *shape: int) -> Tensor:
        """[streams, frames] → random codes [streams, num_quantizers, frames]."""
        streams, frames = shape
        size = (streams, self.config.num_quantizers, frames)
        return torch.randint(0, self.config.codebook_size, size)

    def decode(self, codes: Tensor) -> Tensor:
        pcm: Tensor = self.model.decode(codes).audio_values
        return pcm

    def encode(self, samples: Tensor) -> Tensor:
        """[n] → [num_quantizers, frames]."""
        codes: Tensor = self.model.encode(samples[None, None]).audio_codes
        return codes[0]


@cache
def tiny() -> Reference:
    return Reference(**TINY)


@cache
def narrow() -> Reference:
    return Reference(**NARROW)


def frames_that_differ(got: Tensor, wanted: Tensor) -> float:
    """Share of frames with another code: [num_quantizers, T] each.

    Rounding decides between centroids that are equally near, and then every finer code of the frame
    is another.
    """
    assert got.shape == wanted.shape
    return float((got != wanted).any(0).float().mean())


def relative_error(got: Tensor, wanted: Tensor) -> float:
    """Largest difference over largest value."""
    assert got.shape == wanted.shape
    return float((got - wanted).abs().max() / wanted.abs().max())
