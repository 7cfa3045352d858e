"""What a model costs on this machine: each step of CTranslate2 by itself."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np

from whisper_engine.whisper.files import load_tokenizer
from whisper_engine.whisper.lengths import BUCKETS, max_length

BATCHES = (1, 2, 4, 8)
SHORT, LONG = 8, 40
"""Tokens; what lies between them has no share in what is done once."""

JOBS = 6
"""Decodes that workers divide among them."""

TURN_FRAMES, TURN_TOKENS = 600, 15


@dataclass(frozen=True)
class Encoding:
    frames: int
    batch: int
    seconds: float


@dataclass(frozen=True)
class Decoding:
    """`seconds` are of one token of each item of the batch."""

    batch: int
    seconds: float


@dataclass(frozen=True)
class Workers:
    """How long JOBS turns of TURN_FRAMES and TURN_TOKENS take in all."""

    workers: int
    seconds: float


class Costs:
    """Args:
    folder: of the model.
    device, compute_type: as CTranslate2 names them.
    repeats: the quickest of so many is taken.
    """

    def __init__(self, folder: Path, device: str, compute_type: str, repeats: int) -> None:
        self._folder = folder
        self._place = {"device": device, "compute_type": compute_type}
        self._repeats = repeats
        tokenizer = load_tokenizer(folder)
        self._end = tokenizer.token_to_id("<|endoftext|>")
        self._start = tokenizer.token_to_id("<|startoftranscript|>")
        self._model = self._load(workers=1)

    def encodings(
        self, lengths: Sequence[int] = BUCKETS, batches: Sequence[int] = BATCHES
    ) -> Iterator[Encoding]:
        for frames in lengths:
            for batch in batches:
                features = self._features(batch, frames)
                seconds = self._quickest(partial(self._model.encode, features))
                yield Encoding(frames, batch, seconds)

    def decodings(self, frames: int, batches: Sequence[int] = BATCHES) -> Iterator[Decoding]:
        for batch in batches:
            encoded = self._model.encode(self._features(batch, frames))
            short, long = (
                self._quickest(partial(self._say, self._model, encoded, batch, tokens))
                for tokens in (SHORT, LONG)
            )
            yield Decoding(batch, (long - short) / (LONG - SHORT))

    def workers(self, numbers: Sequence[int]) -> Iterator[Workers]:
        features = self._features(1, TURN_FRAMES)
        for number in numbers:
            model = self._load(number)
            with ThreadPoolExecutor(number) as threads:
                seconds = self._quickest(partial(self._turns, model, features, threads))
            yield Workers(number, seconds)

    def _turns(self, model: Any, features: Any, threads: ThreadPoolExecutor) -> None:
        jobs = [threads.submit(self._turn, model, features) for _ in range(JOBS)]
        for job in jobs:
            job.result()

    def _turn(self, model: Any, features: Any) -> None:
        self._say(model, model.encode(features), 1, TURN_TOKENS)

    def _load(self, workers: int) -> Any:
        threads = max(1, (os.cpu_count() or 1) // workers)
        return ctranslate2.models.Whisper(
            str(self._folder),
            inter_threads=workers,
            intra_threads=threads,
            max_queued_batches=-1,
            **self._place,
        )

    def _features(self, batch: int, frames: int) -> Any:
        noise = np.random.default_rng(0).normal(0, 0.5, (batch, self._model.n_mels, frames))
        return ctranslate2.StorageView.from_array(noise.astype(np.float32))

    def _say(self, model: Any, encoded: Any, batch: int, tokens: int) -> None:
        """Exactly so many tokens, whatever the model would say."""
        model.generate(
            encoded,
            [[self._start]] * batch,
            beam_size=1,
            max_length=max_length(tokens, prompt=1),
            suppress_tokens=[self._end],
        )

    def _quickest(self, work: Callable[[], object]) -> float:
        work()
        return min(_seconds(work) for _ in range(self._repeats))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
