"""Mimi's tensors by transformers' names, as its files and as its models have them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from csm_engine.csm.checkpoint import WeightsError

_PREFIX = "codec_model."

_OF_MODEL = (
    ("encoder.encoder_seanet.", "encoder."),
    ("encoder.encoder_transformer.", "encoder_transformer."),
    ("encoder.downsample.", "downsample."),
    ("decoder.decoder_seanet.", "decoder."),
    ("decoder.decoder_transformer.", "decoder_transformer."),
    ("decoder.upsample.", "upsample."),
)
"""transformers from 5.23 on keeps the halves apart in memory; its files keep the flat names."""


def flat_name(name: str) -> str:
    """As in files, without the prefix that a CSM folder has."""
    name = name.removeprefix(_PREFIX)
    for start, flat in _OF_MODEL:
        if name.startswith(start):
            return flat + name.removeprefix(start)
    return name


class MimiTensors:
    """Tensors of a file or of a model, with or without the prefix `codec_model.`.

    Tensors are converted as they are taken, so that a mapping may read them only then.
    """

    def __init__(self, tensors: Mapping[str, Tensor], device: torch.device | str = "cpu") -> None:
        of_codec = [name for name in tensors if name.startswith(_PREFIX)]
        self._names = {flat_name(name): name for name in of_codec or tensors}
        self._tensors = tensors
        self.device = torch.device(device)

    def take(self, name: str, *shape: int) -> Tensor:
        """In fp32. Raises WeightsError."""
        if name not in self._names:
            raise WeightsError(
                f"Mimi's tensor {name} is missing: load every shard of a CSM folder in "
                "transformers' format, or of kyutai/mimi"
            )
        tensor = self._tensors[self._names[name]]
        if tuple(tensor.shape) != shape:
            raise WeightsError(
                f"Mimi's tensor {name} is {list(tensor.shape)}, config.json says {list(shape)}: "
                "take both from one folder"
            )
        return tensor.detach().to(self.device, torch.float32)
