"""Codes → sound, a few frames of many streams at a time, as exact as decoding each at once."""

from collections.abc import Mapping

import torch
from torch import Tensor

from csm_engine.csm.mimi.checks import check_codes, check_slots
from csm_engine.csm.mimi.config import MimiConfig
from csm_engine.csm.mimi.convs import ConvTranspose1d
from csm_engine.csm.mimi.quantizer import Dequantizer
from csm_engine.csm.mimi.seanet import build_decoder
from csm_engine.csm.mimi.state import SlotState
from csm_engine.csm.mimi.transformer import Transformer, ring_shape
from csm_engine.csm.mimi.weights import MimiTensors


class MimiDecoder:
    """Mimi's decoder (arXiv 2410.00037, §3.3) with `slots` streams, each at a position of its own.

    All state lies in buffers that never move, and `step` reads nothing back: a CUDA graph of a step
    of B streams and T frames may be replayed with other codes and slots. fp32 throughout.

    Args:
        weights: by transformers' names, with or without the prefix `codec_model.`; may be more than
            the decoder's.
        slots: numbered from 0. Rows that only fill a batch take `padding_slot`.
        max_frames: the longest step.

    Raises:
        WeightsError: a tensor is missing or of another shape.
    """

    def __init__(
        self,
        config: MimiConfig,
        weights: Mapping[str, Tensor],
        *,
        slots: int,
        max_frames: int = 4,
        device: torch.device | str = "cpu",
    ) -> None:
        taken = MimiTensors(weights, device)
        width = (config.hidden_size, config.hidden_size)
        groups = config.upsample_groups
        self.config = config
        self._max_frames = max_frames
        self._dequantize = Dequantizer(config, taken)
        self._upsample = ConvTranspose1d(
            taken, "upsample", width, config.latent_stride, groups=groups, bias=False
        )
        self._transformer = Transformer(config, taken, "decoder")
        self._seanet = build_decoder(config, taken)
        shapes = [*self._upsample.context_shapes, *self._seanet.context_shapes]
        self._state = SlotState(slots, shapes, ring_shape(config, max_frames), device)

    @property
    def padding_slot(self) -> int:
        return self._state.padding_slot

    @property
    def bytes_per_slot(self) -> int:
        """Memory of one stream's state."""
        return self._state.bytes_per_slot

    @torch.inference_mode()
    def step(self, codes: Tensor, slots: Tensor) -> Tensor:
        """The next T frames of B streams.

        Only shapes are looked at; `check` looks at values, where codes come from outside. Codes out
        of range are held to the range.

        Args:
            codes: [B, num_quantizers, T], T from 1 to max_frames.
            slots: [B], int64, each at most once, save the padding slot.

        Returns:
            [B, 1, T x frame_size], about -1 to 1.

        Raises:
            ValueError: another shape.
        """
        self._check_shapes(codes, slots)
        frames = codes.shape[-1]
        rows = self._state.gather(slots, frames * self.config.latent_stride)
        x = self._upsample(self._dequantize(codes), rows.contexts)
        x = self._transformer(x, rows, self._state)
        pcm = self._seanet(x, rows.contexts)
        self._state.keep(rows)
        return pcm

    def flush(self, slots: Tensor, silence: Tensor, frames: int = 1) -> Tensor:
        """What still rings after the last frame, by `frames` frames of silence: [B, 1, samples].

        Args:
            silence: [num_quantizers], from `MimiEncoder.silence`.
        """
        codes = silence[None, :, None].expand(slots.shape[0], -1, frames)
        return self.step(codes, slots)

    @torch.inference_mode()
    def reset(self, slots: Tensor) -> None:
        """Let new streams begin in the slots [B]."""
        self._state.reset(slots)

    @torch.inference_mode()
    def copy(self, sources: Tensor, targets: Tensor) -> None:
        """Let `targets` [B] go on from `sources` [B]: a voice's prompt is decoded once."""
        self._state.copy(sources, targets)

    def check(self, codes: Tensor, slots: Tensor) -> None:
        """Look at the values, too, which waits for the device. Raises ValueError."""
        self._check_shapes(codes, slots)
        check_codes(codes, self.config)
        check_slots(slots, self.padding_slot)

    def _check_shapes(self, codes: Tensor, slots: Tensor) -> None:
        books = self.config.num_quantizers
        if codes.shape[1:-1] != (books,):
            raise ValueError(
                f"codes are {list(codes.shape)}, must be [streams, {books} codebooks, frames]"
            )
        if not 1 <= codes.shape[2] <= self._max_frames:
            raise ValueError(
                f"a step of {codes.shape[2]} frames: give 1 to {self._max_frames} (max_frames)"
            )
        if slots.shape != codes.shape[:1]:
            raise ValueError(
                f"slots are {list(slots.shape)}, must be [{codes.shape[0]}]: one a row"
            )
