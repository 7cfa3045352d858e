"""What a model heard against what was said."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import jiwer

Normalise = Callable[[str], str]


@dataclass(frozen=True)
class Score:
    """One turn: word errors (substituted, left out, put in) and the words that were said.

    `loop`: the text goes round in circles, or never came to its end. `empty`: no words at all.
    """

    errors: int
    words: int
    loop: bool
    empty: bool


@dataclass(frozen=True)
class Rates:
    """Of many turns: word error rate, pooled over their words, and shares of turns."""

    turns: int
    words: int
    errors: int
    loops: int
    empties: int

    @property
    def wer(self) -> float:
        return self.errors / self.words if self.words else 0.0

    @property
    def loop_rate(self) -> float:
        return self.loops / self.turns if self.turns else 0.0

    @property
    def empty_rate(self) -> float:
        return self.empties / self.turns if self.turns else 0.0


def normaliser(language: str) -> Normalise:
    """The Whisper paper's (Radford et al. 2022, appendix C), which spells numbers and contractions
    in one way; beyond English it only drops case, marks and punctuation.
    """
    with warnings.catch_warnings():
        # Its comments hold escapes that Python warns of when it first compiles them.
        warnings.simplefilter("ignore")
        from whisper_normalizer.basic import BasicTextNormalizer  # noqa: PLC0415
        from whisper_normalizer.english import EnglishTextNormalizer  # noqa: PLC0415
    made: Normalise = EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()
    return made


def score(said: str, heard: str, *, loop: bool, normalise: Normalise) -> Score:
    """Raises ValueError where `said` has no words after normalisation: leave such turns out."""
    reference, hypothesis = normalise(said).split(), normalise(heard).split()
    if not reference:
        raise ValueError(f"{said!r} has no words")
    if not hypothesis:
        return Score(len(reference), len(reference), loop, empty=True)
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    errors = found.substitutions + found.deletions + found.insertions
    return Score(errors, len(reference), loop, empty=False)


def pool(scores: Iterable[Score]) -> Rates:
    every: Sequence[Score] = tuple(scores)
    return Rates(
        turns=len(every),
        words=sum(each.words for each in every),
        errors=sum(each.errors for each in every),
        loops=sum(each.loop for each in every),
        empties=sum(each.empty for each in every),
    )
