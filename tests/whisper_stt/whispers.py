"""What the tests of Whisper's parts share: real tokenizers, and sound for scripted models."""

import base64
import functools
import wave
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import soxr
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from whisper_engine.synthetic import add_special_tokens
from whisper_engine.whisper.task import Pcm, Task
from whisper_engine.whisper.tokens import LANGUAGES

DATA = Path(__file__).parents[1] / "data" / "whisper"


@functools.cache
def multilingual_tokenizer(languages: int = 99) -> Tokenizer:
    """As in tiny … large-v2; with 100 languages, as in large-v3 and turbo."""
    return _rebuild("multilingual.tiktoken", languages)


@functools.cache
def english_tokenizer() -> Tokenizer:
    """As in the *.en models."""
    return _rebuild("gpt2.tiktoken", 99)


def noise(sound: float, *, lead: float = 0.4, tail: float = 0.15) -> Pcm:
    """Seconds of silence, of white noise at -30 dBFS, and of silence again."""
    loud = np.random.default_rng(0).normal(0, 1000, round(sound * 16000))
    pieces = (np.zeros(round(lead * 16000)), loud, np.zeros(round(tail * 16000)))
    return np.concatenate(pieces).astype(np.int16)


def speech(gain: float = 1.0) -> Pcm:
    """Two seconds: "what is the weather in Paris"."""
    with wave.open(str(DATA.parent / "audio" / "weather_question.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        samples: Pcm = soxr.resample(sound, file.getframerate(), 16000)
    return (gain * samples).astype(np.int16)


def make_task(
    sound: float,
    *languages: str,
    frames: int = 600,
    previous: tuple[int, ...] = (),
    max_tokens: int = 60,
    beam: int = 1,
    words: bool = True,
) -> Task:
    return Task(noise(sound), frames, languages or ("en",), previous, max_tokens, beam, words)


def _rebuild(table: str, languages: int) -> Tokenizer:
    lines = (DATA / table).read_bytes().split(b"\n")
    ranks = {
        base64.b64decode(text): int(rank) for text, rank in (line.split() for line in lines if line)
    }
    joined = sorted((rank, _merge(text, ranks)) for text, rank in ranks.items())
    merges = [
        (_byte_level(parts[0]), _byte_level(parts[1])) for _, parts in joined if len(parts) == 2
    ]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={_byte_level(text): rank for text, rank in ranks.items()},
            merges=merges,
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    add_special_tokens(tokenizer, LANGUAGES[:languages])
    return tokenizer


def _merge(text: bytes, ranks: dict[bytes, int]) -> list[bytes]:
    """The last two parts that byte pair encoding joins into `text`: the table holds no merges."""
    parts = [bytes([byte]) for byte in text]
    while len(parts) > 2:
        best, at = min(_joins(parts, ranks))
        if best >= ranks[text]:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def _joins(parts: list[bytes], ranks: dict[bytes, int]) -> Iterable[tuple[int, int]]:
    never = len(ranks)
    return ((ranks.get(a + b, never), at) for at, (a, b) in enumerate(pairwise(parts)))


@functools.cache
def _byte_alphabet() -> dict[int, str]:
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in set(shown)]
    return {byte: chr(byte) for byte in shown} | {
        byte: chr(256 + number) for number, byte in enumerate(hidden)
    }


def _byte_level(text: bytes) -> str:
    return "".join(_byte_alphabet()[byte] for byte in text)
