"""From settings to a CSM on its device, with its voices, its codec and its room."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from csm_engine.clip import VoiceError
from csm_engine.config import Settings
from csm_engine.csm.config import CsmConfig
from csm_engine.csm.fields import ConfigError
from csm_engine.csm.mimi.decoder import MimiDecoder
from csm_engine.csm.mimi.encoder import MimiEncoder
from csm_engine.csm.model import Csm
from csm_engine.csm.paged_kv import PagedKV
from csm_engine.engine.batch import Batch
from csm_engine.engine.codec import Codec
from csm_engine.engine.device import Device, Host
from csm_engine.engine.inbox import Inbox
from csm_engine.engine.listening import Listening
from csm_engine.engine.loop import Loop
from csm_engine.engine.watch import Watch
from csm_engine.gpu.device import Cuda, DeviceError
from csm_engine.protocol import FRAME_SECONDS, SAMPLE_RATE
from csm_engine.voices import Voice, fingerprint, read_voice, read_voices
from parley_serving import StartError

SPARE_VOICES = 8
"""Voices that can be added while the engine runs."""

PAGE_SIZE = 64
"""Tokens."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What belongs to the device's thread. `mark` names the codec whose codes voices are kept as."""

    settings: Settings
    device: Device
    batch: Batch
    encoder: MimiEncoder
    voices: Mapping[str, Voice]
    mark: str

    def loop(self, inbox: Inbox, watch: Watch) -> Loop:
        return Loop(
            self.batch,
            inbox,
            time.monotonic,
            watch,
            listening=Listening(self.encoder, self.settings.streams),
            # A host that asks for a step before the last one is back keeps a GPU busy; on a CPU
            # it would make a frame for nothing after each sentence.
            in_flight=1 if isinstance(self.device, Host) else 2,
        )

    def learn(self, folder: Path) -> Voice:
        """One voice more. Raises VoiceError, and nothing of it is left then."""
        voice = read_voice(folder, self.encoder, self.mark)
        self.batch.contexts.add_voice(voice)
        return voice


def load(settings: Settings) -> Loaded:
    """Raises ConfigError, PromptError, VoiceError, WeightsError, StartError or OutOfMemoryError."""
    if settings.voices is None:
        raise VoiceError("CSM_VOICES is not set: name a folder that has a folder for each voice")
    device = _device(settings)
    on = "cpu" if isinstance(device, Host) else "cuda"
    dtype = torch.float32 if isinstance(device, Host) else torch.bfloat16
    model = Csm.load(
        Path(settings.model),
        dtype=dtype,
        device=on,
        # 202 MB for CSM-1B, and a norm and a product less for each code of a frame.
        depth_table=on == "cuda",
        depth_bits=settings.depth_bits,
    )
    _check_frames(model.config)
    # A CSM of fewer codebooks than its Mimi has leaves out the finest.
    config = replace(model.config.codec, num_quantizers=model.config.num_codebooks)
    weights: Mapping[str, Tensor] = model.weights.codec
    encoder = MimiEncoder(config, weights, slots=settings.streams, device=on)
    mark = fingerprint(weights)
    voices = read_voices(settings.voices, encoder, mark)
    contexts = settings.streams + len(voices) + SPARE_VOICES
    decoder = MimiDecoder(config, weights, slots=contexts, device=on)
    batch = Batch(
        model,
        _room(model, contexts),
        Codec(decoder, encoder.silence(), rows=settings.streams),
        voices.values(),
        slots=settings.streams,
        device=device,
    )
    return Loaded(settings, device, batch, encoder, voices, mark)


def _device(settings: Settings) -> Device:
    if settings.device == "cpu" or (settings.device == "auto" and not torch.cuda.is_available()):
        return Host()
    try:
        return Cuda()
    except DeviceError as error:
        raise StartError(str(error)) from error


def _room(model: Csm, contexts: int) -> PagedKV:
    """For so many contexts of full length."""
    config = model.config.backbone
    pages = contexts * -(-config.max_position_embeddings // PAGE_SIZE)
    return PagedKV(config, pages=pages, page_size=PAGE_SIZE, dtype=model.dtype, device=model.device)


def _check_frames(config: CsmConfig) -> None:
    made = config.codec.sampling_rate, config.codec.frame_size
    wanted = SAMPLE_RATE, round(SAMPLE_RATE * FRAME_SECONDS)
    if made != wanted:
        raise ConfigError(
            f"codec_config makes {made[1]} samples a frame at {made[0]} Hz, the engine speaks"
            f" {wanted[1]} at {wanted[0]}: take a CSM that speaks through Mimi"
        )
