"""A voice's codes, made before an engine starts: of a CSM's folder only its codec is read."""

from dataclasses import replace
from pathlib import Path

import torch

from csm_engine.clip import VoiceError
from csm_engine.csm.census import CODEC
from csm_engine.csm.checkpoint import Checkpoint, WeightsError
from csm_engine.csm.config import read_config
from csm_engine.csm.fields import ConfigError
from csm_engine.csm.mimi.encoder import MimiEncoder
from csm_engine.voices import fingerprint, read_voice


class CodesError(Exception):
    """The model or the voice cannot be read; the message names the fix."""


@torch.inference_mode()
def make_codes(model: Path, voice: Path) -> None:
    """Beside the clip, on the CPU. Raises CodesError."""
    try:
        config = read_config(model)
        checkpoint = Checkpoint.of(model)
        codec = {
            name.removeprefix(CODEC): checkpoint.read(name).to(torch.float32)
            for name in checkpoint.shapes
            if name.startswith(CODEC)
        }
        # As the engine's own: a CSM of fewer codebooks than its Mimi has leaves out the finest.
        of_csm = replace(config.codec, num_quantizers=config.num_codebooks)
        read_voice(voice, MimiEncoder(of_csm, codec, slots=1), fingerprint(codec))
    except (ConfigError, VoiceError, WeightsError) as error:
        raise CodesError(str(error)) from error
