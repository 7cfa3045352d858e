"""What a CSM needs of this machine, and of its folder. Imports torch."""

import contextlib
import importlib.util
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from csm_engine.cli.findings import Finding, State
from csm_engine.cli.judging import voice_folders
from csm_engine.clip import VoiceError
from csm_engine.config import Settings
from csm_engine.csm import census
from csm_engine.csm.checkpoint import Checkpoint, WeightsError
from csm_engine.csm.config import CsmConfig, read_config
from csm_engine.csm.fields import ConfigError
from csm_engine.csm.prompt import Prompter, PromptError
from csm_engine.engine.batch import buckets
from csm_engine.gpu.plan import GRAPHS, memory
from csm_engine.loading import SPARE_VOICES

GIB = 2**30
NAMED = 3
"""Parts of the memory that are named, the largest first."""


def look(settings: Settings) -> Iterator[Finding]:
    """In the order in which each keeps the next from working."""
    on_gpu = uses_gpu(settings)
    yield _device(settings, on_gpu=on_gpu)
    yield _graphs(on_gpu=on_gpu)
    yield _kernels(on_gpu=on_gpu)
    config, model = _model(Path(settings.model))
    yield model
    if config is not None:
        free = torch.cuda.mem_get_info()[0] if on_gpu else _free_here()
        yield fits(_memory(config, settings, on_gpu=on_gpu), free)


def uses_gpu(settings: Settings) -> bool:
    return settings.device != "cpu" and torch.cuda.is_available()


def _device(settings: Settings, *, on_gpu: bool) -> Finding:
    if on_gpu:
        return Finding("device", State.FINE, torch.cuda.get_device_name())
    if settings.device == "cuda":
        fix = "install a driver and a torch that see the GPU, or set CSM_DEVICE=cpu"
        return Finding("device", State.BROKEN, "CSM_DEVICE=cuda, and torch sees no GPU", fix)
    fix = "a released CSM needs a GPU: set CSM_DEVICE=cuda where there is one"
    return Finding("device", State.WEAK, f"the CPU, {torch.get_num_threads()} threads", fix)


def _graphs(*, on_gpu: bool) -> Finding:
    says = (
        "a frame is replayed as one CUDA graph"
        if on_gpu
        else "none: a CPU runs a frame step by step"
    )
    return Finding("graphs", State.FINE, says)


def _kernels(*, on_gpu: bool) -> Finding:
    if not on_gpu:
        return Finding("kernels", State.FINE, "PyTorch's own, as always on a CPU")
    if importlib.util.find_spec("triton") is None:
        fix = "install triton of the version that this torch wants"
        return Finding("kernels", State.BROKEN, "there is no triton to compile them", fix)
    return Finding("kernels", State.FINE, "fused, by Triton")


def _model(folder: Path) -> tuple[CsmConfig | None, Finding]:
    try:
        config = read_config(folder)
        Prompter.of_folder(config, folder)
        checkpoint = Checkpoint.of(folder)
        names = frozenset({census.AUDIO_EMBEDDING, census.DEPTH_EMBEDDING})
        tied = names if config.tie_codebooks_embeddings else frozenset()
        checkpoint.check(census.tensors(config), optional=tied)
    except (ConfigError, PromptError, WeightsError) as error:
        return None, Finding("model", State.BROKEN, str(error), "set CSM_MODEL to a whole CSM")
    parameters = sum(math.prod(shape) for shape in checkpoint.shapes.values())
    says = f"{folder.name}: {len(checkpoint.shapes)} tensors, {parameters:,} parameters"
    return config, Finding("model", State.FINE, says)


def fits(parts: Mapping[str, int], free: int | None) -> Finding:
    """`parts` and `free` in bytes; None where nobody knows what is free."""
    needed = sum(parts.values())
    largest = sorted(parts.items(), key=lambda part: part[1], reverse=True)[:NAMED]
    named = ", ".join(f"{name} {size / GIB:.2f}" for name, size in largest)
    left = "unknown" if free is None else f"{free / GIB:.2f} GiB"
    says = f"{needed / GIB:.2f} GiB needed ({named}), {left} free"
    if free is None or needed <= free:
        return Finding("memory", State.FINE, says)
    fix = "set CSM_STREAMS lower, or end what else holds memory"
    return Finding("memory", State.BROKEN, says, fix)


def _memory(config: CsmConfig, settings: Settings, *, on_gpu: bool) -> dict[str, int]:
    """What `loading` will ask for."""
    parts = memory(
        config,
        streams=settings.streams,
        conversations=settings.streams,
        voices=_voices(settings) + SPARE_VOICES,
        dtype_bytes=2 if on_gpu else 4,
        buckets=buckets(settings.streams),
        layer0_table=on_gpu,
        depth_bits=settings.depth_bits,
    )
    return {name: size for name, size in parts.items() if on_gpu or name != GRAPHS}


def _voices(settings: Settings) -> int:
    try:
        return len(voice_folders(settings.voices)) if settings.voices else 0
    except VoiceError:
        return 0


def _free_here() -> int | None:
    """What Linux would give without swapping."""
    with contextlib.suppress(OSError), open("/proc/meminfo") as lines:
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None
