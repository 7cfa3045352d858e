"""Callers' sound → codes, while they talk: a step of the encoder for many of them.

All methods belong to the thread that owns the device.
"""

import numpy as np
import torch
from torch import Tensor

from csm_engine.audio import SAMPLE_BYTES, Resampler
from csm_engine.context.budget import SEGMENT_FRAMES
from csm_engine.csm.mimi.encoder import MimiEncoder
from csm_engine.csm.mimi.pcm import from_int16


class Listening:
    """Gives the first `slots` of an encoder to callers."""

    def __init__(self, encoder: MimiEncoder, slots: int) -> None:
        if not 0 <= slots <= encoder.padding_slot:
            raise ValueError(f"{slots} callers: the encoder has {encoder.padding_slot} slots")
        self._encoder = encoder
        self._free = list(range(slots - 1, -1, -1))
        self._ears: list[Ear] = []
        """The one that was served last is the last."""

    def begin(self, rate: int) -> "Ear | None":
        """An ear for sound at `rate` Hz; None when no slot is free."""
        if not self._free:
            return None
        ear = Ear(self, self._encoder, self._free.pop(), rate)
        self._ears.append(ear)
        return ear

    def work(self, rows: int) -> bool:
        """Encode the next whole frames of up to `rows` ears, as many of each as the one that has the
        fewest, those first that waited longest. False when no frame is whole."""
        served = [ear for ear in self._ears if ear.waiting][:rows]
        if not served:
            return False
        frames = min(self._encoder.max_frames, *(ear.waiting for ear in served))
        sound = torch.stack([ear.next(frames * ear.frame_bytes) for ear in served])
        try:
            codes = self._encoder.step(sound[:, None], self._slots(served))
        except Exception:
            for ear in served:
                ear.forget()  # a gap would be heard as speech that was never said so
            raise
        for ear, own in zip(served, codes, strict=True):
            ear.keep(own)
        self._ears = [ear for ear in self._ears if ear not in served] + served
        return True

    def release(self, ear: "Ear") -> None:
        """Of `Ear.close`."""
        if ear in self._ears:
            self._ears.remove(ear)
            self._free.append(ear.slot)

    def _slots(self, ears: "list[Ear]") -> Tensor:
        return torch.tensor([ear.slot for ear in ears], device=self._encoder.device)


class Ear:
    """One caller's. What nobody takes is forgotten from the oldest, all but the last 20 s."""

    def __init__(self, listening: Listening, encoder: MimiEncoder, slot: int, rate: int) -> None:
        self.slot = slot
        self.frame_bytes = encoder.config.frame_size * SAMPLE_BYTES
        self._listening = listening
        self._encoder = encoder
        self._slots = torch.tensor([slot], device=encoder.device)
        self._rate = rate
        self._sound = bytearray()
        self._codes = self._no_codes()
        self._begin()

    @property
    def waiting(self) -> int:
        """Whole frames that were heard and not encoded yet."""
        return len(self._sound) // self.frame_bytes

    def hear(self, pcm: bytes) -> None:
        """s16le mono, any number of samples."""
        self._sound += self._resampler.push(pcm) if self._resampler else pcm
        if self.waiting > SEGMENT_FRAMES:
            # The encoder fell behind by all that is kept: begin again where that begins.
            late = bytes(self._sound[-SEGMENT_FRAMES * self.frame_bytes :])
            self.forget()
            self._sound += late

    def take(self) -> Tensor:
        """Codes [n, codebooks] int64 on the CPU of all that was heard since the last take, the part
        of a frame at its end as one. A new stream begins."""
        if self._resampler:
            self._sound += self._resampler.finish()
        longest = self._encoder.max_frames * self.frame_bytes
        while self._sound:
            sound = self.next(min(longest, len(self._sound)))
            self.keep(self._encoder.step(sound[None, None], self._slots)[0])
        codes = self._codes.T.contiguous().cpu()
        self._begin()
        return codes

    def close(self) -> None:
        """Give the slot back. Nothing may follow but another `close`."""
        self._listening.release(self)

    def next(self, size: int) -> Tensor:
        """The first `size` bytes that wait, as samples [n] on the encoder's device."""
        samples = np.frombuffer(self._sound[:size], "<i2")
        del self._sound[:size]
        return from_int16(torch.from_numpy(samples)).to(self._encoder.device)

    def keep(self, codes: Tensor) -> None:
        """Those of the next frames, [codebooks, n]."""
        self._codes = torch.cat((self._codes, codes), -1)[:, -SEGMENT_FRAMES:]

    def _begin(self) -> None:
        wanted = self._encoder.config.sampling_rate
        self._resampler = Resampler(self._rate, wanted) if self._rate != wanted else None
        self.forget()

    def forget(self) -> None:
        """The sound, and what the encoder remembers of it."""
        self._sound = bytearray()
        self._codes = self._no_codes()
        self._encoder.reset(self._slots)

    def _no_codes(self) -> Tensor:
        quantizers = self._encoder.config.num_quantizers
        return torch.empty(quantizers, 0, dtype=torch.long, device=self._encoder.device)
