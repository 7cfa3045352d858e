"""Where a model runs and in what numbers."""

from typing import Literal

import ctranslate2

from whisper_engine.whisper.files import ModelError

Device = Literal["auto", "cpu", "cuda"]


MOST_WORKERS = 4
GPU_WORKERS = 2


class DeviceError(ModelError):
    """The device cannot be used, or not with this type of numbers."""


def default_compute_type(device: str) -> str:
    return "float16" if device == "cuda" else "int8"


def default_workers(device: str, cores: int) -> int:
    """One core a worker is faster in all than several cores a worker, until memory is the limit. Of a
    GPU's two, one encodes while the other's decoder waits for its kernels' launches."""
    return GPU_WORKERS if device == "cuda" else min(cores, MOST_WORKERS)


def choose_device(device: Device) -> str:
    there = ctranslate2.get_cuda_device_count() > 0
    if device == "cuda" and not there:
        raise DeviceError(
            "the device `cuda` is asked for and CTranslate2 sees no GPU: check the driver "
            "(`nvidia-smi`), or choose the device `cpu`"
        )
    if device == "auto":
        return "cuda" if there else "cpu"
    return device


def check_compute_type(device: str, compute_type: str) -> None:
    possible = ctranslate2.get_supported_compute_types(device)
    if compute_type not in {*possible, "default", "auto"}:
        raise DeviceError(
            f"this machine's {device} cannot compute in {compute_type}: take one of "
            + ", ".join(sorted(possible))
        )
