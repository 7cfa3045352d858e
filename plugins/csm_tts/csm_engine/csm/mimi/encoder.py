"""Sound → codes: of callers while they speak, and of whole clips."""

from collections.abc import Mapping

import torch
from torch import Tensor

from csm_engine.csm.mimi.checks import check_samples, check_slots
from csm_engine.csm.mimi.config import MimiConfig
from csm_engine.csm.mimi.convs import Conv1d
from csm_engine.csm.mimi.quantizer import Quantizer
from csm_engine.csm.mimi.seanet import build_encoder
from csm_engine.csm.mimi.state import Rows, SlotState
from csm_engine.csm.mimi.transformer import Transformer, ring_shape
from csm_engine.csm.mimi.weights import MimiTensors

_CLIP_FRAMES = 25
"""Frames that `encode` takes at a time: enough to keep a device busy, little memory."""

_SETTLING_FRAMES = 25
"""Silence until every convolution has forgotten how the stream began."""


class MimiEncoder:
    """Mimi's encoder with `slots` streams, each at a position of its own. fp32 throughout.

    Args and errors are those of `MimiDecoder`.
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
        stride = config.latent_stride
        self.config = config
        self.max_frames = max_frames
        self.device = torch.device(device)
        self._seanet = build_encoder(config, taken)
        self._transformer = Transformer(config, taken, "encoder")
        self._downsample = Conv1d(
            taken, "downsample", width, 2 * stride, stride=stride, bias=False, pad_mode="replicate"
        )
        self._quantize = Quantizer(config, taken)
        self._state = self._new_state(slots, max_frames)

    @property
    def padding_slot(self) -> int:
        return self._state.padding_slot

    @property
    def bytes_per_slot(self) -> int:
        """Memory of one stream's state."""
        return self._state.bytes_per_slot

    @torch.inference_mode()
    def step(self, pcm: Tensor, slots: Tensor) -> Tensor:
        """The next samples of B streams.

        Args:
            pcm: [B, 1, samples] at `sampling_rate`, from 1 sample to max_frames x frame_size. The
                last piece of a stream alone may be no multiple of frame_size: it is padded as
                transformers pads a clip, and then the slot must be reset.
            slots: [B], int64, each at most once, save the padding slot.

        Returns:
            codes [B, num_quantizers, frames], int64; a frame that the end cut short is one.

        Raises:
            ValueError: another shape.
        """
        self._check_shapes(pcm, slots)
        return self._step(pcm, slots, self._state)

    @torch.inference_mode()
    def reset(self, slots: Tensor) -> None:
        """Let new streams begin in the slots [B]."""
        self._state.reset(slots)

    @torch.inference_mode()
    def encode(self, samples: Tensor) -> Tensor:
        """A whole clip, apart from all slots: [n] → codes [num_quantizers, ceil(n / frame_size)].

        Raises ValueError for what is no mono sound.
        """
        check_samples(samples)
        if samples.shape[0] == 0:
            raise ValueError("the clip is empty: give one sample at least")
        state = self._new_state(1, _CLIP_FRAMES)
        slots = torch.zeros(1, dtype=torch.long, device=self.device)
        sound = samples.to(self.device, torch.float32)[None, None]
        pieces = torch.split(sound, _CLIP_FRAMES * self.config.frame_size, -1)
        return torch.cat([self._step(piece, slots, state) for piece in pieces], -1)[0]

    def silence(self) -> Tensor:
        """The codes [num_quantizers] that Mimi itself gives to silence."""
        samples = torch.zeros(_SETTLING_FRAMES * self.config.frame_size, device=self.device)
        return self.encode(samples)[:, -1]

    def check(self, pcm: Tensor, slots: Tensor) -> None:
        """Look at the values, too, which waits for the device. Raises ValueError."""
        self._check_shapes(pcm, slots)
        check_samples(pcm.flatten())
        check_slots(slots, self.padding_slot)

    def _step(self, pcm: Tensor, slots: Tensor, state: SlotState) -> Tensor:
        positions = -(-pcm.shape[-1] * self.config.latent_stride // self.config.frame_size)
        rows = state.gather(slots, positions)
        x = self._seanet(pcm, rows.contexts)
        x = self._transformer(x, rows, state)
        codes = self._quantize(self._down(x, rows))
        state.keep(rows)
        return codes

    def _down(self, x: Tensor, rows: Rows) -> Tensor:
        """A stream begins with its first latent repeated, as transformers has it."""
        context = next(rows.contexts)
        first = (rows.positions[:, :1] == 0)[..., None]
        context.copy_(torch.where(first, x[..., :1], context))
        return self._downsample(x, iter([context]))

    def _new_state(self, slots: int, max_frames: int) -> SlotState:
        shapes = [*self._seanet.context_shapes, *self._downsample.context_shapes]
        return SlotState(slots, shapes, ring_shape(self.config, max_frames), self.device)

    def _check_shapes(self, pcm: Tensor, slots: Tensor) -> None:
        longest = self.max_frames * self.config.frame_size
        if pcm.shape[1:-1] != (1,):
            raise ValueError(f"sound is {list(pcm.shape)}, must be [streams, 1, samples]")
        if not 1 <= pcm.shape[2] <= longest:
            raise ValueError(f"a step of {pcm.shape[2]} samples: give 1 to {longest} (max_frames)")
        if slots.shape != pcm.shape[:1]:
            raise ValueError(f"slots are {list(slots.shape)}, must be [{pcm.shape[0]}]: one a row")
