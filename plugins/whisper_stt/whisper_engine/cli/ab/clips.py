"""Recordings cut into turns as a caller takes them, and heard over a telephone line."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from whisper_engine.cli.ab.line import over_line
from whisper_engine.cli.ab.recordings import Recording, TimedWord
from whisper_engine.cli.sounds import load
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.whisper.task import Pcm

SHORTEST, LONGEST = 0.3, 12.0
"""Seconds of a turn."""

ONE_WORD = 0.3
"""Share of turns that are one word: "yes", a digit, a name."""

LEAD, TAIL = 0.4, 0.15
"""Seconds that the engine keeps before and after the speech."""

_MOST_BESIDE = 0.1
_HISS = 8.0
"""Standard deviation of a quiet line, in samples' units."""


@dataclass(frozen=True)
class Clip:
    """One turn: `pcm` is mono, 16 kHz, with LEAD and TAIL around the speech."""

    name: str
    text: str
    pcm: Pcm

    @property
    def seconds(self) -> float:
        return len(self.pcm) / SAMPLE_RATE


def make_clips(recordings: Iterable[Recording]) -> Iterator[Clip]:
    """The turns of all recordings; the same ones each time. Raises SoundError.

    Where words' times are not known a recording is one turn, or none if it is too long or short.
    """
    for recording in recordings:
        pcm = load(recording.path)
        for number, (text, start, end) in enumerate(_spans(recording, len(pcm) / SAMPLE_RATE)):
            cut = pcm[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
            name = f"{recording.path.stem}-{number}"
            yield Clip(name, text, _surround(cut, _seed(name)))


def on_line(clip: Clip, loss: float) -> Clip:
    """The clip as it is heard over G.711 with this share of packets lost."""
    return replace(clip, pcm=over_line(clip.pcm, loss=loss, seed=_seed(clip.name)))


def cut_turns(words: Sequence[TimedWord], seed: int) -> Iterator[slice]:
    """Where `words` are cut into turns of SHORTEST to LONGEST, in order: some of one word, the
    others of any length, log-uniform, ending at the widest pause near it.

    A rest that is too short, or a word that is too long, is left out.
    """
    random = np.random.default_rng(seed)
    begin = 0
    while begin < len(words):
        wanted = SHORTEST
        if random.random() >= ONE_WORD:
            wanted = float(np.exp(random.uniform(np.log(2 * SHORTEST), np.log(LONGEST / 1.3))))
        end = _best_end(words, begin, wanted)
        if SHORTEST <= words[end - 1].end - words[begin].start <= LONGEST:
            yield slice(begin, end)
        begin = end


def _best_end(words: Sequence[TimedWord], begin: int, wanted: float) -> int:
    lengths = [word.end - words[begin].start for word in words[begin:]]
    first = next((n for n, length in enumerate(lengths) if length >= wanted), len(lengths) - 1)
    if wanted <= SHORTEST:
        return begin + first + 1
    near = [n for n, length in enumerate(lengths) if wanted <= length <= 1.3 * wanted] or [first]
    return begin + 1 + max(near, key=lambda n: _pause_after(words, begin + n))


def _pause_after(words: Sequence[TimedWord], index: int) -> float:
    following = words[index + 1 : index + 2]
    return following[0].start - words[index].end if following else float("inf")


def _spans(recording: Recording, seconds: float) -> Iterator[tuple[str, float, float]]:
    """Words, start and end of each turn, in seconds."""
    words = recording.words
    if not words:
        if SHORTEST <= seconds <= LONGEST:
            yield recording.text, 0.0, seconds
        return
    for turn in cut_turns(words, _seed(recording.path.stem)):
        before = words[turn.start - 1].end if turn.start else 0.0
        after = words[turn.stop].start if turn.stop < len(words) else seconds
        start, end = words[turn.start].start, words[turn.stop - 1].end
        text = " ".join(word.text for word in words[turn])
        yield text, start - _beside(start - before), end + _beside(after - end)


def _beside(pause: float) -> float:
    return max(0.0, min(_MOST_BESIDE, pause / 2))


def _surround(speech: Pcm, seed: int) -> Pcm:
    random = np.random.default_rng(seed)
    lead, tail = (
        random.normal(0, _HISS, round(seconds * SAMPLE_RATE)).astype(np.int16)
        for seconds in (LEAD, TAIL)
    )
    return np.concatenate([lead, speech, tail])


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big")
