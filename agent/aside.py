"""What is said beside the talk while mind or voice take their time, on its way through the nodes.

The framework holds the word for a reply that has not begun, so that nothing else can be said; but a
reply may begin with a segment of its own, and its sound with a clip.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.agents.utils import is_given

SLOW = 2.5
"""Seconds until the caller of a mind, or a voice, that has not begun is asked for a moment."""

T = TypeVar("T")
Text = TypeVar("Text", bound=str)


async def unless_soon(
    chunks: AsyncGenerator[T], seconds: float, aside: Callable[[], Sequence[T]]
) -> AsyncGenerator[T]:
    """The chunks, with `aside` before them if the first does not come within `seconds`."""
    first = asyncio.ensure_future(anext(chunks))
    try:
        await asyncio.wait({first}, timeout=seconds)
        if not first.done():
            for chunk in aside():
                yield chunk
        with suppress(StopAsyncIteration):
            yield await first
            async for chunk in chunks:
                yield chunk
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


def later(frame: rtc.AudioFrame, seconds: float) -> rtc.AudioFrame:
    """The frame with its words so much later: they count from the first sound of all."""
    for words in frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, ()):
        if is_given(words.start_time):
            words.start_time += seconds
        if is_given(words.end_time):
            words.end_time += seconds
    return frame


async def split(text: AsyncIterable[Text], phrase: str) -> tuple[bool, AsyncGenerator[Text]]:
    """Whether `text` is `phrase` and no more, and the text again, from its start."""
    read: list[Text] = []
    async for piece in text:
        read.append(piece)
        if not phrase.startswith("".join(read).strip()):
            return False, _again(read, text)
    return "".join(read).strip() == phrase, _again(read, text)


async def _again(read: list[Text], rest: AsyncIterable[Text]) -> AsyncGenerator[Text]:
    for piece in read:
        yield piece
    async for piece in rest:
        yield piece
