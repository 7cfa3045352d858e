"""The whole measurement in torch: costs, their fit, the calls they bear, and the page."""

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence

import torch
import transformers

from bench.machine import output
from bench.record import started, write
from bench.whisper_borne import Case, cases, simulated
from bench.whisper_fit import Fit, fit
from bench.whisper_torch_costs import TOKENS, Bench, Costs
from bench.whisper_torch_page import MARK, page
from whisper_engine.whisper.cost import Shape


def has_gpu() -> bool:
    return torch.cuda.is_available()


def run(options: argparse.Namespace) -> int:
    facts = started()
    where = _where(options.device)
    if options.device == "cpu":
        torch.set_num_threads(1)  # on a busy machine more would wait for each other
    costs = list(_costs(options))
    if not costs:
        return 1
    fits = [_fit(each) for each in costs]
    wanted = list(_cases(costs, fits, options.simulated))
    held = simulated(wanted, options.at, options.periods, options.ladder, options.of_each)
    body = {
        "what": MARK,
        **where,
        "costs": [dataclasses.asdict(each) for each in costs],
        "fits": [dataclasses.asdict(each) for each in fits],
        "simulated": dataclasses.asdict(held),
    }
    text, data = write("whisper_gpu", facts, page(costs, fits, held, where), body, options.out)
    print(data if options.json else text)
    return 0


def _costs(options: argparse.Namespace) -> Iterator[Costs]:
    """Shape by shape while there is time; what fails is told and passed over."""
    until = time.monotonic() + options.seconds
    for shape in options.shapes:
        if time.monotonic() > until:
            print(f"no time left for {shape}: give more --seconds", file=sys.stderr)
            continue
        bench = Bench(shape, options.device, options.repeats)
        for way in ("eager", "graph") if options.device == "cuda" else ("eager",):
            try:
                yield bench.costs(way, options.lengths, options.batches)
            except RuntimeError as error:
                print(f"{shape}, {way}, was not measured: {error}", file=sys.stderr)


def _fit(costs: Costs) -> Fit:
    wholes = [(Shape(each.frames, each.batch, TOKENS), each.seconds) for each in costs.wholes]
    return fit(wholes, [(each.batch, each.seconds) for each in costs.steps])


def _cases(costs: Sequence[Costs], fits: Sequence[Fit], shapes: Sequence[str]) -> Iterator[Case]:
    for each, its in zip(costs, fits, strict=True):
        if each.shape in shapes:
            one, two = each.together
            contention = max(0.0, 2 * two / one - 1)
            yield from cases(each.shape, each.way, its.takes, contention)


def _where(device: str) -> dict[str, str]:
    gpu = "no GPU: a trial of the bench" if device == "cpu" else _gpu()
    dtype = "float32" if device == "cpu" else "float16"
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    return {"gpu": gpu, "torch": versions, "dtype": dtype}


def _gpu() -> str:
    card = torch.cuda.get_device_properties(0)
    driver = output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    memory = f"{card.total_memory / 2**30:.0f} GiB"
    return f"{card.name}, {memory}, CUDA {torch.version.cuda}, driver {driver}"
