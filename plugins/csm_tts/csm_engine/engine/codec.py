"""Mimi for the rows of an engine: each begins where its voice's clip ended."""

from collections.abc import Sequence

import torch
from torch import Tensor

from csm_engine.csm.mimi.decoder import MimiDecoder
from csm_engine.csm.mimi.pcm import from_int16, to_int16

PRIMED_FRAMES = 125
"""Of a clip: 10 s, the window of Mimi's attention."""


class NoSlotError(Exception):
    """As many voices were added as have a place."""


class Codec:
    """A slot of the decoder for each row, and one for each voice, whose state rows begin with.

    A decoder that begins cold changes a voice's first sounds.
    """

    def __init__(self, decoder: MimiDecoder, silence: Tensor, *, rows: int) -> None:
        """`silence` is a frame's codes, [codebooks]; the decoder has slots beyond `rows`."""
        self.decoder = decoder
        self.silence = silence
        self._next_voice = rows

    @property
    def rate(self) -> int:
        return self.decoder.config.sampling_rate

    def add_voice(self, codes: Tensor) -> int:
        """Decode a clip's last frames, [frames, codebooks]; the slot that holds the state then.

        Raises NoSlotError.
        """
        slot = self._next_voice
        if slot == self.decoder.padding_slot:
            raise NoSlotError("there is no place for another voice until the engine is restarted")
        self._next_voice += 1
        for frame in codes[-PRIMED_FRAMES:]:
            codes_of_one = frame[None, :, None].to(self.silence.device)
            self.decoder.step(codes_of_one, self._slots([slot]))
        return slot

    def begin(self, slot: int, voice: int) -> None:
        self.decoder.copy(self._slots([voice]), self._slots([slot]))

    def _slots(self, slots: Sequence[int]) -> Tensor:
        chosen = torch.tensor(slots, dtype=torch.long)
        return chosen.to(self.silence.device, non_blocking=True)


class CodecStep:
    """A frame each for batches of `rows`, in buffers that never move: a graph may hold `run`.

    `sound` [rows, samples] int16 is what was made, `power` [rows] float32 the mean square of it.
    """

    def __init__(self, codec: Codec, rows: int) -> None:
        decoder = codec.decoder
        config, device = decoder.config, codec.silence.device
        self._codec = codec
        self._frames = torch.zeros(
            rows, config.num_quantizers + 1, dtype=torch.int32, device=device
        )
        self._slots = torch.full((rows,), decoder.padding_slot, device=device)
        self.sound = torch.zeros(rows, config.frame_size, dtype=torch.int16, device=device)
        self.power = torch.zeros(rows, device=device)

    def take(self, frames: Tensor, slots: Sequence[int]) -> None:
        """`frames` as `FrameStep.result` has them, of so many rows; the first ones' slots."""
        padding = [self._codec.decoder.padding_slot] * (len(self._slots) - len(slots))
        self._frames.copy_(frames)
        self._slots.copy_(torch.tensor([*slots, *padding]), non_blocking=True)

    def run(self) -> None:
        """The end's own frame is no sound, but the last phoneme may still ring (csm.md §5): silence
        takes its place."""
        ended = self._frames[:, -1:] != 0
        codes = torch.where(ended, self._codec.silence, self._frames[:, :-1].long())
        made = self._codec.decoder.step(codes[:, :, None], self._slots)[:, 0]
        self.sound.copy_(to_int16(made))
        self.power.copy_(from_int16(self.sound).square().mean(1))
