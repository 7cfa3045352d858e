"""The rehearsal model's grammar: phrases to JSGF, and words to what a dictionary holds. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_BACKCHANNELS = (
    "uh huh, mm hmm, yeah, yes, no, okay, right, sure, fine, good, thanks, thank you, please, hello, "
    "thank you very much, hi, sorry, pardon, wait, one moment, stop, goodbye, bye, bye bye, "
    "yes please, no thanks, no thank you, i see, got it, hold on"
)
"""What callers say between the script's lines."""

OPENERS = ("yes", "no", "okay", "hello", "yeah", "sure", "right", "sorry", "well")
"""May come before a phrase: "yes, I would like …"."""

# A second phrase must pay: a grammar that joins freely hears "uh huh" in the noise after a sentence.
OPENER_WEIGHT = "0.001"
SECOND_WEIGHT = "0.000001"

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_HUNDRED = 100
_TWENTY = 20


@dataclass(frozen=True)
class Grammar:
    """`skipped` counts the phrases left out for a word that the dictionary lacks."""

    jsgf: str
    words: frozenset[str]
    phrases: frozenset[tuple[str, ...]]
    longest: int
    skipped: int

    def whole(self, words: Sequence[str]) -> tuple[str, ...]:
        """The leading words that make whole phrases: a cut decode may end in half of one."""
        reach = {0}
        for start in range(len(words)):
            if start in reach:
                ends = range(start + 1, min(start + self.longest, len(words)) + 1)
                reach.update(end for end in ends if tuple(words[start:end]) in self.phrases)
        return tuple(words[: max(reach)])


def make_grammar(phrases: Iterable[str], known: frozenset[str]) -> Grammar:
    """One phrase an utterance, or an opener and a phrase, or two; or a backchannel."""
    wanted = dict.fromkeys(filter(None, map(spoken_words, phrases)))
    main = [words for words in wanted if known.issuperset(words)]
    back = [
        words
        for words in map(spoken_words, _BACKCHANNELS.split(","))
        if known.issuperset(words) and words not in wanted
    ]
    openers = [(word,) for word in OPENERS if word in known]
    every = {*main, *back, *openers}
    return Grammar(
        jsgf=_jsgf(main, back, openers),
        words=frozenset(word for words in every for word in words),
        phrases=frozenset(every),
        longest=max(map(len, every)),
        skipped=len(wanted) - len(main),
    )


def _jsgf(
    main: Sequence[tuple[str, ...]],
    back: Sequence[tuple[str, ...]],
    openers: Sequence[tuple[str, ...]],
) -> str:
    utterance = ["/1/ <back>"]
    rules = [f"<back> = {_any_of(back)};", f"<opener> = {_any_of(openers)};"]
    if main:
        utterance += [
            "/1/ <phrase>",
            f"/{OPENER_WEIGHT}/ <opener> <phrase>",
            f"/{SECOND_WEIGHT}/ <phrase> <phrase>",
        ]
        rules.append(f"<phrase> = {_any_of(main)};")
    return (
        "#JSGF V1.0; grammar heard; public <utterance> = "
        + " | ".join(utterance)
        + "; "
        + " ".join(rules)
    )


def _any_of(phrases: Sequence[tuple[str, ...]]) -> str:
    return " | ".join(" ".join(words) for words in phrases)


def spoken_words(text: str) -> tuple[str, ...]:
    """Lower case, no punctuation, numbers up to 99 (and hundreds) as words: "at 7:30" → at seven thirty."""
    tokens = re.findall(r"[a-z]+(?:'[a-z]+)*|\d+", text.lower().replace("\u2019", "'"))
    return tuple(word for token in tokens for word in _say(token))


def _say(token: str) -> list[str]:
    if not token.isdigit():
        return [token]
    number = int(token)
    if token.startswith("0") or number >= _HUNDRED * 10:
        return [_ONES[int(digit)] for digit in token]
    hundreds, rest = divmod(number, _HUNDRED)
    words = [_ONES[hundreds], "hundred"] if hundreds else []
    if rest >= _TWENTY:
        tens, ones = divmod(rest, 10)
        return [*words, _TENS[tens - 2], *([_ONES[ones]] if ones else [])]
    return words if hundreds and not rest else [*words, _ONES[rest]]
