"""Folders of a tiny CSM and of voices for it, and an engine's batch over them."""

import wave
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from csm_engine.config import Settings
from csm_engine.csm.mimi.decoder import MimiDecoder
from csm_engine.csm.mimi.encoder import MimiEncoder
from csm_engine.csm.model import Csm
from csm_engine.csm.paged_kv import PagedKV
from csm_engine.csm.synthetic import TINY, write_random
from csm_engine.endings.ending import Guards
from csm_engine.engine.batch import Batch
from csm_engine.engine.codec import Codec
from csm_engine.engine.device import Device
from csm_engine.voices import Voice
from parley_serving import ListenSettings

TRANSCRIPT = "Hello to all."


def noise(seconds: float, rate: int = 24_000, *, seed: int = 0) -> NDArray[np.int16]:
    return np.random.default_rng(seed).normal(0, 3_000, int(seconds * rate)).astype(np.int16)


def write_wav(path: Path, samples: NDArray[Any], rate: int = 24_000, *, channels: int = 1) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(samples.dtype.itemsize)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def write_voice(folder: Path, *, seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    write_wav(folder / "clip.wav", noise(1.2, seed=seed))
    for name, text in (("transcript", TRANSCRIPT), ("consent", "Noise."), ("licence", "CC0-1.0")):
        (folder / f"{name}.txt").write_text(text + "\n")
    return folder


@dataclass(frozen=True)
class Folders:
    model: Path
    voices: Path


def write_folders(root: Path) -> Folders:
    """A tiny CSM, and the voices `ada` and `ben`."""
    torch.set_num_threads(1)
    folders = Folders(root / "tiny-csm", root / "voices")
    # A token a letter: a long sentence needs twice the positions that a tiny one has.
    write_random(folders.model, {**TINY, "max_position_embeddings": 512})
    for seed, name in enumerate(("ada", "ben")):
        write_voice(folders.voices / name, seed=seed)
    return folders


def csm_settings(folders: Folders, **others: Any) -> Settings:
    paths = {"model": str(folders.model), "voices": folders.voices}
    return Settings(**{"listen": ListenSettings(port=1), "device": "cpu", **paths, **others})


def voice(model: Csm, name: str, *, seed: int, clip_frames: int) -> Voice:
    """Whose clip is codes at random."""
    shape = clip_frames, model.config.num_codebooks
    random = torch.Generator().manual_seed(seed)
    codes = torch.randint(1, model.config.codebook_size, shape, generator=random)
    return Voice(name, TRANSCRIPT, codes)


def batch(
    model: Csm,
    voices: Sequence[str] = ("ada", "ben"),
    *,
    slots: int = 4,
    pages: int = 64,
    clip_frames: int = 12,
    guards: Guards | None = None,
    device: Device | None = None,
    spare: int = 0,
    kind: type[Batch] = Batch,
) -> Batch:
    """`spare` voices more have a place in its codec."""
    config = replace(model.config.codec, num_quantizers=model.config.num_codebooks)
    weights = model.weights.codec
    decoder = MimiDecoder(config, weights, slots=slots + len(voices) + spare)
    silence = MimiEncoder(config, weights, slots=1).silence()
    return kind(
        model,
        PagedKV(model.config.backbone, pages=pages, page_size=16),
        Codec(decoder, silence, rows=slots),
        [
            voice(model, name, seed=number, clip_frames=clip_frames)
            for number, name in enumerate(voices)
        ],
        slots=slots,
        guards=guards,
        device=device,
    )
