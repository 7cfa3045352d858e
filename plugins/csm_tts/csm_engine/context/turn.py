"""A turn of a conversation as tokens, and what is left of one that was not heard to its end."""

from dataclasses import dataclass

from torch import Tensor

from csm_engine.csm.prompt import Prompt, Prompter, Segment
from csm_engine.protocol import FRAME_SECONDS
from csm_engine.text import expected_seconds

AGENT, CALLER = 0, 1
"""Speakers, as CSM's prompts number them."""

LEAST_HEARD = 1 / FRAME_SECONDS
"""Frames: who heard less than a second of a sentence heard no words of it."""


@dataclass(frozen=True, eq=False, slots=True)
class Turn:
    """`words` and then `sound`, whose last token is its end; `sound` is empty for text alone.

    Args:
        utterance: of which it is a sentence; None for what was not spoken here.
        lead: frames of `sound` that were not sent, its first.
        sent: frames that were; more than `sound` has where it was too long for a segment.
        complete: whether all words of `text` are in the sound.
    """

    text: str
    words: Prompt
    sound: Prompt
    utterance: str | None = None
    lead: int = 0
    sent: int = 0
    complete: bool = True

    @classmethod
    def written(cls, prompter: Prompter, segment: Segment) -> "Turn":
        """Not spoken here. Raises PromptError."""
        words = prompter.text(segment.speaker, segment.text)
        if segment.frames is None or not len(segment.frames):
            return cls(segment.text, words, prompter.prompt([]))
        return cls(segment.text, words, prompter.audio(segment.frames))

    @classmethod
    def spoken(
        cls,
        prompter: Prompter,
        utterance: str,
        text: str,
        frames: Tensor,
        *,
        lead: int,
        complete: bool,
    ) -> "Turn":
        """A sentence of `frames` [n, codebooks], of which `lead` were not sent."""
        words, sound = prompter.text(AGENT, text), prompter.audio(frames)
        return cls(text, words, sound, utterance, lead, len(frames) - lead, complete)

    def __len__(self) -> int:
        return len(self.words) + len(self.sound)

    def rest(self, read: int) -> Prompt:
        """Its tokens but for the first `read`."""
        sounded = max(0, read - len(self.words))
        words = Prompt(self.words.ids[read:], self.words.codes)
        return words + Prompt(self.sound.ids[sounded:], self.sound.codes[sounded:])

    def heard(self, prompter: Prompter, frames: float) -> "Turn | None":
        """What is left of a sentence when no more than so many sent frames of it were heard.

        None when that is too little, itself when it was all.
        """
        held = len(self.sound) - 1 - self.lead
        if self.complete and 0 < held <= frames:
            return self
        if (frames := min(frames, held)) < LEAST_HEARD:
            return None
        whole = int(frames)
        text = _spoken_words(self.text, whole, of=held if self.complete else None)
        sound = self.sound.codes[: self.lead + whole]
        assert self.utterance is not None, "what was not spoken here is not cut"
        return Turn.spoken(prompter, self.utterance, text, sound, lead=self.lead, complete=True)


def _spoken_words(text: str, heard: int, *, of: int | None) -> str:
    """The words that are wholly in the first `heard` frames of a sentence that has `of`; None where
    nobody knows, because it was stopped."""
    words = text.split()
    frames = of or max(1, round(expected_seconds(text) / FRAME_SECONDS))
    return " ".join(words[: max(1, len(words) * heard // frames)])
