"""A CSM of random weights on a device, its rows in the middle of their sentences, and clocks."""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from csm_engine.csm.folding import with_8_bits, with_projections
from csm_engine.csm.frame_step import FrameStep, Slots
from csm_engine.csm.mimi.decoder import MimiDecoder
from csm_engine.csm.model import Csm
from csm_engine.csm.paged_kv import PagedKV, Sequence
from csm_engine.csm.prompt import Prompt
from csm_engine.csm.sampler import Sampling
from csm_engine.csm.synthetic import CSM_1B, TINY, random_model
from csm_engine.engine.codec import Codec, CodecStep
from csm_engine.engine.device import Device, Host, Run
from csm_engine.gpu.device import Cuda
from csm_engine.kernels.plain import TorchOps

SHAPES = {"csm-1b": CSM_1B, "tiny": TINY}
FORMS = {
    "own": "the device's own operations",
    "plain": "PyTorch's operations",
    "table": "own, the first depth layer from a table",
    "8 bits": "own, that table and 8-bit depth layers",
}
PAGE_SIZE = 64
WARM_UPS = 3
AHEAD = 1
"""Ticks that are asked for before the last one is back, as the engine has them."""

Fetched = Callable[[], Tensor]


def make_model(shape: str, device: str) -> Csm:
    """bf16 on a GPU, as the engine has it; the codec is float32 anywhere."""
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    return random_model(SHAPES[shape], dtype=dtype, device=device)


def in_form(model: Csm, form: str) -> Csm:
    """The same model as one of FORMS; what is not changed is shared."""
    weights, ops = model.weights, model.ops
    if form == "plain":
        ops = TorchOps()
    if form in {"table", "8 bits"}:
        weights = with_projections(weights, model.config)
    if form == "8 bits":
        weights = with_8_bits(weights)
    return Csm.of(model.config, weights, model.prompter, ops=ops)


def make_device(device: str, *, tf32: bool) -> Device:
    return Cuda(device, tf32=tf32) if device == "cuda" else Host()


