"""What callers utter while the agent speaks: what shall not stop it, and what shall."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

SECONDS_A_SYLLABLE = 0.19
FIRST_WORDS = (0.25, 0.55)
"""Seconds from the sound of words to their first text, drawn anew for each: the ears' own figure
under load, not the best they can."""


@dataclass(frozen=True)
class Utterance:
    """Voice for `seconds`, and the texts that the ears make of it, at their seconds in it."""

    kind: str
    seconds: float
    text: str
    interims: tuple[tuple[float, str], ...]
    stops: bool
    """Whether the agent shall fall silent."""


ACKNOWLEDGEMENTS = (
    ("Uh-huh.", 2),
    ("Mm-hmm.", 2),
    ("Yeah.", 1),
    ("Right.", 1),
    ("Okay.", 2),
    ("I see.", 2),
    ("Sure.", 1),
    ("Got it.", 2),
    ("That's right.", 2),
    ("Oh, okay.", 3),
    ("Yeah, yeah.", 2),
    ("Yes, of course.", 3),
    ("Uh-huh, right, okay.", 5),
    ("All right, thank you.", 4),
)
NOISES = (("cough", 0.2, 0.45), ("door", 0.1, 0.3), ("cup", 0.05, 0.2), ("sneeze", 0.25, 0.48))
WORDLESS = ("laugh", 0.55, 1.5)
"""Longer than what the detector needs to interrupt, and without a word: it pauses the agent."""
INTERRUPTIONS = (
    ("When do you open?", 5),
    ("Sorry, what was that?", 5),
    ("No, I meant Tuesday.", 6),
    ("Yeah, but how much is it?", 7),
    ("I already have an appointment.", 9),
    ("Can I speak to somebody else, please?", 10),
    ("Stop.", 1),
    ("Wait.", 1),
    ("Hold on.", 2),
    ("Excuse me.", 3),
    ("Okay, wait a moment.", 6),
    ("Actually.", 4),
)


def cases(seed: int, each: int) -> Iterator[Utterance]:
    """Every utterance so many times, never twice alike."""
    random = Random(seed)
    for _ in range(each):
        for text, syllables in ACKNOWLEDGEMENTS:
            yield _spoken(random, "backchannel", text, syllables, stops=False)
        for kind, least, most in NOISES:
            yield Utterance(kind, random.uniform(least, most), "", (), stops=False)
        kind, least, most = WORDLESS
        yield Utterance(kind, random.uniform(least, most), "", (), stops=False)
        for text, syllables in INTERRUPTIONS:
            yield _spoken(random, "interruption", text, syllables, stops=True)


def _spoken(random: Random, kind: str, text: str, syllables: int, *, stops: bool) -> Utterance:
    seconds = syllables * SECONDS_A_SYLLABLE * random.uniform(0.8, 1.3) + 0.1
    words = text.rstrip(".?").split()
    interims = []
    for count in range(1, len(words) + 1):
        at = seconds * count / len(words) + random.uniform(*FIRST_WORDS)
        interims.append((at, " ".join(words[:count])))
    in_time = tuple((at, said) for at, said in sorted(interims) if at < seconds)
    return Utterance(kind, seconds, text, in_time, stops)
