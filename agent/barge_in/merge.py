"""Two sources of events in one stream."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from typing import TypeVar

T = TypeVar("T")


async def merged(events: AsyncIterable[T], late: asyncio.Queue[T]) -> AsyncGenerator[T]:
    """As they come, until the events end; what they raise is raised here."""
    iterator = aiter(events)

    async def following() -> T | None:
        return await anext(iterator, None)

    upcoming, extra = asyncio.ensure_future(following()), asyncio.ensure_future(late.get())
    try:
        while True:
            await asyncio.wait({upcoming, extra}, return_when=asyncio.FIRST_COMPLETED)
            if extra.done():
                yield extra.result()
                extra = asyncio.ensure_future(late.get())
            elif (event := upcoming.result()) is not None:
                yield event
                upcoming = asyncio.ensure_future(following())
            else:
                return
    finally:
        for waiting in (upcoming, extra):
            waiting.cancel()
        await asyncio.wait({upcoming, extra})
