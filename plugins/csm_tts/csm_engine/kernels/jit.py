"""Triton's decorator, with a type: Triton itself has none."""

from collections.abc import Callable
from typing import Any

import triton


def jit(*varying: str) -> Callable[[Callable[..., None]], Any]:
    """A kernel, launched as `kernel[grid](…)`.

    It is compiled for what its arguments have in common (divisors, alignment), but for those named
    `varying`: these would have it compiled again and again. Where TRITON_INTERPRET=1 was set before
    Triton was imported, it is interpreted on the CPU.
    """

    def compiled(kernel: Callable[..., None]) -> Any:
        return triton.jit(kernel, do_not_specialize=varying, do_not_specialize_on_alignment=varying)

    return compiled


def power_of_two(size: int) -> int:
    """The least that is no smaller: blocks have such sizes only."""
    return 1 << (size - 1).bit_length()
