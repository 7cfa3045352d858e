"""The measurements of a device as a page that people read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import linear_regression
from typing import Any

import torch

from bench.csm_rig import FORMS, Kernel

FRAME = 0.08
"""Seconds."""

NAMED = 10
"""Kernels of a step, the longest."""

NAME = 72
"""Characters of a kernel's."""

TWO = 2
"""Points of a line."""

LEAST = 1e-7
"""Seconds: what noise bent below zero."""

TARGETS = (
    ("step of 1 row", "≤ 6.4 ms", "≤ 4.8 ms"),
    ("step and codec of 16 rows", "≤ 8 ms", ""),
    ("step and codec of 64 rows", "≤ 11 ms, ≥ 465 x real time", "8.5 ms, 600 x"),
    ("first sound, idle", "p50 20 ms", ""),
)
"""Of an H200 (csm.md's design): must, and would be better."""


@dataclass
class Batch:
    """Seconds; None where it was not measured, and `failed` says why.

    `step` and `codec` are replayed, `tick` is both as the engine asks for them and `host` the
    asking; the kernels are those of one replay. `memory` is the most that torch held while this
    batch was there alone.
    """

    rows: int
    form: str = "own"
    eager: float | None = None
    codec_eager: float | None = None
    step: float | None = None
    step_p95: float | None = None
    codec: float | None = None
    tick: float | None = None
    host: float | None = None
    memory: int | None = None
    kernels: list[Kernel] = field(default_factory=list, repr=False)
    codec_kernels: list[Kernel] = field(default_factory=list, repr=False)
    failed: list[str] = field(default_factory=list)


@dataclass
class Opening:
    """A prompt of so many tokens: seconds of its prefill, and until its first frame's sound."""

    tokens: int
    prefill: float | None = None
    first_sound: float | None = None
    failed: list[str] = field(default_factory=list)


def device_facts(shape: str, device: str) -> dict[str, Any]:
    known: dict[str, Any] = {"shape": shape, "torch": torch.__version__}
    if device != "cuda" or not torch.cuda.is_available():
        return known | {"device": f"the CPU, {torch.get_num_threads()} threads"}
    properties = torch.cuda.get_device_properties(0)
    size = round(properties.total_memory / 2**30, 1)
    return known | {"device": properties.name, "device_gib": size, "cuda": torch.version.cuda}


BATCH_HEAD = (
    "rows",
    "model",
    "step, one operation at a time",
    "step, replayed p50 / p95",
    "codec, one operation at a time",
    "codec, replayed",
    "tick (of that the host)",
    "x real time, all rows",
    "kernels, step + codec",
    "memory, GiB",
)
OPENING_HEAD = ("tokens", "prefill", "first frame's sound on the host")


def device_page(
    facts: Mapping[str, Any], batches: Sequence[Batch], openings: Sequence[Opening]
) -> Iterator[str]:
    yield f"# A frame of CSM on {facts['device']}"
    yield about(facts)
    yield f"Random weights of the shape {facts['shape']}, {facts['context']} tokens behind each row. Times in"
    yield "ms. A tick is a step, its frames on the host, the codec beside the next step, its sound on"
    yield "the host: what a frame of all rows takes in the engine's order."
    if "cuda" not in facts:
        yield "A CPU replays nothing: there the same is measured twice."
    yield from ("", *table(BATCH_HEAD, map(_batch_row, batches)))
    yield from ("", *(f"- {form}: {said}" for form, said in FORMS.items()))
    yield from ("", "From a prompt, alone on the device:", "")
    yield from table(OPENING_HEAD, map(_opening_row, openings))
    if known := takes(batches, openings):
        yield ""
        yield "Voices that a device of these times bears, simulated:"
        yield f"`python -m bench.csm_load --takes {' '.join(f'{each:.3g}' for each in known)}`"
    if "H200" in str(facts["device"]):
        yield from ("", "Targets of an H200:", "", *table(("", "must", "better"), TARGETS))
    for batch in batches:
        if batch.kernels:
            yield from ("", f"The longest kernels of a step of {batch.rows} ({batch.form}):", "")
            yield from table(("kernel", "count", "ms"), map(_kernel_row, batch.kernels[:NAMED]))
    yield from _problems(batches, openings)


def takes(
    batches: Sequence[Batch], openings: Sequence[Opening]
) -> tuple[float, float, float] | None:
    """Seconds of a tick, of a row of it more and of a token of a prompt, as straight lines through
    what was measured have them; None where too little was."""
    ticks = [(one.rows, one.tick) for one in batches if one.form == "own" and one.tick]
    prefills = [(one.tokens, one.prefill) for one in openings if one.prefill]
    if min(len(ticks), len(prefills)) < TWO:
        return None
    row, step = linear_regression(*zip(*ticks, strict=True))
    token, _ = linear_regression(*zip(*prefills, strict=True))
    return max(step, LEAST), max(row, LEAST), max(token, LEAST)


def about(facts: Mapping[str, Any]) -> str:
    more = [f"{facts[key]} {unit}" for key, unit in (("device_gib", "GiB"),) if key in facts]
    more += [f"CUDA {facts['cuda']}"] if "cuda" in facts else []
    return ", ".join([str(facts["device"]), *more, f"torch {facts['torch']}"]) + "."


def _batch_row(batch: Batch) -> tuple[str, ...]:
    step = [ms(batch.step), ms(batch.step_p95)]
    counts = [sum(one.count for one in each) for each in (batch.kernels, batch.codec_kernels)]
    return (
        str(batch.rows),
        batch.form,
        ms(batch.eager),
        " / ".join(step),
        ms(batch.codec_eager),
        ms(batch.codec),
        f"{ms(batch.tick)} ({ms(batch.host)})",
        "-" if batch.tick is None else f"{batch.rows * FRAME / batch.tick:.0f}",
        " + ".join(map(str, counts)) if any(counts) else "-",
        "-" if batch.memory is None else f"{batch.memory / 2**30:.1f}",
    )


def _opening_row(opening: Opening) -> tuple[str, ...]:
    return str(opening.tokens), ms(opening.prefill), ms(opening.first_sound)


def _kernel_row(kernel: Kernel) -> tuple[str, ...]:
    name = kernel.name.replace("|", "/")
    return f"`{name[:NAME]}`", str(kernel.count), ms(kernel.seconds)


def _problems(batches: Sequence[Batch], openings: Sequence[Opening]) -> Iterator[str]:
    said = [f"{batch.rows} rows, {batch.form}: {why}" for batch in batches for why in batch.failed]
    said += [f"{one.tokens} tokens: {why}" for one in openings for why in one.failed]
    if said:
        yield from ("", "Not measured:", "")
        yield from (f"- {each}" for each in said)


def ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.2f}"


def table(
    head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]
) -> list[str]:
    """Lines of Markdown."""
    cells = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(row)} |" for row in cells]
