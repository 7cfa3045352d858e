"""The agent's own words on their way back. Pure: places are seconds of the call's agent sound."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from agent.lexicon import Words, word_spans, words

ROUND_TRIP = 1.0
"""Seconds from the agent's sound to its echo heard here, at most: bridges, line and buffers."""

ECHO_TAIL = 0.3
"""Seconds after the agent's sound in which an echo may still begin, and no answer to it: over a
telephone the caller has not heard it yet."""

SECONDS_A_LETTER = 1 / 15
"""Of speech whose times nobody tells."""

KEPT_SECONDS = 30.0

LEAST_WORDS = 2
"""A single word may be an answer in the agent's own words."""

LEAST_RUN = 3
"""Words in a row that are taken for an echo before what the caller says."""

LEAST_SHARE = 0.7
"""Of its words, that an echo misheard still has right and in order."""


SLACK = 0.4
"""Of the time since the last place that is known, by which a usual pace may be wrong."""


@dataclass(frozen=True)
class _Spoken:
    word: str
    start: float
    end: float
    slack: float


class OwnWords:
    """What the agent says, and where in its sound."""

    def __init__(self) -> None:
        self._spoken: deque[_Spoken] = deque()
        self._anchor = 0.0
        self._end = 0.0

    def say(self, text: str, start: float | None = None, end: float | None = None) -> None:
        """Where nobody tells, it comes after what was said last, and a usual pace is assumed."""
        if start is not None:
            self._anchor = self._end = start
        step, sure = SECONDS_A_LETTER, end is not None
        if end is not None:
            step = max(0.0, end - self._end) / max(1, len(text))
        for word in words(text):
            start, self._end = self._end, self._end + (len(word) + 1) * step
            slack = 0.0 if sure else SLACK * (self._end - self._anchor)
            self._spoken.append(_Spoken(word, start, self._end, slack))
        while self._spoken and self._spoken[0].end < self._end - KEPT_SECONDS:
            self._spoken.popleft()

    def between(self, start: float, end: float) -> Words:
        return tuple(
            spoken.word
            for spoken in self._spoken
            if spoken.end + spoken.slack > start and spoken.start - spoken.slack < end
        )

    def cut(self, at: float) -> None:
        """What comes after that was never heard."""
        while self._spoken and self._spoken[-1].start >= at:
            self._spoken.pop()


def without_echo(text: str, own: Words) -> str:
    """Empty where all of it is the agent's; a run of its words before the caller's own is cut."""
    spoken = words(text)
    if len(spoken) < LEAST_WORDS or not own:
        return text
    blocks = SequenceMatcher(None, spoken, own, autojunk=False).get_matching_blocks()
    right = sum(block.size for block in blocks)
    if right == len(spoken) or (right >= LEAST_RUN and right / len(spoken) >= LEAST_SHARE):
        return ""
    lead = _lead(spoken, own)
    return text[word_spans(text)[lead][0] :] if lead >= LEAST_RUN else text


def _lead(spoken: Sequence[str], own: Words) -> int:
    """How many of the first words the agent said in a row."""
    best = 0
    for at in range(len(own)):
        run = 0
        while run < len(spoken) and at + run < len(own) and spoken[run] == own[at + run]:
            run += 1
        best = max(best, run)
    return best
