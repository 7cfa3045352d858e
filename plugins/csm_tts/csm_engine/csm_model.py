"""CSM as a model of this engine's server: a folder of weights, a folder of voices."""

import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from prometheus_client import CollectorRegistry

from csm_engine.clip import VoiceError
from csm_engine.config import Settings
from csm_engine.conversation import CsmConversation
from csm_engine.csm.checkpoint import WeightsError
from csm_engine.csm.config import CsmConfig
from csm_engine.csm.fields import ConfigError
from csm_engine.csm.mimi.decoder import MimiDecoder
from csm_engine.csm.mimi.encoder import MimiEncoder
from csm_engine.csm.model import Csm
from csm_engine.csm.paged_kv import PagedKV
from csm_engine.csm.prompt import PromptError
from csm_engine.engine.batch import Batch
from csm_engine.engine.codec import Codec
from csm_engine.engine.engine import Engine
from csm_engine.engine.inbox import Inbox
from csm_engine.engine.listening import Listening
from csm_engine.engine.loop import Loop
from csm_engine.engine.watch import Watch
from csm_engine.model import Manner, UnknownVoiceError
from csm_engine.protocol import FRAME_SECONDS, SAMPLE_RATE
from csm_engine.voices import Voice, find_voice, read_voices
from parley_serving import StartError

SPARE_VOICES = 8
"""Voices that can be added while the engine runs."""


class CsmModel:
    """A sentence follows from its voice's clip and from what its conversation remembers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._voices: dict[str, Voice] = {}
        self._watch = Watch()
        self._engine = Engine(self._load)

    @property
    def name(self) -> str:
        """A folder's own name without its path, which is nobody else's business."""
        return Path(self._settings.model).name

    @property
    def voices(self) -> Sequence[str]:
        return sorted(self._voices)

    @property
    def broken(self) -> str | None:
        return self._engine.broken

    @property
    def metrics(self) -> CollectorRegistry:
        return self._watch.registry

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises StartError."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._engine.running())
            except (ConfigError, PromptError, VoiceError, WeightsError) as error:
                raise StartError(str(error)) from error
            except torch.OutOfMemoryError as error:
                raise StartError("the model does not fit: set CSM_STREAMS lower") from error
            yield

    def check(self, voice: str, language: str) -> None:
        find_voice(voice, self._voices)
        if language.replace("_", "-").partition("-")[0].lower() != "en":
            raise UnknownVoiceError(f"{self.name} speaks English only, not {language!r}")

    def has_room(self) -> bool:
        return self._engine.has_room()

    def converse(self, manner: Manner) -> CsmConversation:
        """Raises ValueError for a temperature or top_k that no sampler takes."""
        voice = find_voice(manner.voice, self._voices).name
        return CsmConversation(self._engine, voice, manner)

    def _load(self, inbox: Inbox) -> Loop:
        """On the device's thread."""
        settings = self._settings
        if settings.voices is None:
            raise VoiceError(
                "CSM_VOICES is not set: name a folder that has a folder for each voice"
            )
        on_gpu = settings.device == "cuda" or (
            settings.device == "auto" and torch.cuda.is_available()
        )
        device = "cuda" if on_gpu else "cpu"
        dtype = torch.bfloat16 if on_gpu else torch.float32
        model = Csm.load(Path(settings.model), dtype=dtype, device=device)
        _check_frames(model.config)
        # A CSM of fewer codebooks than its Mimi has leaves out the finest.
        config = replace(model.config.codec, num_quantizers=model.config.num_codebooks)
        weights = model.weights.codec
        encoder = MimiEncoder(config, weights, slots=settings.streams, device=device)
        self._voices = read_voices(settings.voices, encoder, weights)
        slots = settings.streams + len(self._voices) + SPARE_VOICES
        decoder = MimiDecoder(config, weights, slots=slots, device=device)
        batch = Batch(
            model,
            _room(model, contexts=slots),
            Codec(decoder, encoder.silence(), rows=settings.streams),
            self._voices.values(),
            slots=settings.streams,
        )
        listening = Listening(encoder, settings.streams)
        return Loop(batch, inbox, time.monotonic, self._watch, listening=listening)


def _room(model: Csm, *, contexts: int) -> PagedKV:
    """For so many contexts of full length."""
    config = model.config.backbone
    page_size = 64
    pages = contexts * -(-config.max_position_embeddings // page_size)
    return PagedKV(config, pages=pages, page_size=page_size, dtype=model.dtype, device=model.device)


def _check_frames(config: CsmConfig) -> None:
    made = config.codec.sampling_rate, config.codec.frame_size
    wanted = SAMPLE_RATE, round(SAMPLE_RATE * FRAME_SECONDS)
    if made != wanted:
        raise ConfigError(
            f"codec_config makes {made[1]} samples a frame at {made[0]} Hz, the engine speaks"
            f" {wanted[1]} at {wanted[0]}: take a CSM that speaks through Mimi"
        )
