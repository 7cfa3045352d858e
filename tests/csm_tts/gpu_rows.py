"""What the tests of devices share: a device by its name, and rows that speak on it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from csm_engine.csm.frame_step import FrameStep, Slots
from csm_engine.csm.model import Csm
from csm_engine.csm.paged_kv import PagedKV, Sequence
from csm_engine.csm.sampler import Sampling
from csm_engine.engine.device import Device, Host
from csm_engine.gpu.device import Cuda
from tests.csm_tts.csm_rows import text_prompt

no_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")

on_gpu = [pytest.mark.engine, pytest.mark.gpu, no_gpu]
"""Marks of a test that needs one. They run with torch alone:
`python3 -m pytest --noconftest -c /dev/null tests/csm_tts/test_gpu_*.py`."""

DEVICES = ["cpu", pytest.param("cuda", marks=on_gpu)]

PAGE_SIZE = 16


def make_device(name: str) -> Device:
    return Cuda() if name == "cuda" else Host()


class Speaking:
    """`rows` sentences with prompts of different lengths, stepped together; replayed if `captured`."""

    def __init__(self, model: Csm, on: Device, rows: int, *, captured: bool) -> None:
        self.model, self.rows = model, rows
        config = model.config.backbone
        self.kv = PagedKV(
            config, pages=16 * rows, page_size=PAGE_SIZE, dtype=model.dtype, device=model.device
        )
        self.slots = Slots(model, self.kv, rows)
        self.step = FrameStep(model, self.slots, rows)
        self.run: Callable[[], None] = on.captured(self.step.run) if captured else self.step.run
        self.sequences = [self.begin(slot) for slot in range(rows)]
        self.step.choose(list(range(rows)))

    def begin(self, slot: int, length: int = 0) -> Sequence:
        """Row n reads 5 + 3n tokens unless told otherwise; odd ones are greedy."""
        sequence = Sequence()
        prompt = text_prompt(self.model.config, length or 5 + 3 * slot, seed=slot)
        embedded = self.model.backbone.embed(prompt)
        self.model.backbone.prefill(self.kv, sequence, embedded[:-1])
        sampling = Sampling(temperature=0.0 if slot % 2 else 0.9, seed=slot)
        self.slots.admit(slot, sequence, embedded[-1], sampling)
        return sequence

    def advance(self) -> None:
        for slot, sequence in enumerate(self.sequences):
            self.slots.advance(slot, sequence)

    def frames(self, count: int) -> Tensor:
        """[count, rows, codebooks + 1]"""
        made = []
        for _ in range(count):
            self.advance()
            self.run()
            made.append(self.step.result.cpu().clone())
        return torch.stack(made)
