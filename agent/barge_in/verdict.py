"""What the caller's words mean while the agent has the word. Pure."""

from dataclasses import dataclass
from enum import Enum, auto

from agent.barge_in.echo import without_echo
from agent.lexicon import Lexicon, Words, words


class Meaning(Enum):
    ECHO = auto()
    """The agent's own voice, come back over the line."""
    ACKNOWLEDGEMENT = auto()
    """The caller listens, and leaves the agent the word."""
    BEGINNING = auto()
    """Of what may become an acknowledgement, with the next word. If it is all, the caller meant it."""
    UNDECIDED = auto()
    """A word that may become more. If it is all, the caller meant it."""
    INTERRUPTION = auto()


WITHHELD = frozenset({Meaning.ECHO, Meaning.ACKNOWLEDGEMENT})
"""Nobody needs to hear of it."""


@dataclass(frozen=True)
class Verdict:
    """`text` is what the caller said, less the agent's own words before it."""

    meaning: Meaning
    text: str

    @property
    def withheld(self) -> bool:
        return self.meaning in WITHHELD


def judge(text: str, *, own: Words, lexicon: Lexicon, num_words: int) -> Verdict:
    """`own` are the agent's words of which an echo may still come; `num_words` that are no
    acknowledgements interrupt."""
    text = without_echo(text, own)
    spoken = words(text)
    return Verdict(_meaning(spoken, lexicon, num_words), text)


def _meaning(spoken: Words, lexicon: Lexicon, num_words: int) -> Meaning:
    if not spoken:
        return Meaning.ECHO
    if lexicon.interruptions.within(spoken):
        return Meaning.INTERRUPTION
    content = lexicon.acknowledgements.without(spoken)
    if not content:
        return Meaning.ACKNOWLEDGEMENT
    if lexicon.acknowledgements.begun(spoken):
        return Meaning.BEGINNING
    return Meaning.INTERRUPTION if len(content) >= num_words else Meaning.UNDECIDED
