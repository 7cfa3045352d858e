"""What PyTorch is asked to do, operation by operation, on any device."""

from collections import Counter
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

FREE = {"empty", "new_empty", "empty_strided", "new_empty_strided", "_unsafe_view"}
"""Operations that start nothing on a device, besides views."""

WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "item"}
"""Operations for which the host waits for a device, and which no graph can hold."""


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations by name, but for those that are free; fails where the host would wait."""

    def __init__(self, device: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts: Counter[str] = Counter()
        self._device = device

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = func._schema.name.removeprefix("aten::")
        assert name not in WAITING, f"{name} reads back"
        to = (kwargs or {}).get("device")
        assert to is None or torch.device(to).type == self._device, f"{name} to {to}"
        if not func.is_view and name not in FREE:
            self.counts[name] += 1
        return func(*args, **(kwargs or {}))
