from collections.abc import Sequence

import numpy as np
import pytest

from whisper_engine.cli.ab.clips import Clip
from whisper_engine.cli.ab.grid import AT_ONCE, Condition, Trial, conditions
from whisper_engine.cli.ab.scoring import normaliser
from whisper_engine.whisper.task import Decoded, Task


class Clerk:
    """Says a word a second, and goes round in circles when less than 2 s of silence follow."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Task]] = []

    def decode(self, tasks: Sequence[Task]) -> list[Decoded]:
        self.batches.append(tasks)
        return [self._one(task) for task in tasks]

    def _one(self, task: Task) -> Decoded:
        seconds = len(task.pcm) / 16_000
        said = WORDS[: round(seconds)]
        lost = task.frames / 100 - seconds < 2
        return Decoded(
            text=" ".join(["so", *said * 3] if lost else said),
            tokens=(),
            logprob=0.0,
            no_speech=0.0,
            language=task.languages[0],
            language_probability=1.0,
            capped=False,
        )


WORDS = ["four", "calls", "a", "day", "are", "enough", "for", "me", "today", "she", "said", "now"]


def clip(seconds: float) -> Clip:
    text = " ".join(WORDS[: round(seconds)])
    return Clip(f"{seconds:g}", text, np.zeros(round(seconds * 16_000), np.int16))


CLIPS = [clip(seconds) for seconds in (9.5, 1, 3, 1, 12, 2.2)]


@pytest.fixture
def trial() -> Trial:
    return Trial({"audio": Clerk(), "mel": Clerk()}, "en", normaliser("en"))


def test_every_condition_is_tried_once() -> None:
    every = list(conditions())
    assert len(every) == len(set(every)) == 2 * 2 * 5 * 2
    assert Condition(loss=0.03, padding="mel", margin=None, beam=5) in every


def test_scores_come_in_the_order_of_the_clips(trial: Trial) -> None:
    scores = trial.run(CLIPS, Condition(0.0, "audio", None, 1))
    assert [score.words for score in scores] == [10, 1, 3, 1, 12, 2]
    assert [score.errors for score in scores] == [0] * 6


def test_a_short_margin_is_heard_in_the_figures(trial: Trial) -> None:
    """At margin 0 only what is far from the next length keeps 2 s: 1 s and 2.2 s do not lose."""
    scores = trial.run(CLIPS, Condition(0.0, "audio", 0.0, 1))
    assert [score.loop for score in scores] == [True, False, True, False, False, True]
    assert [score.errors > 0 for score in scores] == [score.loop for score in scores]


def test_a_batch_holds_one_length_and_no_more_than_is_sensible() -> None:
    clerk = Clerk()
    trial = Trial({"audio": Clerk(), "mel": clerk}, "de", normaliser("de"))
    trial.run(CLIPS * 4, Condition(0.03, "mel", 1.28, 5))
    assert sum(map(len, clerk.batches)) == len(CLIPS) * 4
    assert max(map(len, clerk.batches)) <= AT_ONCE
    assert all(len({task.group for task in batch}) == 1 for batch in clerk.batches)
    task = clerk.batches[0][0]
    assert (task.languages, task.beam, task.words, task.previous) == (("de",), 5, False, ())


@pytest.mark.parametrize(("margin", "frames"), [(0.0, 300), (1.28, 600), (5.0, 800), (None, 3000)])
def test_lengths_follow_the_margin_or_are_full(margin: float | None, frames: int) -> None:
    clerk = Clerk()
    trial = Trial({"audio": clerk, "mel": Clerk()}, "en", normaliser("en"))
    trial.run([clip(3)], Condition(0.0, "audio", margin, 1))
    assert [task.frames for task in clerk.batches[0]] == [frames]


class Stuck(Clerk):
    def _one(self, task: Task) -> Decoded:
        return Decoded("four", (), 0.0, 0.0, "en", 1.0, capped=True)


def test_a_text_without_an_end_counts_as_a_loop() -> None:
    trial = Trial({"audio": Stuck(), "mel": Stuck()}, "en", normaliser("en"))
    (score,) = trial.run([clip(1)], Condition(0.0, "audio", None, 1))
    assert (score.errors, score.loop) == (0, True)
