"""What `bench/results` knows of a GPU: measured figures go before estimates."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parley.plan.figures import Origin, Source
from parley.plan.gpus import Gpu


@dataclass(frozen=True)
class WhisperCosts:
    """The batcher's coefficients, as `bench.whisper_gpu` fitted them (whisper_engine.whisper.cost)."""

    batch: float
    frame: float
    frame_squared: float
    step: float
    row_step: float

    def seconds(self, frames: int, size: int, tokens: int) -> float:
        encoded = self.frame * frames + self.frame_squared * frames**2
        return self.batch + size * encoded + tokens * (self.step + size * self.row_step)


@dataclass(frozen=True)
class Host:
    """What a call takes of the machine beside the models: cores and bytes."""

    cores: float
    memory: int
    idle: int
    source: Source


ASSUMED_HOST = Host(0.25, 110 * 2**20, 800 * 2**20, Source(Origin.ASSUMED, "no bench was found"))


@dataclass(frozen=True)
class Measured:
    """Of one kind of GPU; empty where nothing was measured on it."""

    csm: Sequence[tuple[int, float]] = ()
    csm_source: Source | None = None
    whisper: Mapping[str, WhisperCosts] = field(default_factory=dict)
    whisper_source: Source | None = None


def read_measured(folder: Path, gpu: Gpu) -> Measured:
    """From csm_device.json and whisper_gpu.json, where they are of this GPU."""
    csm, whisper = _of(folder / "csm_device.json", gpu), _of(folder / "whisper_gpu.json", gpu)
    batches = [
        (batch["rows"], batch["tick"])
        for batch in csm.get("batches", ())
        if batch.get("tick") and batch.get("form", "own") == "own"
    ]
    fits = {
        cost["shape"]: WhisperCosts(**fit["takes"])
        for cost, fit in zip(whisper.get("costs", ()), whisper.get("fits", ()), strict=False)
        if cost.get("way") == "eager"  # as CTranslate2 runs it: without graphs
    }
    return Measured(
        batches, _source("csm_device", batches), fits, _source("whisper_gpu", list(fits))
    )


def read_host(folder: Path) -> Host:
    """From voice_to_voice.json: what two more calls added, rehearsal engines and callers with them."""
    result = _read(folder / "voice_to_voice.json")
    try:
        few, more = result["memory_mib"]["1 call"], result["memory_mib"]["3 calls"]
        used = result["cpu_percent"]
        share = (used["3 calls"]["p50"] - used["1 call"]["p50"]) / 2 / 100
        cores = share * result["machine"]["cores"]
        kept = [name for name in few if name not in {"whisper", "csm", "scripted"}]
        memory = sum(more[name] - few[name] for name in kept) / 2
        idle = sum(result["memory_mib"]["idle"][name] for name in kept)
    except (KeyError, TypeError):
        return ASSUMED_HOST
    where = f"bench/results/voice_to_voice.json, {result['machine']['cpu']}"
    return Host(cores, round(memory * 2**20), round(idle * 2**20), Source(Origin.MEASURED, where))


def _of(path: Path, gpu: Gpu) -> dict[str, Any]:
    result = _read(path)
    named = str(result.get("gpu") or result.get("machine", {}).get("device", ""))
    return result if re.search(gpu.called, named.partition(",")[0]) else {}


def _source(name: str, found: Sequence[object]) -> Source | None:
    return Source(Origin.MEASURED, f"bench/results/{name}.json") if found else None


def _read(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return result if isinstance(result, dict) else {}
