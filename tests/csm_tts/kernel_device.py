"""A GPU that is not there: Triton compiles for it, and launches are counted instead of made.

Tensors are on PyTorch's `meta` device, which computes shapes only, so a model may have any size.
"""

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from triton.backends.compiler import GPUTarget
from triton.runtime import driver


class Launches:
    """Triton's driver for a device of a compute capability, such as 80 or 90."""

    def __init__(self, capability: int, shared: int) -> None:
        self.counts: Counter[str] = Counter()
        self._target = GPUTarget("cuda", capability, 32)
        self.utils = SimpleNamespace(
            load_binary=lambda *_: (None, None, 0, 0, 1024),
            get_device_properties=lambda _: {"max_shared_mem": shared},
        )
        driver.set_active(self)

    def launcher_cls(self, source: Any, _: Any) -> Callable[..., None]:
        def launch(*_: Any) -> None:
            self.counts[source.fn.__name__.strip("_")] += 1

        return launch

    def get_current_target(self) -> GPUTarget:
        return self._target

    def get_current_device(self) -> int:
        # Triton keeps what it compiled by this number.
        return int(self._target.arch)

    def get_current_stream(self, _: int) -> int:
        return 0
