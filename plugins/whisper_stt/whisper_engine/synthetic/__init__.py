"""Whisper models without trained weights, for tests, demonstrations and measurements of speed."""

from whisper_engine.synthetic.scripted import write_scripted
from whisper_engine.synthetic.shapes import SHAPES, write_random
from whisper_engine.synthetic.vocabulary import (
    LANGUAGES,
    add_special_tokens,
    make_tokenizer,
    special_tokens,
)

__all__ = [
    "LANGUAGES",
    "SHAPES",
    "add_special_tokens",
    "make_tokenizer",
    "special_tokens",
    "write_random",
    "write_scripted",
]
