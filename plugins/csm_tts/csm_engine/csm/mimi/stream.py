"""A caller's sound as it comes, in pieces of any length."""

import torch
from torch import Tensor

from csm_engine.csm.mimi.checks import check_samples
from csm_engine.csm.mimi.encoder import MimiEncoder


class EncoderStream:
    """One stream in one slot of an encoder, which it resets.

    It steps alone: who encodes many callers at once cuts frames of each for `MimiEncoder.step`.
    """

    def __init__(self, encoder: MimiEncoder, slot: int) -> None:
        if not 0 <= slot < encoder.padding_slot:
            raise ValueError(
                f"slot {slot} does not exist: there are 0 to {encoder.padding_slot - 1}"
            )
        self._encoder = encoder
        self._slots = torch.tensor([slot], device=encoder.device)
        self._rest = torch.empty(0, device=encoder.device)
        self._begin()

    def push(self, samples: Tensor) -> Tensor:
        """[n], any n → codes [num_quantizers, T] of the T frames that are whole now, perhaps none.

        Raises ValueError for what is no mono sound.
        """
        check_samples(samples)
        sound = torch.cat([self._rest, samples.to(self._rest)])
        size = self._encoder.config.frame_size
        end = sound.shape[0] - sound.shape[0] % size
        self._rest = sound[end:]
        return self._encode(sound[:end])

    def flush(self) -> Tensor:
        """Codes of what fills no frame: [num_quantizers, 1], or none. A new stream begins."""
        codes = self._encode(self._rest)
        self._begin()
        return codes

    def _encode(self, sound: Tensor) -> Tensor:
        config = self._encoder.config
        codes = [torch.empty(config.num_quantizers, 0, dtype=torch.long, device=sound.device)]
        if sound.shape[0]:
            longest = self._encoder.max_frames * config.frame_size
            pieces = torch.split(sound[None, None], longest, -1)
            codes += [self._encoder.step(piece, self._slots)[0] for piece in pieces]
        return torch.cat(codes, -1)

    def _begin(self) -> None:
        self._rest = self._rest[:0]
        self._encoder.reset(self._slots)
