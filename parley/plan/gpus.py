"""GPUs by name, and as `nvidia-smi` tells of them. Pure.

Bandwidth and operations are NVIDIA's data sheets' (dense, half precision with float32 sums). Memory is
what CUDA reports as total, which is less than the sheet's.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass

from parley.plan.errors import PlanError
from parley.plan.figures import GIB

SMI = ("name", "memory.total", "memory.free", "driver_version")
"""What `nvidia-smi --query-gpu=… --format=csv,noheader,nounits` is asked for."""

FP8_FROM = 8.9
"""Compute capability from which a GPU multiplies in 8-bit floating point."""


@dataclass(frozen=True)
class Gpu:
    """`bandwidth` in bytes a second, `flops` in operations a second; `share` of these is what
    Whisper's encoder reaches (whisper.md §5)."""

    name: str
    memory: int
    bandwidth: float
    flops: float
    share: float
    capability: float
    called: str
    """As the driver calls it: a pattern."""

    @property
    def has_fp8(self) -> bool:
        return self.capability >= FP8_FROM


GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu(
            name="a100-40",
            memory=int(39.4 * GIB),
            bandwidth=1.555e12,
            flops=312e12,
            share=0.45,
            capability=8.0,
            called=r"A100-(SXM4|PCI[eE])-40GB",
        ),
        Gpu(
            name="a100-80",
            memory=int(79.1 * GIB),
            bandwidth=2.04e12,
            flops=312e12,
            share=0.45,
            capability=8.0,
            called=r"A100-SXM4-80GB",
        ),
        Gpu(
            name="a100-80-pcie",
            memory=int(79.1 * GIB),
            bandwidth=1.935e12,
            flops=312e12,
            share=0.45,
            capability=8.0,
            called=r"A100(-PCI[eE]-80GB| 80GB PCI[eE])",
        ),
        Gpu(
            name="h100",
            memory=int(79.1 * GIB),
            bandwidth=3.35e12,
            flops=989e12,
            share=0.40,
            capability=9.0,
            called=r"H100( 80GB HBM3|-SXM5-80GB)",
        ),
        Gpu(
            name="h200",
            memory=int(139.7 * GIB),
            bandwidth=4.8e12,
            flops=989e12,
            share=0.40,
            capability=9.0,
            called=r"H200$",
        ),
        Gpu(
            name="l40s",
            memory=int(44.4 * GIB),
            bandwidth=0.864e12,
            flops=362e12,
            share=0.35,
            capability=8.9,
            called=r"L40S",
        ),
        Gpu(
            name="l4",
            memory=int(22.0 * GIB),
            bandwidth=0.3e12,
            flops=121e12,
            share=0.35,
            capability=8.9,
            called=r"\bL4$",
        ),
        Gpu(
            name="rtx-4090",
            memory=int(23.6 * GIB),
            bandwidth=1.008e12,
            flops=165e12,
            share=0.50,
            capability=8.9,
            called=r"RTX 4090$",
        ),
    )
}
"""Those that the design's estimates were made for, and their nearest kin."""


def gpu_by_name(name: str) -> Gpu:
    """Raises PlanError."""
    if name in GPUS:
        return GPUS[name]
    raise PlanError(f"there is no GPU {name!r} in the table: choose of {', '.join(GPUS)}")


@dataclass(frozen=True)
class Seen:
    """A GPU of this machine. `gpu` is None for one that the table lacks. Memory in bytes."""

    name: str
    memory: int
    free: int
    driver: str
    gpu: Gpu | None


def read_smi(page: str) -> tuple[Seen, ...]:
    """Raises PlanError for a page that is not SMI's."""
    return tuple(_seen(row) for row in csv.reader(page.splitlines()) if row)


def known(seen: Iterable[Seen]) -> tuple[Gpu, ...]:
    """Raises PlanError where there is none, or the table lacks one."""
    found = tuple(seen)
    if not found:
        raise PlanError("nvidia-smi names no GPU: name one with --gpu")
    for each in found:
        if each.gpu is None:
            raise PlanError(
                f"the table has no {each.name!r}: name the nearest with --gpu ({', '.join(GPUS)})"
            )
    return tuple(each.gpu for each in found if each.gpu)


def _seen(row: list[str]) -> Seen:
    try:
        name, total, free, driver = (cell.strip() for cell in row)
        memory, left = int(total) * 2**20, int(free) * 2**20
    except ValueError:
        raise PlanError(
            f"nvidia-smi said {','.join(row)!r}, not {', '.join(SMI)}: name the GPU with --gpu"
        ) from None
    gpu = next((gpu for gpu in GPUS.values() if re.search(gpu.called, name)), None)
    return Seen(name, memory, left, driver, gpu)
