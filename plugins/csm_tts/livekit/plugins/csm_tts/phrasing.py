"""Text as it is written → sentences as they are spoken. Pure."""

import textwrap
from collections.abc import AsyncGenerator, AsyncIterable, Iterator

from livekit.agents.tokenize import blingfire
from livekit.plugins.csm_tts.clauses import clause_end

from csm_engine.protocol import MAX_SENTENCE_CHARS

_MIN_SENTENCE_CHARS = 3
"""So that "Sure." is spoken at once, and a stray initial is not."""

_LEAST_WORDS = 3
"""CSM's kin babble on less (csm.md §5). Only a reply's first sentence is sent alone all the same:
what follows has time to be joined with what comes next."""

_tokenizer = blingfire.SentenceTokenizer(min_sentence_len=_MIN_SENTENCE_CHARS, retain_format=True)


async def sentences(
    text: AsyncIterable[object], *, first_clause: bool = False
) -> AsyncGenerator[str, None]:
    """Each sentence as soon as the next one begins; what is held at the end, or at an item that is
    not text.

    With `first_clause` a long first sentence is begun at the end of its first clause, and its rest
    comes as the next; a later one of a word or two comes with the next. Whitespace is kept, so
    joined they give the text again, without what cannot be spoken.
    """
    held = ""
    early = first_clause
    joined = _Joined()
    async for piece in text:
        if isinstance(piece, str):
            *whole, held = _split(held + piece)
        else:
            whole, held = [held], ""
        if early and not any(map(_is_speakable, whole)) and (end := clause_end(held)):
            whole, held = [*whole, held[:end]], held[end:]
        for part in (part for sentence in whole for part in _speakable(sentence)):
            early = False
            for ready in joined.add(part):
                yield ready
        if not isinstance(piece, str):
            for ready in joined.rest():
                yield ready
    for part in _speakable(held):
        for ready in joined.add(part):
            yield ready
    for ready in joined.rest():
        yield ready


class _Joined:
    """Holds a part of a word or two, but for the first, until the next one comes."""

    def __init__(self) -> None:
        self._held = ""
        self._begun = False

    def add(self, part: str) -> Iterator[str]:
        if len(self._held) + len(part) > MAX_SENTENCE_CHARS:
            yield from self.rest()
        self._held += part
        if not self._begun or len(self._held.split()) >= _LEAST_WORDS:
            yield from self.rest()

    def rest(self) -> Iterator[str]:
        if self._held:
            self._begun = True
            held, self._held = self._held, ""
            yield held


def _split(text: str) -> list[str]:
    return _tokenizer.tokenize(text) or [text]


def _is_speakable(sentence: str) -> bool:
    return any(character.isalnum() for character in sentence)


def _speakable(sentence: str) -> Iterator[str]:
    """Nothing for a sentence without a letter or a digit; parts of one that is too long."""
    if not _is_speakable(sentence):
        return
    if len(sentence) <= MAX_SENTENCE_CHARS:
        yield sentence
        return
    for part in textwrap.wrap(sentence, MAX_SENTENCE_CHARS - 1):
        yield part + " "
