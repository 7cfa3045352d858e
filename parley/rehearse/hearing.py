"""From the agent's sound back to its words. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.clips import Clip
from parley.rehearse.voice import SAMPLES_A_WORD

LOUD = 400
"""Sample value from which something is heard: 20 dB under the quietest word."""

HEARD = 0.5
"""Of a word's sound at its full level: the word is heard."""


@dataclass
class _Played:
    clip: Clip
    words: list[str]
    read: int = 0


class Hearing:
    """Of one call. `word_of` knows a word by its sample value; `clips` are known by their sound."""

    def __init__(self, word_of: Callable[[int], str | None], clips: Sequence[Clip]) -> None:
        self._word_of = word_of
        self._played = [_Played(clip, clip.text.split()) for clip in clips]
        self._samples: Counter[int] = Counter()
        self._heard: set[int] = set()

    def hear(self, pcm: bytes) -> list[str]:
        """The words that have been heard with this piece of s16le sound."""
        samples = np.frombuffer(pcm, np.int16)
        if not is_loud(samples):
            return []
        for played in self._played:
            at = played.clip.pcm.find(pcm)
            if at >= 0:
                return _read(played, at + len(pcm))
        return [word for value in np.unique(samples) if (word := self._known(value, samples))]

    def _known(self, value: int, samples: npt.NDArray[np.int16]) -> str | None:
        """The word, with the piece that brings it over the threshold."""
        word = self._word_of(int(value))
        if word is None or value in self._heard:
            return None
        self._samples[value] += int(np.count_nonzero(samples == value))
        if self._samples[value] < HEARD * SAMPLES_A_WORD:
            return None
        self._heard.add(value)
        return word


def is_loud(samples: npt.NDArray[np.int16]) -> bool:
    return bool(np.abs(samples.astype(np.int32)).max(initial=0) >= LOUD)


def _read(played: _Played, until: int) -> list[str]:
    """Words of a clip, in proportion to its sound; one that starts afresh is read afresh."""
    due = round(len(played.words) * until / len(played.clip.pcm))
    if due < played.read:
        played.read = 0
    new = played.words[played.read : due]
    played.read = due
    return new