class Rig:
    """`rows` sentences that have `context` tokens behind them, with room for `steps` more.

    `step` and `codec` are the engine's own, run one operation at a time; `make` and `sound` are what
    the ticks do: the same, as the device replays them once it has been told to `capture`.
    """

    def __init__(self, model: Csm, on: Device, rows: int, *, context: int, steps: int) -> None:
        self.model, self.on, self.rows, self.context = model, on, rows, context
        config = model.config.backbone
        # A whole context besides, for `first_sound`.
        pages = rows * _pages(context + steps) + _pages(config.max_position_embeddings)
        kv = PagedKV(
            config, pages=pages, page_size=PAGE_SIZE, dtype=model.dtype, device=model.device
        )
        kv.keys.normal_()
        kv.values.normal_()
        self.kv = kv
        self.slots = Slots(model, kv, rows)
        self.sequences = [self._admit(slot, steps) for slot in range(rows)]
        mimi = replace(model.config.codec, num_quantizers=model.config.num_codebooks)
        decoder = MimiDecoder(mimi, model.weights.codec, slots=rows, device=model.device)
        silence = torch.zeros(mimi.num_quantizers, dtype=torch.long, device=model.device)
        self.step = FrameStep(model, self.slots, rows)
        self.codec = CodecStep(Codec(decoder, silence, rows=rows), rows)
        self.make: Run = self.step.run
        self.sound: Run = self.codec.run
        self._all = list(range(rows))
        self.step.choose(self._all)
        self.codec.take(self.step.result, self._all)

    def capture(self) -> None:
        # For padding alone, as when an engine starts.
        self.step.choose([])
        self.make = self.on.captured(self.step.run)
        self.step.choose(self._all)
        with self.on.beside():
            self.sound = self.on.captured(self.codec.run)
        self.on.join()

    def rewind(self) -> None:
        """Back to the context that all began with."""
        self.slots.positions.fill_(self.context)

    def tick(self) -> tuple[Fetched, Fetched]:
        """Ask for a frame of each row and its sound, as the engine's loop does."""
        on = self.on
        self.step.choose(self._all)
        self.make()
        codes = on.fetch(self.step.result)
        on.join()
        self.codec.take(self.step.result, self._all)
        with on.beside():
            self.sound()
            sound = on.fetch(self.codec.sound)
        return codes, sound

    def ticks(self, count: int) -> tuple[float, float]:
        """Seconds a tick when one is asked for before the last one is back, and the host's share:
        how long the asking takes."""
        asked = [self.tick() for _ in range(AHEAD)]
        host = 0.0
        began = time.perf_counter()
        for _ in range(count):
            at = time.perf_counter()
            asked.append(self.tick())
            host += time.perf_counter() - at
            collect(asked.pop(0))
        took = time.perf_counter() - began
        for rest in asked:
            collect(rest)
        return took / count, host / count

    def first_sound(self, tokens: int) -> float:
        """Seconds from a prompt of so many tokens to its first frame's sound, with nobody else."""
        sequence = Sequence()
        began = time.perf_counter()
        last = self.prefill(sequence, tokens)
        self.kv.extend(sequence, 1)
        self.slots.admit(0, sequence, last, Sampling())
        collect(self.tick())
        took = time.perf_counter() - began
        self.kv.free(sequence)
        return took

    def prefill(self, sequence: Sequence, tokens: int) -> Tensor:
        """All but the last token of a prompt of text, which is returned."""
        prompt = Prompt(
            torch.randint(0, 256, (tokens,)),
            torch.empty(0, self.model.config.num_codebooks, dtype=torch.long),
        )
        embedded = self.model.backbone.embed(prompt)
        self.model.backbone.prefill(self.kv, sequence, embedded[:-1])
        return embedded[-1]

    def prefilled(self, tokens: int) -> float:
        """Seconds of the prefill alone."""
        sequence = Sequence()
        synchronise(self.model.device)
        began = time.perf_counter()
        self.prefill(sequence, tokens)
        synchronise(self.model.device)
        took = time.perf_counter() - began
        self.kv.free(sequence)
        return took

    def _admit(self, slot: int, steps: int) -> Sequence:
        sequence = Sequence()
        self.kv.extend(sequence, self.context + steps)
        hidden = torch.randn_like(self.slots.inputs[slot])
        self.slots.admit(slot, sequence, hidden, Sampling(seed=slot))
        self.slots.positions[slot] = self.context
        return sequence


def _pages(tokens: int) -> int:
    return -(-tokens // PAGE_SIZE)


def collect(asked: Iterable[Fetched]) -> None:
    for fetched in asked:
        fetched()


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(run: Run, repeats: int, device: torch.device) -> list[float]:
    """Seconds of each, sorted, by the device's own clock where it has one."""
    for _ in range(WARM_UPS):
        run()
    if device.type != "cuda":
        return sorted(_seconds(run) for _ in range(repeats))
    marks = [tuple(torch.cuda.Event(enable_timing=True) for _ in range(2)) for _ in range(repeats)]
    for begin, end in marks:
        begin.record()
        run()
        end.record()
    torch.cuda.synchronize(device)
    return sorted(begin.elapsed_time(end) / 1000 for begin, end in marks)


def median(measure: Callable[[], float], repeats: int) -> float:
    """Of several, after some that warm up."""
    for _ in range(WARM_UPS):
        measure()
    return statistics.median(measure() for _ in range(repeats))


def _seconds(run: Run) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Kernel:
    """One kind, in one run."""

    name: str
    count: int
    seconds: float


def kernels(run: Run, device: torch.device) -> list[Kernel]:
    """What a run has the device do, the longest first; nothing where there is no profiler for it."""
    if device.type != "cuda":
        return []
    run()
    torch.cuda.synchronize(device)
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        run()
        torch.cuda.synchronize(device)
    found: dict[str, tuple[int, float]] = {}
    for event in seen.events() or ():
        if event.device_type is DeviceType.CUDA:
            count, seconds = found.get(event.name, (0, 0.0))
            found[event.name] = count + 1, seconds + event.time_range.elapsed_us() / 1e6
    listed = [Kernel(name, *known) for name, known in found.items()]
    return sorted(listed, key=lambda kernel: -kernel.seconds)
