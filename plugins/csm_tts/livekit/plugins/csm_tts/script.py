"""The sentences of one reply on their way to an engine, and to the next one if that is lost."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable


class Script:
    """`fill` runs beside whoever takes: what is read of a text must outlive an engine."""

    def __init__(self) -> None:
        self._read: asyncio.Queue[str | None] = asyncio.Queue(1)
        self._next: deque[str] = deque()
        self._out: deque[str] = deque()
        self._ended = False
        self.settled_count = 0

    async def fill(self, sentences: AsyncIterable[str]) -> None:
        async for sentence in sentences:
            await self._read.put(sentence)
        await self._read.put(None)

    async def more(self) -> bool:
        """Whether a sentence is to be taken; waits until that is known."""
        if not self._next and not self._ended:
            sentence = await self._read.get()
            if sentence is None:
                self._ended = True
            else:
                self._next.append(sentence)
        return bool(self._next)

    async def take(self) -> str | None:
        """The next one, None at the end. It is out until it is settled."""
        if not await self.more():
            return None
        sentence = self._next.popleft()
        self._out.append(sentence)
        return sentence

    def settled(self) -> None:
        """The first that is out was heard, or never will be."""
        self._out.popleft()
        self.settled_count += 1

    def rewind(self) -> None:
        """All that is out shall be taken again."""
        self._next.extendleft(reversed(self._out))
        self._out.clear()
