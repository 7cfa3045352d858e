"""How long the caller's silence must be before the agent answers. Pure."""

from dataclasses import dataclass, replace

from agent.lexicon import Lexicon, words

FLOOR = 0.25
"""Seconds: no sooner does the voice activity detector tell the end of speech."""

MOST_ANSWER_WORDS = 4
MOST_NUMBER_WORDS = 3
MOST_DIGITS = 2
"""Of a number that is an answer by itself: a longer one is often dictated in groups."""


@dataclass(frozen=True)
class Delays:
    """Seconds of silence that end a turn: one that sounds finished, and any."""

    least: float
    most: float


@dataclass(frozen=True)
class Pace:
    """Of the turn that the caller is in."""

    usual: Delays
    after_interruption: float
    """The longest wait in the turn that interrupts."""
    hurried: bool = False
    answers: bool = False

    @property
    def delays(self) -> Delays:
        delays = self.usual
        if self.hurried:
            least = min(FLOOR, delays.least)
            delays = Delays(least, max(least, self.after_interruption))
        return replace(delays, most=delays.least) if self.answers else delays


QUESTION_MARKS = ("?", "\N{FULLWIDTH QUESTION MARK}", "\N{ARABIC QUESTION MARK}")


def is_question(text: str) -> bool:
    """By its last mark, whatever closes a quotation after it."""
    return text.rstrip(" \"')\N{RIGHT DOUBLE QUOTATION MARK}").endswith(QUESTION_MARKS)


def is_short_answer(text: str, question: str, lexicon: Lexicon) -> bool:
    """Whether nothing more is to be expected after these words of the caller's."""
    spoken = words(text)
    asked = words(question)[-20:]
    if not spoken or not is_question(question) or len(spoken) > MOST_ANSWER_WORDS:
        return False
    if not lexicon.answers.without(spoken):
        return True
    rest = lexicon.numbers.without(lexicon.answers.without(spoken))
    numbers_only = all(word.isdecimal() and len(word) <= MOST_DIGITS for word in rest)
    return numbers_only and len(spoken) <= MOST_NUMBER_WORDS and not lexicon.spelled.within(asked)
