"""Text as it is written → sentences as they are spoken. Pure."""

import textwrap
from collections.abc import AsyncGenerator, AsyncIterable, Iterator

from livekit.agents.tokenize import blingfire

from csm_engine.protocol import MAX_SENTENCE_CHARS

_MIN_SENTENCE_CHARS = 3
"""So that "Sure." is spoken at once, and a stray initial is not."""

_tokenizer = blingfire.SentenceTokenizer(min_sentence_len=_MIN_SENTENCE_CHARS, retain_format=True)


async def sentences(text: AsyncIterable[object]) -> AsyncGenerator[str, None]:
    """Each sentence as soon as the next one begins; what is held at the end, or at an item that is
    not text.

    Whitespace is kept, so joined they give the text again, without what cannot be spoken.
    """
    held = ""
    async for piece in text:
        if isinstance(piece, str):
            *whole, held = _split(held + piece)
        else:
            whole, held = [held], ""
        for sentence in whole:
            for part in _speakable(sentence):
                yield part
    for part in _speakable(held):
        yield part


def _split(text: str) -> list[str]:
    return _tokenizer.tokenize(text) or [text]


def _speakable(sentence: str) -> Iterator[str]:
    """Nothing for a sentence without a letter or a digit; parts of one that is too long."""
    if not any(character.isalnum() for character in sentence):
        return
    if len(sentence) <= MAX_SENTENCE_CHARS:
        yield sentence
        return
    for part in textwrap.wrap(sentence, MAX_SENTENCE_CHARS - 1):
        yield part + " "
