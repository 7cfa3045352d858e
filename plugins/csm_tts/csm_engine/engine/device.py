"""What the engine asks of the device it runs on, besides running torch on it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from torch import Tensor

Run = Callable[[], None]
"""Work of fixed shapes on buffers that never move, in which the host reads nothing."""


class Device(Protocol):
    """All methods belong to the thread that owns the device. Work is done in the order asked."""

    def captured(self, run: Run) -> Run:
        """The same work, recorded where the device can replay it. `run` is done at least once."""
        ...

    def fetch(self, tensor: Tensor) -> Callable[[], Tensor]:
        """Begin to copy it to the host; what is given waits for that, and gives the copy.

        The tensor may be written again by work that is asked for after.
        """
        ...

    def beside(self) -> AbstractContextManager[None]:
        """Work asked for inside follows all that was asked before, and what comes after the block
        need not wait for it."""
        ...

    def join(self) -> None:
        """What is asked for from here on follows the work of the last `beside`."""
        ...


class Host:
    """The CPU: everything is done when it is asked for."""

    def captured(self, run: Run) -> Run:
        return run

    def fetch(self, tensor: Tensor) -> Callable[[], Tensor]:
        copy = tensor.clone()
        return lambda: copy

    def beside(self) -> AbstractContextManager[None]:
        return nullcontext()

    def join(self) -> None:
        pass
