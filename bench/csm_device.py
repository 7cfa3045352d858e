"""What a frame of CSM costs on this device: `python -m bench.csm_device`, no checkpoint needed.

Random weights of the real dimensions (speed does not depend on weights), made on the device. For
each batch: the step and the codec one operation at a time and as the device replays them, both as
the engine has them side by side, memory; then prefill, and the first sound of a prompt. Where one
measurement fails, its row says why and the rest goes on. Needs torch, tokenizers, safetensors and
psutil; without an installed engine, PYTHONPATH=plugins/csm_tts. Writes bench/results/csm_device.*.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from bench import record
from bench.csm_page import Batch, Opening, device_facts, device_page
from bench.csm_rig import (
    FORMS,
    SHAPES,
    Rig,
    in_form,
    kernels,
    make_device,
    make_model,
    median,
    timed,
)
from csm_engine.csm.model import Csm
from csm_engine.engine.device import Run

BATCHES = (1, 4, 16, 32, 64, 128, 192, 256)
COMPARED = (1, 16, 64)
"""Of the other forms of the model."""

PROMPTS = (32, 64, 128, 256, 1000)
CONTEXT = 600
"""Tokens behind a sentence: its voice's clip and some turns."""

SPARE = 16
"""Steps that warm up, besides those that are measured."""

LINE = "\n"

Measured = TypeVar("Measured", Batch, Opening)


class Bench:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._until = time.monotonic() + options.seconds
        self.model = make_model(options.shape, options.device)
        last = self.model.config.backbone.max_position_embeddings
        self.context = min(options.context, last // 2)
        self.prompts = [tokens for tokens in options.prompts if tokens < last]

    def batches(self, form: str, sizes: Sequence[int]) -> Iterator[Batch]:
        models: list[Csm] = []
        for rows in sizes:
            batch = Batch(rows, form)
            if not models:
                self._attempt(batch.failed, lambda: models.append(in_form(self.model, form)))
            for model in models:
                self._attempt(batch.failed, partial(self._measure, model, batch))
            yield batch

    def openings(self) -> Iterator[Opening]:
        """With the smallest batch, as in an idle engine."""
        rigs: list[Rig] = []

        def build() -> None:
            rig = self._rig(self.model, 1)
            rig.capture()
            rigs.append(rig)

        for tokens in self.prompts:
            opening = Opening(tokens)
            if not rigs:
                self._attempt(opening.failed, build)
            for rig in rigs:
                self._attempt(opening.failed, partial(self._open, rig, opening))
            yield opening

    def _measure(self, model: Csm, batch: Batch) -> None:
        device = model.device
        _forget(device)
        rig = self._rig(model, batch.rows)
        # One operation at a time first: it tells something even where nothing can be captured.
        for part in (self._eager, self._captured, self._looked_into):
            self._attempt(batch.failed, partial(part, rig, batch))
        if device.type == "cuda":
            batch.memory = torch.cuda.max_memory_reserved(device)

    def _eager(self, rig: Rig, batch: Batch) -> None:
        batch.eager = statistics.median(self._seconds(rig, rig.make))
        batch.codec_eager = statistics.median(self._seconds(rig, rig.sound))

    def _captured(self, rig: Rig, batch: Batch) -> None:
        rig.capture()
        took = self._seconds(rig, rig.make)
        batch.step, batch.step_p95 = statistics.median(took), took[int(0.95 * (len(took) - 1))]
        batch.codec = statistics.median(self._seconds(rig, rig.sound))
        rig.rewind()
        batch.tick, batch.host = rig.ticks(self._options.repeats)

    def _looked_into(self, rig: Rig, batch: Batch) -> None:
        rig.rewind()
        batch.kernels = kernels(rig.make, self.model.device)
        batch.codec_kernels = kernels(rig.sound, self.model.device)

    def _seconds(self, rig: Rig, run: Run) -> list[float]:
        rig.rewind()
        return timed(run, self._options.repeats, self.model.device)

    def _open(self, rig: Rig, opening: Opening) -> None:
        repeats = self._options.repeats
        opening.prefill = median(partial(rig.prefilled, opening.tokens), repeats)
        opening.first_sound = median(partial(rig.first_sound, opening.tokens), repeats)

    def _rig(self, model: Csm, rows: int) -> Rig:
        options = self._options
        on = make_device(options.device, tf32=options.tf32)
        return Rig(model, on, rows, context=self.context, steps=options.repeats + SPARE)

    def _attempt(self, failed: list[str], measure: Run) -> None:
        if time.monotonic() > self._until:
            failed.append(f"{self._options.seconds:g} s were over (--seconds)")
            return
        try:
            measure()
        except RuntimeError as error:
            failed.append(f"{type(error).__name__}: {str(error).partition(LINE)[0]}")


def _forget(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def main(options: argparse.Namespace) -> int:
    facts = record.started() | device_facts(options.shape, options.device)
    with torch.inference_mode():
        bench = Bench(options)
        batches = [_told(batch) for batch in bench.batches("own", options.batches)]
        openings = [_told(opening) for opening in bench.openings()]
        for form in options.forms:
            batches += [_told(batch) for batch in bench.batches(form, options.compared)]
    facts |= {"context": bench.context}
    body = {"batches": list(map(asdict, batches)), "openings": list(map(asdict, openings))}
    page = device_page(facts, batches, openings)
    text, data = record.write("csm_device", facts, page, body, options.out)
    print(data if options.json else text)
    return int(any(each.failed for each in (*batches, *openings)))


def _told(measured: Measured) -> Measured:
    """At once, for whoever has to break off before the end."""
    print(measured, file=sys.stderr, flush=True)
    return measured


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="csm-1b")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--forms", nargs="*", choices=FORMS, default=list(FORMS)[1:])
    parser.add_argument("--compared", type=int, nargs="+", default=COMPARED, help="their batches")
    parser.add_argument("--prompts", type=int, nargs="+", default=PROMPTS, help="tokens")
    parser.add_argument("--context", type=int, default=CONTEXT, help="tokens behind each row")
    parser.add_argument("--repeats", type=int, default=40, help="of each measurement")
    parser.add_argument("--seconds", type=float, default=400, help="begin nothing after so long")
    parser.add_argument("--tf32", action="store_true", help="for the codec's products")
    parser.add_argument("--json", action="store_true", help="print the figures, not the page")
    parser.add_argument("--out", type=Path, default=record.RESULTS, help="folder of the results")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse(sys.argv[1:])))
