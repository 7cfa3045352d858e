"""Whisper as a model of hearing: one set of weights, batches across calls, and doubt."""

import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry

from parley_serving import StartError
from whisper_engine.config import Settings
from whisper_engine.model import Decoder, Kind, Pace, Request, Span, UnknownLanguageError
from whisper_engine.protocol import SAMPLE_RATE, Start
from whisper_engine.whisper.batcher import Batcher
from whisper_engine.whisper.cost import CPU, CUDA, Cost
from whisper_engine.whisper.decoder import Decoding, WhisperDecoder
from whisper_engine.whisper.device import choose_device, default_workers
from whisper_engine.whisper.evidence import limits_for
from whisper_engine.whisper.files import ModelError
from whisper_engine.whisper.languages import LanguageLock, normalise
from whisper_engine.whisper.lengths import Lengths
from whisper_engine.whisper.metrics import DecodeMetrics
from whisper_engine.whisper.scheduler import CPU_LIMITS, CUDA_LIMITS
from whisper_engine.whisper.task import Decoded, Task
from whisper_engine.whisper.weights import Weights

PATIENCE = {"cpu": 0.4, "cuda": 0.2}
"""Seconds that a decode may wait before the engine counts as full."""


@dataclass(frozen=True)
class _Loaded:
    weights: Weights
    batcher: Batcher[Task, Decoded]
    decoding: Decoding


class Whisper:
    """Args:
    settings: which model, where, and how; read when it is `running`.
    registry: where its decodes are counted.
    """

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self._settings = settings
        self._metrics = DecodeMetrics(registry)
        self._streams = itertools.count()
        self._loaded: _Loaded | None = None

    @property
    def name(self) -> str:
        """A folder's own name without its path, which is nobody else's business."""
        return Path(self._settings.model).name

    @property
    def languages(self) -> tuple[str, ...]:
        return self._there.weights.languages

    @property
    def pace(self) -> Pace:
        return self._there.batcher.pace

    @property
    def has_room(self) -> bool:
        return self._loaded is None or self._loaded.batcher.has_room

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises StartError."""
        try:
            weights = await asyncio.to_thread(self._load)
        except ModelError as error:
            raise StartError(str(error)) from error
        on_cpu = weights.device == "cpu"
        batcher = Batcher(
            weights.decode,
            workers=self._workers,
            limits=CPU_LIMITS if on_cpu else CUDA_LIMITS,
            cost=Cost(CPU if on_cpu else CUDA),
            patience=PATIENCE["cpu" if on_cpu else "cuda"],
            observer=self._metrics,
        )
        decoding = Decoding(
            batcher=batcher,
            lengths=self._lengths(weights.device),
            limits=limits_for(self._settings.model),
            metrics=self._metrics,
            beam=self._settings.beam,
            clock=time.monotonic,
        )
        async with batcher.running():
            self._loaded = _Loaded(weights, batcher, decoding)
            try:
                await self._warm_up()
                yield
            finally:
                self._loaded = None

    @contextlib.asynccontextmanager
    async def decoder(self, start: Start) -> AsyncIterator[Decoder]:
        loaded = self._there
        lock = LanguageLock(self._known(start.languages or (start.language,)))
        prompt = " ".join(filter(None, (self._settings.prompt, start.prompt)))
        build = partial(loaded.weights.prompts.build_previous, prompt, start.keyterms)
        previous = lru_cache(maxsize=2)(build)  # a turn's decodes mostly follow the same text
        stream = next(self._streams)
        try:
            yield WhisperDecoder(loaded.decoding, stream, lock, previous)
        finally:
            loaded.batcher.close(stream)

    @property
    def _there(self) -> _Loaded:
        if self._loaded is None:
            raise RuntimeError("the model is not running")
        return self._loaded

    def _load(self) -> Weights:
        settings = self._settings
        return Weights.load(
            settings.model,
            device=settings.device,
            compute_type=settings.compute_type,
            workers=self._workers,
        )

    @property
    def _workers(self) -> int:
        settings = self._settings
        return settings.workers or default_workers(
            choose_device(settings.device), os.cpu_count() or 1
        )

    def _lengths(self, device: str) -> Lengths:
        margin = self._settings.margin
        lengths = replace(Lengths.for_device(device), interim_margin=margin)
        match self._settings.final_length:
            case "full":
                return replace(lengths, final_margin=None)
            case "cut":
                return replace(lengths, final_margin=margin)
            case _:
                return replace(lengths, final_margin=lengths.final_margin and margin)

    def _known(self, codes: tuple[str, ...]) -> tuple[str, ...]:
        languages = self._there.weights.languages
        for code in codes:
            if normalise(code) not in languages:
                raise UnknownLanguageError(
                    f"{self.name} does not hear {code!r}; it hears {' '.join(languages)}"
                )
        return tuple(map(normalise, codes))

    async def _warm_up(self) -> None:
        """Quiet noise: the first decode of each length is the slowest."""
        second = np.random.default_rng(0).normal(0, 200, SAMPLE_RATE).astype(np.int16).tobytes()
        start = Start(language=self._there.weights.languages[0])
        async with self.decoder(start) as decoder:
            for kind in (Kind.FINAL, Kind.FIRST_INTERIM):
                await decoder.decode(Request(kind, second, 0, (Span(0, SAMPLE_RATE),)))
