"""What a language model on vLLM takes of a GPU: memory by part, and how fast it answers. Pure.

No bench has measured it: reading weights and keys bounds each step, and what a step reaches of a GPU's
bandwidth is assumed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from parley.plan.figures import MIB, Bytes, Origin, Source
from parley.plan.gpus import Gpu
from parley.plan.language import BYTES_OF_KV, Architecture, Bits, Paging
from parley.plan.traffic import Traffic

REACHED = 0.8
"""Share of a GPU's bandwidth that a step's reading reaches."""

PREFILL_SHARE = 0.4
"""Share of its operations that reading a prompt reaches."""

BATCHES = 2
"""Under way at once in vLLM, which asks for a step before the last is back."""

BATCHED = 1024
"""`--max-num-batched-tokens`: a call's prompt grows by a hundred tokens a turn, and a large batch
would keep the voices of the same GPU waiting."""

WORKSPACE, GRAPH, GRAPHS = 512 * MIB, 12 * MIB, 256 * MIB
KvType = Literal["auto", "fp8"]


@dataclass(frozen=True)
class Mind:
    """A model as it is to be served.

    Args:
        context: tokens that a call's prompt and answer may have.
        gpus: that share each of its layers.
        quantize: `--quantization`, where vLLM is to make the weights smaller itself.
    """

    model: Architecture
    bits: Bits
    kv_type: KvType
    context: int
    gpus: int = 1
    quantize: str | None = None

    @property
    def kv_bytes(self) -> int:
        return BYTES_OF_KV[self.kv_type]

    @property
    def weights(self) -> int:
        """Bytes on each GPU."""
        return math.ceil(self.model.weights(self.bits) / self.gpus)

    @property
    def paging(self) -> Paging:
        return Paging.of(self.model, self.kv_bytes)

    @property
    def a_call(self) -> int:
        """Bytes on each GPU that the cache keeps of one call."""
        return math.ceil(self.paging.held(self.context) / self.gpus)

    def pool(self, calls: int) -> int:
        """Bytes of the cache on each GPU: every call's history, and prompts under way."""
        paging, under_way = self.paging, BATCHES * BATCHED
        kept = calls * paging.held(self.context) + paging.in_flight(under_way)
        return math.ceil(max(kept, paging.largest(self.context, under_way)) / self.gpus)


def sequences(calls: int) -> int:
    """`--max-num-seqs`: one a call, and some for what is asked beside the talk."""
    return calls + math.ceil(calls / 8) + 1


def graph_sizes(most: int) -> int:
    """How many batches vLLM captures: 1, 2, 4, then by 8 up to 256, then by 16."""
    top = min(2 * most, 512)
    return sum(size <= top for size in (1, 2, 4, *range(8, 256, 8), *range(256, 513, 16)))


def memory(mind: Mind, calls: int) -> Sequence[Bytes]:
    """On each of its GPUs."""
    most, model = sequences(calls), mind.model
    activations = BATCHED * 2 * (4 * model.intermediate + 8 * model.hidden)
    logits = 3 * 4 * most * model.vocabulary
    graphs = GRAPHS + GRAPH * graph_sizes(most)
    name = f"{model.name.rpartition('/')[2]}:"
    counted = Source(Origin.COUNTED, "the config's dimensions")
    paged = Source(Origin.COUNTED, "the config's dimensions, vLLM 0.32's groups of layers")
    return (
        Bytes(f"{name} weights ({mind.bits} bits)", mind.weights, counted),
        Bytes(f"{name} cache of {calls} calls", mind.pool(calls), paged),
        Bytes(
            f"{name} activations",
            activations // mind.gpus + logits + WORKSPACE,
            Source(Origin.ESTIMATED, "largest batch, logits in float32"),
        ),
        Bytes(f"{name} CUDA graphs", graphs, Source(Origin.ASSUMED, "no vLLM was measured")),
    )


@dataclass(frozen=True)
class Pace:
    """`running` requests on average, `step` seconds from a token to the next, `first` seconds until a
    first sentence can be spoken, from the request. Infinite where it cannot keep up."""

    running: float
    step: float
    first: float


OVERWHELMED = Pace(math.inf, math.inf, math.inf)


def pace(mind: Mind, gpu: Gpu, calls: int, traffic: Traffic, left: float = 1.0) -> Pace:
    """With the share `left` of the GPU's time, which others do not take.

    While one reads its prompt the others wait for it, and a step reads the keys of all that run:
    both make steps longer, and longer steps make more run at once. That has one solution, or none.
    """
    if left <= 0:
        return OVERWHELMED
    reading, computing = REACHED * gpu.bandwidth * left, PREFILL_SHARE * gpu.flops * left
    held = mind.model.kv(mind.context, mind.kv_bytes) / mind.gpus
    operations = 2 * mind.model.products * traffic.fresh_tokens / mind.gpus
    prefill = max(operations / computing, mind.weights / reading)
    arrivals = calls * traffic.requests
    free = reading * (1 - arrivals * prefill) - held * arrivals * traffic.said_tokens
    if free <= 0:
        return OVERWHELMED
    step = (mind.weights + held * arrivals * prefill) / free
    running = arrivals * (prefill + traffic.said_tokens * step)
    step = max(step, (mind.weights + held) / reading)  # one that runs alone
    return Pace(running, step, prefill + traffic.first_sentence * step)
