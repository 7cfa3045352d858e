"""What streaming Mimi costs on this machine: `uv run python -m bench.csm_mimi`.

Real dimensions, random weights. A host's share is measured with the same layers at the least width,
where nearly all is Python and dispatch: it is what a GPU would wait for without CUDA graphs.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from bench.machine import facts
from csm_engine.csm.codec_census import codec_tensors
from csm_engine.csm.fields import Fields
from csm_engine.csm.mimi.config import MimiConfig
from csm_engine.csm.mimi.decoder import MimiDecoder
from csm_engine.csm.mimi.encoder import MimiEncoder
from csm_engine.csm.shapes import CSM_1B

COLUMNS = ("step", "streams", "frames", "ms p50", "ms p95", "ms a frame", "streams in real time")


def main(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    config = MimiConfig.from_fields(Fields(CSM_1B["codec_config"], "CSM-1B"))
    rows = [line(COLUMNS), line(["---"] * len(COLUMNS))]
    rows += measured(config, "", options.streams, options)
    rows += measured(narrowed(config), ", host only", [1], options)
    print(*rows, sep="\n")
    if options.out:
        options.out.write_text(page(rows, options))


def narrowed(config: MimiConfig) -> MimiConfig:
    """As many layers, hardly any arithmetic."""
    heads = config.num_attention_heads
    hidden, filters = 2 * heads, config.compress
    return replace(
        config,
        hidden_size=hidden,
        upsample_groups=hidden,
        head_dim=2,
        intermediate_size=hidden,
        num_filters=filters,
        codebook_dim=2,
        vector_quantization_hidden_dimension=2,
        codebook_size=2,
        sliding_window=2,
    )


def measured(
    config: MimiConfig, name: str, batches: Sequence[int], options: argparse.Namespace
) -> list[str]:
    weights = random_weights(config)
    most = max(batches)
    decoder = MimiDecoder(config, weights, slots=most, max_frames=max(options.frames))
    rows = []
    for streams in batches:
        slots = torch.arange(streams)
        for frames in options.frames:
            codes = torch.randint(0, config.codebook_size, (streams, config.num_quantizers, frames))
            took = timed(partial(decoder.step, codes, slots), options.steps)
            rows.append(row(f"decode{name}", config, streams, frames, took))
    encoder = MimiEncoder(config, weights, slots=most, max_frames=1)
    for streams in batches:
        slots, pcm = torch.arange(streams), torch.randn(streams, 1, config.frame_size)
        took = timed(partial(encoder.step, pcm, slots), options.steps)
        rows.append(row(f"encode{name}", config, streams, 1, took))
    return rows


def random_weights(config: MimiConfig) -> dict[str, Tensor]:
    return {
        name: torch.ones(shape) if name.endswith("cluster_usage") else 0.02 * torch.randn(shape)
        for name, shape in codec_tensors(config).items()
    }


def timed(step: Callable[[], Tensor], steps: int) -> list[float]:
    """Seconds of each step, sorted, after some that warm the caches."""
    for _ in range(3):
        step()
    took = []
    for _ in range(steps):
        began = time.perf_counter()
        step()
        took.append(time.perf_counter() - began)
    return sorted(took)


def row(name: str, config: MimiConfig, streams: int, frames: int, took: Sequence[float]) -> str:
    """The last column: 80 ms over what a frame of one stream takes."""
    p50, p95 = statistics.median(took), took[round(0.95 * (len(took) - 1))]
    a_frame = p50 / (streams * frames)
    real_time = config.frame_size / config.sampling_rate / a_frame
    figures = (1000 * p50, 1000 * p95, 1000 * a_frame, real_time)
    return line([name, str(streams), str(frames), *(f"{figure:.1f}" for figure in figures)])


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page(rows: Sequence[str], options: argparse.Namespace) -> str:
    known = facts()
    machine = f"{known['cpu']}, {options.threads} of {known['cores']} cores"
    load = f"load {known['load_before']}"
    head = (
        f"`uv run python -m bench.csm_mimi`, {known['date']}, {machine}, {load}, {known['commit']}"
    )
    table = "\n".join(rows)
    return f"# Mimi, streaming\n{head}, torch {torch.__version__}, fp32.\n\n{table}\n"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--frames", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--steps", type=int, default=30, help="timed steps of each row")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="also write the table here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(parse(sys.argv[1:]))
