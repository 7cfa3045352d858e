"""What Whisper takes of a GPU. Pure.

Operations are counted; what share of a GPU's they run at, and what a decoder's step costs, is
whisper.md §5's estimate, which no bench has confirmed yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from parley.plan.errors import PlanError
from parley.plan.figures import MIB, Bytes, Origin, Source
from parley.plan.gpus import Gpu
from parley.plan.results import WhisperCosts
from parley.plan.traffic import Traffic

BATCH = 16
TOKENS = 15
"""Of a decode in the design's table."""

STEP, STEP_LAYER = 0.55e-3, 0.18e-3
"""Seconds of a decoder's step and of each of its layers: the design's 1.27 ms of four layers, and
five times as much of thirty-two."""

LOAD = 0.6
"""Share of a GPU's time above which decodes wait for one another."""

INTERIM, FINAL = 400, 3000
"""Mel frames of the two kinds of decode on a GPU."""

WORK = 1536 * MIB
"""Of encoder states, attention scores and CTranslate2's own, two batches at once."""

DESIGN = Source(Origin.ESTIMATED, "whisper.md §5")


@dataclass(frozen=True)
class Whisper:
    """As the model cards give them (openai/whisper, distil-whisper)."""

    name: str
    mels: int
    width: int
    encoder_layers: int
    decoder_layers: int
    vocabulary: int

    @property
    def parameters(self) -> int:
        square = self.width**2
        layers = (12 * self.encoder_layers + 16 * self.decoder_layers) * square
        convolutions = 3 * self.mels * self.width + 3 * square
        return layers + convolutions + (self.vocabulary + 1500 + 448) * self.width

    def encoding(self, frames: int) -> float:
        """Operations of one input of so many mel frames."""
        places = (frames + 1) // 2
        layer = 24 * self.width**2 * places + 4 * places**2 * self.width
        convolutions = 6 * self.width * (self.mels * frames + self.width * places)
        crossed = 4 * self.width**2 * places * self.decoder_layers
        return float(self.encoder_layers * layer + convolutions + crossed)

    def decode(self, gpu: Gpu, frames: int, measured: WhisperCosts | None) -> float:
        """Seconds of a GPU for one decode, of a full batch."""
        if measured is not None:
            return measured.seconds(frames, BATCH, TOKENS) / BATCH
        step = STEP + STEP_LAYER * self.decoder_layers
        return self.encoding(frames) / (gpu.share * gpu.flops) + TOKENS * step / BATCH


SIZES = {
    size.name: size
    for size in (
        Whisper("large-v3", 128, 1280, 32, 32, 51_866),
        Whisper("large-v3-turbo", 128, 1280, 32, 4, 51_866),
        Whisper("distil-large-v3", 128, 1280, 32, 2, 51_866),
        Whisper("medium", 80, 1024, 24, 24, 51_865),
        Whisper("small", 80, 768, 12, 12, 51_865),
        Whisper("small.en", 80, 768, 12, 12, 51_864),
        Whisper("base.en", 80, 512, 6, 6, 51_864),
        Whisper("tiny.en", 80, 384, 4, 4, 51_864),
    )
}


def whisper(name: str) -> Whisper:
    """Raises PlanError."""
    if name not in SIZES:
        raise PlanError(f"there is no Whisper {name!r}: choose of {', '.join(SIZES)}, or none")
    return SIZES[name]


def memory(size: Whisper) -> Sequence[Bytes]:
    return (
        Bytes("Whisper: weights (float16)", 2 * size.parameters, Source(Origin.COUNTED, size.name)),
        Bytes("Whisper: batches under way", WORK, Source(Origin.ASSUMED, "no bench has run yet")),
    )


def busy(size: Whisper, gpu: Gpu, traffic: Traffic, measured: WhisperCosts | None) -> float:
    """Share of the GPU's time that one call takes."""
    interim = size.decode(gpu, INTERIM, measured)
    return traffic.interims * interim + traffic.finals * size.decode(gpu, FINAL, measured)
