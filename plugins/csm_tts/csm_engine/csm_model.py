"""CSM as a model of this engine's server: a folder of weights, a folder of voices."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import torch
from prometheus_client import CollectorRegistry

from csm_engine.clip import VoiceError
from csm_engine.config import Settings
from csm_engine.conversation import CsmConversation
from csm_engine.csm.checkpoint import WeightsError
from csm_engine.csm.fields import ConfigError
from csm_engine.csm.prompt import PromptError
from csm_engine.engine.engine import Engine
from csm_engine.engine.inbox import Inbox
from csm_engine.engine.loop import Loop
from csm_engine.engine.watch import Watch
from csm_engine.loading import Loaded, load
from csm_engine.model import Manner, UnknownVoiceError
from csm_engine.voices import Voice, find_voice
from parley_serving import StartError


class CsmModel:
    """A sentence follows from its voice's clip and from what its conversation remembers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: Loaded
        self._voices: Mapping[str, Voice] = {}
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

    async def add_voice(self, folder: Path) -> None:
        """Raises VoiceError."""

        def add() -> None:
            voice = self._loaded.learn(folder)
            self._voices = {**self._voices, voice.name: voice}

        await self._engine.do(add)

    def _load(self, inbox: Inbox) -> Loop:
        """On the device's thread."""
        self._loaded = load(self._settings)
        self._voices = self._loaded.voices
        return self._loaded.loop(inbox, self._watch)
