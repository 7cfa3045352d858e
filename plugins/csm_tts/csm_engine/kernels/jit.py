"""Triton's decorator, with a type: Triton itself has none."""

from collections.abc import Callable
from typing import Any

import triton


def jit(kernel: Callable[..., None]) -> Any:
    """Launched as `kernel[grid](…)`; interpreted on the CPU where TRITON_INTERPRET=1 was set
    before this module was imported."""
    return triton.jit(kernel)


def power_of_two(size: int) -> int:
    """The least that is no smaller: blocks have such sizes only."""
    return 1 << (size - 1).bit_length()
