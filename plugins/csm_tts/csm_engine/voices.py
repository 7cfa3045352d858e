"""Voices: a folder each, read once into the codes that lead every prompt.

A folder's name is the voice's. In it lie `clip.wav`, `transcript.txt` (what the clip says, word
for word), `consent.txt` (who allowed what) and `licence.txt`. The clip's codes are kept beside it
in `codes.safetensors`, with what they were made of in `codes.json`.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from csm_engine.clip import VoiceError, read_clip
from csm_engine.csm.mimi.encoder import MimiEncoder
from csm_engine.csm.mimi.pcm import from_int16
from csm_engine.model import UnknownVoiceError
from csm_engine.voice_folder import CLIP, check_words, transcript_of, write_voice

__all__ = [
    "Voice",
    "VoiceError",
    "find_voice",
    "fingerprint",
    "read_voice",
    "read_voices",
    "write_voice",
]

logger = logging.getLogger(__name__)

CODES, MADE_OF = "codes.safetensors", "codes.json"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Voice:
    """`codes` are [frames, codebooks] int64."""

    name: str
    transcript: str
    codes: Tensor


def find_voice(name: str, voices: Mapping[str, Voice]) -> Voice:
    """`default` is the first by name where no folder has that name. Raises UnknownVoiceError."""
    if name in voices:
        return voices[name]
    if name == DEFAULT and voices:
        return voices[min(voices)]
    raise UnknownVoiceError(f"no voice {name!r}; there are {', '.join(sorted(voices))}")


def read_voices(folder: Path, encoder: MimiEncoder, mark: str) -> dict[str, Voice]:
    """All voices of a folder, by name. `mark` is the `fingerprint` of the encoder's weights: others
    make other codes.

    Raises VoiceError, which names the file and the fix; also when there is no voice.
    """
    if not folder.is_dir():
        raise VoiceError(f"{folder} is not a folder: name one that has a folder for each voice")
    found = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    if not found:
        raise VoiceError(f"{folder} has no voices: a CSM without one speaks in a voice at random")
    return {path.name: read_voice(path, encoder, mark) for path in found}


def read_voice(folder: Path, encoder: MimiEncoder, mark: str) -> Voice:
    """One voice, as `read_voices` reads them. Raises VoiceError."""
    transcript = transcript_of(folder)
    clip = folder / CLIP
    made_of = {"clip": hashlib.sha256(clip.read_bytes()).hexdigest(), "codec": mark}
    codes = _kept(folder, made_of)
    if codes is None:
        codes = _encode(clip, transcript, encoder)
        _keep(folder, codes, made_of)
    return Voice(folder.name, transcript, codes)


def _encode(clip: Path, transcript: str, encoder: MimiEncoder) -> Tensor:
    rate = encoder.config.sampling_rate
    samples = read_clip(clip, rate)
    check_words(clip, len(samples) / rate, transcript)
    return encoder.encode(from_int16(torch.from_numpy(samples))).T.contiguous().cpu()


def _kept(folder: Path, made_of: Mapping[str, str]) -> Tensor | None:
    """None where there are none, or they were made of something else."""
    try:
        if json.loads((folder / MADE_OF).read_bytes()) != made_of:
            return None
        # Not mapped: the file may be replaced while this engine speaks.
        return load((folder / CODES).read_bytes())["codes"].long()
    except (OSError, ValueError, KeyError, SafetensorError):
        return None


def _keep(folder: Path, codes: Tensor, made_of: Mapping[str, str]) -> None:
    try:
        (folder / CODES).write_bytes(save({"codes": codes.to(torch.int16)}))
        # Written last: without it the codes do not count.
        (folder / MADE_OF).write_text(json.dumps(made_of, indent=2) + "\n")
    except OSError:
        logger.warning("a voice's codes cannot be kept: the next start makes them again")


def fingerprint(codec: Mapping[str, Tensor]) -> str:
    """Of a codec's weights, by name. It reads them all: seconds for a large one."""
    digest = hashlib.sha256()
    for name in sorted(codec):
        digest.update(name.encode())
        digest.update(codec[name].cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
