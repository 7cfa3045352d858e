"""How long an input the encoder gets, and how many tokens the decoder may say. Pure.

Whisper was trained on 30 s. CTranslate2 encodes less, at a cost that falls with the length, but a
model cut right behind the speech may find no end and say on: hence a margin of silence.
A length depends on the audio alone, never on the batch: the same audio must give the same text under
any load.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from whisper_engine.protocol import SAMPLE_RATE

FRAME_SAMPLES = 160
"""A mel frame is 10 ms."""

FULL_FRAMES = 3000

BUCKETS = (300, 400, 600, 800, 1000, 1500, 2000, FULL_FRAMES)
"""Lengths of the encoder's input, in frames. Few, so that requests of different calls meet."""

MARGIN_SECONDS = 2.56
"""As whisper.cpp's `audio_ctx` is commonly set (ggml-org/whisper.cpp, issue 1855)."""

TOKENS_PER_SECOND = 8
"""Fast English is 5 a second; a loop has no limit."""

FINER = {
    language: times
    for times, languages in {
        2: "ar fa ur he yi ru uk bg sr mk be kk mn tg ba tt zh yue ko vi",
        3: "ja el",
        4: "th lo my km bo",
        6: "hi mr ne sa bn as ta te kn ml gu pa si hy ka am",
    }.items()
    for language in languages.split()
}
"""How many times as many tokens Whisper's vocabulary takes for a sentence as in English: measured on
one sentence of ar 1.9, ja 2.4, el 2.9, th 3.7, hi 5.7 and ta 5.9; of the others by their script."""

SPARE_TOKENS = 12
MOST_TOKENS = 224
"""Half of the decoder's positions."""


@dataclass(frozen=True)
class Lengths:
    """Seconds of silence behind the audio, by the use of the text.

    Args:
        interim_margin: for texts that will be replaced.
        final_margin: for texts that stand; None: the full 30 s, as trained.
        final_least: a final's shortest input in seconds, when it is cut.
    """

    interim_margin: float = MARGIN_SECONDS
    final_margin: float | None = None
    final_least: float = 4.0

    @classmethod
    def for_device(cls, device: str) -> "Lengths":
        """A GPU encodes 30 s in some milliseconds; a CPU in most of a second."""
        return cls(final_margin=MARGIN_SECONDS if device == "cpu" else None)

    def frames(self, samples: int, *, final: bool) -> int:
        """Frames for so many samples of audio. Raises ValueError above 30 s."""
        if not final:
            return bucket(samples, self.interim_margin)
        if self.final_margin is None:
            return bucket(samples, FULL_FRAMES * FRAME_SAMPLES / SAMPLE_RATE)
        return max(bucket(samples, self.final_margin), bucket(0, self.final_least))


def bucket(samples: int, margin: float) -> int:
    """The shortest bucket that holds the audio and `margin` seconds; the longest if none does.

    Raises ValueError when not even the longest holds the audio.
    """
    audio = math.ceil(samples / FRAME_SAMPLES)
    if audio > FULL_FRAMES:
        raise ValueError("Whisper hears 30 s at most: cut longer audio before")
    wanted = audio + math.ceil(margin * SAMPLE_RATE / FRAME_SAMPLES)
    return next((frames for frames in BUCKETS if frames >= wanted), FULL_FRAMES)


def encoded_frames(frames: int) -> int:
    """The encoder's second convolution halves the length."""
    return (frames - 1) // 2 + 1


def collides(frames: int, mels: int) -> bool:
    """Whether CTranslate2 would take the encoder's output for mel frames and encode it again.

    It tells the two apart by the size of one dimension (`is_encoded`, seen up to 4.8.5): wrong text
    and no error.
    """
    return encoded_frames(frames) == mels


def most_tokens(speech_samples: int, languages: Sequence[str] = ("en",)) -> int:
    """The most tokens that so much speech can hold, in whichever of the languages it is."""
    times = max(FINER.get(language, 1) for language in languages)
    spoken = math.ceil(times * TOKENS_PER_SECOND * speech_samples / SAMPLE_RATE)
    return min(spoken + SPARE_TOKENS, MOST_TOKENS)


def max_length(tokens: int, prompt: int) -> int:
    """CTranslate2's `max_length` for exactly so many tokens after a prompt.

    It generates min(max_length // 2, max_length - prompt + 1) at most.
    """
    return max(2 * tokens, tokens + prompt - 1)
