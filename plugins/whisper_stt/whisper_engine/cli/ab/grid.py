"""The conditions under which a model is tried, and the trial."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from whisper_engine.cli.ab.clips import Clip
from whisper_engine.cli.ab.scoring import Normalise, Score, score
from whisper_engine.whisper.features import Padding
from whisper_engine.whisper.lengths import bucket, most_tokens
from whisper_engine.whisper.loops import Repeats, find_loop, split
from whisper_engine.whisper.task import Decoded, Task

Margin = float | None
"""Seconds of padding at least; None: up to 30 s."""

LOSSES = (0.0, 0.03)
PADDINGS: tuple[Padding, ...] = ("audio", "mel")
MARGINS: tuple[Margin, ...] = (0.0, 1.28, 2.56, 5.0, None)
BEAMS = (1, 5)

FULL = 30.0
"""Seconds."""

AT_ONCE = 8
"""Turns of a batch."""


@dataclass(frozen=True)
class Condition:
    """`loss` is the share of packets that the line loses."""

    loss: float
    padding: Padding
    margin: Margin
    beam: int


class Hears(Protocol):
    """Tasks of one group at a time, answered in order."""

    def decode(self, tasks: Sequence[Task]) -> Sequence[Decoded]: ...


@dataclass(frozen=True)
class Trial:
    """A model that pads in each way, and what it is tried with."""

    hears: Mapping[Padding, Hears]
    language: str
    normalise: Normalise

    def run(self, clips: Sequence[Clip], condition: Condition) -> list[Score]:
        """Of each clip, in order; `clips` are as the condition's line lets them be heard."""
        tasks = [self._task(clip, condition) for clip in clips]
        decoded = dict(self._decode(tasks, self.hears[condition.padding]))
        return [self._score(clip, decoded[index]) for index, clip in enumerate(clips)]

    def _task(self, clip: Clip, condition: Condition) -> Task:
        samples = len(clip.pcm)
        return Task(
            clip.pcm,
            frames=bucket(samples, FULL if condition.margin is None else condition.margin),
            languages=(self.language,),
            previous=(),
            max_tokens=most_tokens(samples),
            beam=condition.beam,
            words=False,
        )

    def _decode(self, tasks: Sequence[Task], hears: Hears) -> Iterator[tuple[int, Decoded]]:
        order = sorted(range(len(tasks)), key=lambda index: tasks[index].group)
        for _, group in itertools.groupby(order, key=lambda index: tasks[index].group):
            indices = list(group)
            for start in range(0, len(indices), AT_ONCE):
                batch = indices[start : start + AT_ONCE]
                yield from zip(batch, hears.decode([tasks[i] for i in batch]), strict=True)

    def _score(self, clip: Clip, decoded: Decoded) -> Score:
        repeats = Repeats(spelled=most_tokens(len(clip.pcm)))
        loop = decoded.capped or find_loop(split(decoded.text), self.language, repeats) is not None
        return score(clip.text, decoded.text, loop=loop, normalise=self.normalise)


def conditions() -> Iterator[Condition]:
    for values in itertools.product(LOSSES, PADDINGS, MARGINS, BEAMS):
        yield Condition(*values)
