"""Whisper's sizes, for machines that have torch and hardly any of the engine's needs.

The engine's own tables import CTranslate2 and pydantic; a test holds these to them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dims:
    """As the model cards give them (openai/whisper, distil-whisper)."""

    mels: int
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    vocabulary: int


SHAPES = {
    "large-v3-turbo": Dims(128, 1280, 20, 32, 4, 51866),
    "distil-large-v3": Dims(128, 1280, 20, 32, 2, 51866),
    "large-v3": Dims(128, 1280, 20, 32, 32, 51866),
    "small.en": Dims(80, 768, 12, 12, 12, 51864),
    "base.en": Dims(80, 512, 8, 6, 6, 51864),
    "tiny.en": Dims(80, 384, 6, 4, 4, 51864),
    "medium": Dims(80, 1024, 16, 24, 24, 51865),
    "micro": Dims(80, 64, 2, 2, 2, 51865),
}
"""What is wanted most comes first: a run that is cut short has it."""

BUCKETS = (300, 400, 600, 800, 1000, 1500, 2000, 3000)
"""Mel frames: the lengths that the engine gives its encoder."""

ENCODER_POSITIONS = 1500
DECODER_POSITIONS = 448
