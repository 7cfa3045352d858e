"""Whisper models without trained weights, for tests, demonstrations and measurements of speed."""

from whisper_engine.synthetic.scripted import write_scripted
from whisper_engine.synthetic.shapes import SHAPES, write_random
from whisper_engine.synthetic.vocabulary import add_special_tokens, make_tokenizer

__all__ = [
    "SHAPES",
    "add_special_tokens",
    "make_tokenizer",
    "write_random",
    "write_scripted",
]
