"""Random weights in Whisper's shapes: as fast as the real ones, and they say nothing of use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import whisper_spec
from tokenizers import Tokenizer

from whisper_engine.synthetic.files import Array, save, zeros
from whisper_engine.synthetic.vocabulary import SPACE, make_tokenizer, token_list
from whisper_engine.whisper.tokens import END, LANGUAGES, MULTILINGUAL_MARK, special_tokens

ENCODER_POSITIONS = 1500
DECODER_POSITIONS = 448

_LOUD, _SURE = 30.0, 4.0


@dataclass(frozen=True)
class Shape:
    """As the model cards give them (openai/whisper, distil-whisper)."""

    mels: int
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    vocabulary: int


_ENGLISH, _MULTILINGUAL, _V3 = 51864, 51865, 51866

SHAPES = {
    "micro": Shape(80, 64, 2, 2, 2, _MULTILINGUAL),
    "micro-128": Shape(128, 64, 2, 2, 2, _V3),
    "tiny.en": Shape(80, 384, 6, 4, 4, _ENGLISH),
    "tiny": Shape(80, 384, 6, 4, 4, _MULTILINGUAL),
    "base.en": Shape(80, 512, 8, 6, 6, _ENGLISH),
    "base": Shape(80, 512, 8, 6, 6, _MULTILINGUAL),
    "small.en": Shape(80, 768, 12, 12, 12, _ENGLISH),
    "small": Shape(80, 768, 12, 12, 12, _MULTILINGUAL),
    "distil-small.en": Shape(80, 768, 12, 12, 4, _ENGLISH),
    "medium": Shape(80, 1024, 16, 24, 24, _MULTILINGUAL),
    "large-v3": Shape(128, 1280, 20, 32, 32, _V3),
    "large-v3-turbo": Shape(128, 1280, 20, 32, 4, _V3),
    "distil-large-v3": Shape(128, 1280, 20, 32, 2, _V3),
}


def write_random(
    folder: Path,
    shape: str,
    *,
    tokenizer: Tokenizer | None = None,
    quantization: str | None = None,
    seed: int = 0,
    says: int = 0,
) -> None:
    """Write a model folder of a shape's size and speed.

    Args:
        shape: a name in `SHAPES`.
        tokenizer: of the shape's vocabulary size; without one, a plain one is made.
        quantization: as CTranslate2 names it; saves space on disk. In what to compute is chosen when the
            model is loaded.
        says: tokens after which it ends, sure of each, where no previous text leads the prompt: a turn
            then costs what it would with trained weights. 0: it goes on to whatever limit is set.
    """
    dimensions = SHAPES[shape]
    tokenizer = tokenizer or _plain(dimensions.vocabulary)
    size = len(token_list(tokenizer))
    if size != dimensions.vocabulary:
        raise ValueError(f"{shape} has {dimensions.vocabulary} tokens, this tokenizer {size}")
    last = dimensions.decoder_layers - 1
    spec = _Filler(dimensions, seed).fill()
    if says:
        _talk(spec, token_list(tokenizer), says, dimensions.heads)
    save(
        spec,
        folder,
        tokenizer,
        mels=dimensions.mels,
        alignment_heads=[(last, head) for head in range(dimensions.heads)],
        quantization=quantization,
    )


def _talk(spec: whisper_spec.WhisperSpec, tokens: list[str], says: int, heads: int) -> None:
    """Positions drown what the layers add, and the projection reads a token from each.

    Where the end is said, the last layer looks at the first frame only: an alignment of random weights,
    which is any way through, then reaches the end of the sound with the words, not after them.
    """
    decoder, width = spec.decoder, spec.decoder.embeddings.weight.shape[1]
    positions = decoder.position_encodings.encodings
    first = 3 if MULTILINGUAL_MARK in tokens else 1
    steps = np.arange(first, first + says + 1)
    if steps[-1] >= width:
        raise ValueError(f"this shape has room for {width - 1 - first} tokens, not {says}")
    positions[:, :width] += _LOUD * np.eye(len(positions), width, dtype=np.float32)
    rows = zeros(len(tokens), width)
    words = [number for number, token in enumerate(tokens) if token[:2] == f"{SPACE}w"][:says]
    rows[[*words, tokens.index(END)], steps] = _SURE
    decoder.projection.weight = rows
    spec.encoder.position_encodings.encodings[0, 0] += _LOUD
    query, memory, _ = decoder.layer[-1].attention.linear
    each_head = np.arange(heads) * (width // heads)
    query.weight[each_head, steps[-1]] = memory.weight[each_head, 0] = 1


def _plain(vocabulary: int) -> Tokenizer:
    languages = LANGUAGES if vocabulary == _V3 else LANGUAGES[:-1]
    return make_tokenizer(
        multilingual=vocabulary != _ENGLISH,
        languages=languages,
        text_tokens=vocabulary - len(special_tokens(languages)),
    )


class _Filler:
    def __init__(self, shape: Shape, seed: int) -> None:
        self._shape = shape
        self._random = np.random.default_rng(seed)

    def fill(self) -> whisper_spec.WhisperSpec:
        shape, width = self._shape, self._shape.width
        spec = whisper_spec.WhisperSpec(
            shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads
        )
        encoder, decoder = spec.encoder, spec.decoder
        encoder.conv1.weight, encoder.conv1.bias = self._noise(width, shape.mels, 3), zeros(width)
        encoder.conv2.weight, encoder.conv2.bias = self._noise(width, width, 3), zeros(width)
        encoder.position_encodings.encodings = self._noise(ENCODER_POSITIONS, width)
        decoder.position_encodings.encodings = self._noise(DECODER_POSITIONS, width)
        decoder.embeddings.weight = self._noise(shape.vocabulary, width)
        decoder.projection.weight = decoder.embeddings.weight
        decoder.scale_embeddings = False
        for layer in encoder.layer:
            self._attention(layer.self_attention, (3, 1))
            self._feed_forward(layer.ffn)
        for layer in decoder.layer:
            self._attention(layer.self_attention, (3, 1))
            self._attention(layer.attention, (1, 2, 1))
            self._feed_forward(layer.ffn)
        self._norm(encoder.layer_norm)
        self._norm(decoder.layer_norm)
        return spec

    def _noise(self, *shape: int) -> Array:
        return self._random.standard_normal(shape, dtype=np.float32) * np.float32(0.02)

    def _norm(self, norm: Any) -> None:
        norm.gamma, norm.beta = np.ones(self._shape.width, np.float32), zeros(self._shape.width)

    def _linear(self, linear: Any, outputs: int, inputs: int) -> None:
        linear.weight, linear.bias = self._noise(outputs, inputs), zeros(outputs)

    def _attention(self, attention: Any, widths: tuple[int, ...]) -> None:
        self._norm(attention.layer_norm)
        for linear, times in zip(attention.linear, widths, strict=True):
            self._linear(linear, times * self._shape.width, self._shape.width)

    def _feed_forward(self, ffn: Any) -> None:
        width = self._shape.width
        self._norm(ffn.layer_norm)
        self._linear(ffn.linear_0, 4 * width, width)
        self._linear(ffn.linear_1, width, 4 * width)
