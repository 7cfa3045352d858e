"""Mimi for the rows of an engine: each begins where its voice's clip ended."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from csm_engine.csm.mimi.decoder import MimiDecoder
from csm_engine.endings.level import Pcm

PRIMED_FRAMES = 125
"""Of a clip: 10 s, the window of Mimi's attention."""


class Codec:
    """A slot of the decoder for each row, and one for each voice, whose state rows begin with.

    A decoder that begins cold changes a voice's first sounds.
    """

    def __init__(self, decoder: MimiDecoder, silence: Tensor, *, rows: int) -> None:
        """`silence` is a frame's codes, [codebooks]; the decoder has slots beyond `rows`."""
        self._decoder = decoder
        self._silence = silence
        self._next_voice = rows

    @property
    def rate(self) -> int:
        return self._decoder.config.sampling_rate

    def add_voice(self, codes: Tensor) -> int:
        """Decode a clip's last frames, [frames, codebooks]; the slot that holds the state then."""
        slot = self._next_voice
        self._next_voice += 1
        for frame in codes[-PRIMED_FRAMES:]:
            self._decoder.step(frame[None, :, None].to(self._silence.device), self._slots([slot]))
        return slot

    def begin(self, slot: int, voice: int) -> None:
        self._decoder.copy(self._slots([voice]), self._slots([slot]))

    def decode(self, frames: Tensor, slots: Sequence[int]) -> list[Pcm]:
        """A frame [rows, codebooks] each."""
        return _rows(self._decoder.step(frames[:, :, None], self._slots(slots)))

    def flush(self, slot: int) -> Pcm:
        """A frame more, of what still rings."""
        return _rows(self._decoder.flush(self._slots([slot]), self._silence))[0]

    def _slots(self, slots: Sequence[int]) -> Tensor:
        return torch.tensor(slots, dtype=torch.long, device=self._silence.device)


def _rows(pcm: Tensor) -> list[Pcm]:
    """Not-a-numbers become silence: they must not decide when a sentence ends."""
    return list(np.nan_to_num(pcm[:, 0].cpu().numpy(), nan=0.0))
