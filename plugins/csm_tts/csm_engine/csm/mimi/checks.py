"""Look at values, which waits for the device: for what comes from outside, never within a step."""

from torch import Tensor

from csm_engine.csm.mimi.config import MimiConfig


def check_codes(codes: Tensor, config: MimiConfig) -> None:
    """[…, num_quantizers, T]. Raises ValueError for what Mimi cannot decode."""
    if codes.is_floating_point() or codes.is_complex():
        raise ValueError(f"codes are {codes.dtype}, must be whole numbers")
    if codes.shape[-2:-1] != (config.num_quantizers,):
        raise ValueError(
            f"codes are {list(codes.shape)}, must be [{config.num_quantizers} codebooks, frames]"
        )
    if codes.numel() == 0:
        raise ValueError("codes are empty: give one frame at least")
    least, most = int(codes.min()), int(codes.max())
    if least < 0 or most >= config.codebook_size:
        raise ValueError(
            f"codes run from {least} to {most}, Mimi's from 0 to {config.codebook_size - 1}: "
            "CSM's special codes must not reach it"
        )


def check_slots(slots: Tensor, padding_slot: int) -> None:
    """[B], 0 to `padding_slot`. Raises ValueError for others, and for a stream named twice."""
    numbers: list[int] = slots.tolist()
    if wrong := [number for number in numbers if not 0 <= number <= padding_slot]:
        raise ValueError(f"slots {wrong} do not exist: there are 0 to {padding_slot - 1}")
    streams = [number for number in numbers if number != padding_slot]
    if len(streams) != len(set(streams)):
        raise ValueError(f"slots {numbers} name a stream twice: give its frames in one row")


def check_samples(samples: Tensor) -> None:
    """[n]. Raises ValueError for what is no mono sound as floats from -1 to 1."""
    if samples.ndim != 1:
        raise ValueError(f"sound is {list(samples.shape)}, must be [samples]: mix it to mono")
    if not samples.is_floating_point():
        raise ValueError(f"sound is {samples.dtype}: convert it with pcm.from_int16")
    if not samples.isfinite().all():
        raise ValueError("sound has samples that are not finite: record it again")
