"""What one of Whisper's shapes costs in torch, by length and batch: as it comes, or as CUDA graphs."""

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch

from bench.whisper_dims import SHAPES
from bench.whisper_torch import Turns, captured, make_model

TOKENS = 15
"""Of a whole decode: some three seconds of speech."""

STEPS = 10
"""Timed in a row; each waits for its tokens, as a decoder must that looks for the end."""

JOBS, JOB_FRAMES = 6, 600
"""Turns that workers divide among them."""

_MIB = 2**20

Way = Literal["eager", "graph"]
Work = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Seconds of a batch of `batch` inputs of `frames` mel frames each."""

    frames: int
    batch: int
    seconds: float


@dataclass(frozen=True)
class Costs:
    """
    Args:
        encodings: the encoder alone.
        steps: one token of each item.
        wholes: encoder, prompt and TOKENS tokens.
        together: JOBS turns by one worker, and by two, in seconds.
        weights: MiB.
        peak: MiB held at most, weights included; graphs keep memory of their own. None off a GPU.
    """

    shape: str
    way: Way
    encodings: tuple[Timing, ...]
    steps: tuple[Timing, ...]
    wholes: tuple[Timing, ...]
    together: tuple[float, float]
    weights: float
    peak: float | None


@dataclass(frozen=True)
class _Phases:
    """The parts of a decode, as they are or as graphs."""

    turns: Turns
    encode: Work
    hear: Work
    prompt: Work
    step: Work

    def say(self, tokens: int) -> None:
        for _ in range(tokens):
            self.step()
            self.turns.tokens.cpu()

    def steps(self) -> None:
        self.turns.rewind()
        self.say(STEPS)

    def whole(self) -> None:
        """The prompt's pass gives the first token."""
        self.hear()
        self.prompt()
        self.turns.tokens.cpu()
        self.say(TOKENS - 1)


class Bench:
    """One shape's random weights on a device, `cuda` or `cpu`. The quickest of `repeats` counts."""

    def __init__(self, shape: str, device: str, repeats: int) -> None:
        self._shape, self._device, self._repeats = shape, device, repeats
        self._dims = SHAPES[shape]
        dtype = torch.float16 if device == "cuda" else torch.float32
        self._model = make_model(self._dims, device, dtype)

    def costs(self, way: Way, lengths: Sequence[int], batches: Sequence[int]) -> Costs:
        """Raises RuntimeError where a graph cannot be had, or memory."""
        if self._device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        sizes = [(frames, batch) for frames in lengths for batch in batches]
        timings = [self._timings(way, *size) for size in sizes]
        encodings, steps, wholes = (tuple(column) for column in zip(*timings, strict=True))
        held = torch.cuda.max_memory_allocated() / _MIB if self._device == "cuda" else None
        weights = [each.numel() * each.element_size() for each in self._model.parameters()]
        return Costs(
            self._shape,
            way,
            encodings,
            steps,
            wholes,
            together=(self._together(way, 1), self._together(way, 2)),
            weights=sum(weights) / _MIB,
            peak=held,
        )

    def _timings(self, way: Way, frames: int, batch: int) -> tuple[Timing, Timing, Timing]:
        """Of encoder, step and whole decode."""
        phases = self._phases(way, batch, frames)
        works: list[tuple[Work, int]] = [
            (phases.encode, 1),
            (phases.steps, STEPS),
            (phases.whole, 1),
        ]
        encoding, step, whole = (
            Timing(frames, batch, self._quickest(work) / times) for work, times in works
        )
        return encoding, step, whole

    def _phases(self, way: Way, batch: int, frames: int) -> _Phases:
        turns = Turns(self._model, self._dims, batch, frames)
        parts: list[Work] = [turns.encode, turns.hear, turns.prompt, turns.step]
        if way == "graph":
            parts = [captured(part) for part in parts]
        return _Phases(turns, *parts)

    def _together(self, way: Way, workers: int) -> float:
        """Each on a stream and a thread of its own; Python's lock is theirs together."""
        phases = [self._phases(way, 1, JOB_FRAMES) for _ in range(workers)]
        with ThreadPoolExecutor(workers) as threads:
            share = partial(self._jobs, JOBS // workers)
            return self._quickest(lambda: list(threads.map(share, phases)))

    def _jobs(self, number: int, phases: _Phases) -> None:
        with self._own_stream():
            for _ in range(number):
                phases.whole()

    def _own_stream(self) -> contextlib.AbstractContextManager[object]:
        if self._device == "cpu":
            return contextlib.nullcontext()
        return torch.cuda.stream(torch.cuda.Stream())

    def _quickest(self, work: Work) -> float:
        work()
        return min(self._seconds(work) for _ in range(self._repeats))

    def _seconds(self, work: Work) -> float:
        self._wait()
        began = time.perf_counter()
        work()
        self._wait()
        return time.perf_counter() - began

    def _wait(self) -> None:
        if self._device == "cuda":
            torch.cuda.synchronize()
