"""What goes into a batch of Whisper's and what comes out of it. All items of a batch are alike in
`frames`, `prompt_length` and `beam`; they may be of different calls and languages."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]


@dataclass(frozen=True)
class Task:
    """One decode, ready for the model.

    Args:
        pcm: mono, 16 kHz.
        frames: length of the encoder's input in mel frames of 10 ms; `pcm` is padded with zeros.
        languages: what may be spoken. One: taken as given. Several: detected among these.
        previous: tokens of earlier text and keyterms that lead the prompt, of a bucketed length.
        max_tokens: most tokens to generate.
        beam: 1 is greedy.
        words: whether to align, for words with times.
    """

    pcm: Pcm
    frames: int
    languages: tuple[str, ...]
    previous: tuple[int, ...]
    max_tokens: int
    beam: int = 1
    words: bool = True

    @property
    def group(self) -> tuple[int, int, int]:
        """Tasks of one group may share a batch."""
        return (self.frames, len(self.previous), self.beam)


@dataclass(frozen=True)
class DecodedWord:
    """`text` with its own leading space and punctuation, seconds from the first sample."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Decoded:
    """What the model said, before any doubt.

    Args:
        text: stripped.
        tokens: of the text, without special ones.
        logprob: mean log-probability of a token, the end token counted.
        no_speech: the model's own probability that nobody spoke; not calibrated on every model.
        language: the one used, and `language_probability` among the allowed ones (1.0 if given).
        capped: generation ended at `max_tokens`.
        words: empty unless asked for.
    """

    text: str
    tokens: tuple[int, ...]
    logprob: float
    no_speech: float
    language: str
    language_probability: float
    capped: bool
    words: tuple[DecodedWord, ...] = ()
