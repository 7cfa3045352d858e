"""How many sessions an engine holds, and when it takes no more."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class FullError(Exception):
    """The engine takes no new session now; try again in `retry_after` seconds, or elsewhere."""

    def __init__(self, reason: str, retry_after: int) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Gate:
    """Counts sessions held against `limit`; closed for good by `drain()`.

    Belongs to one event loop. `has_room` says whether the machine could serve one more, whatever the
    limit is. `draining` is set when the engine is about to stop: a session that
    has nothing in hand should end then. `clock` gives seconds.
    """

    def __init__(
        self,
        limit: int,
        has_room: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if limit < 1:
            raise ValueError(f"an engine must hold at least one session, got a limit of {limit}")
        self.limit = limit
        self._has_room = has_room
        self._clock = clock
        self._reserved: dict[str, float] = {}
        self.held = 0
        self.draining = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def room(self) -> int:
        """How many more sessions would be taken now."""
        if self.draining.is_set() or not self._has_room():
            return 0
        return max(0, self.limit - self.held - self.reserved)

    @property
    def reserved(self) -> int:
        """Sessions that are kept for who has not come yet."""
        now = self._clock()
        self._reserved = {name: end for name, end in self._reserved.items() if end > now}
        return len(self._reserved)

    def reserve(self, name: str, seconds: float) -> None:
        """Keep a session for who comes by that name within `seconds`; once more begins them anew.

        Raises `FullError` when there is no room.
        """
        self._refuse_if_stopping()
        if not (self.reserved and name in self._reserved):
            self._refuse_if_full()
        self._reserved[name] = self._clock() + seconds

    def release(self, name: str) -> None:
        """Whoever it was kept for does not come."""
        self._reserved.pop(name, None)

    @contextmanager
    def session(self, reservation: str | None = None) -> Iterator[None]:
        """Hold one session, that of the reservation if there is one. Raises `FullError`."""
        self._refuse_if_stopping()
        if not (self.reserved and reservation in self._reserved):
            self._refuse_if_full()
        if reservation is not None:
            self.release(reservation)
        self.held += 1
        self._empty.clear()
        try:
            yield
        finally:
            self.held -= 1
            if not self.held:
                self._empty.set()

    def _refuse_if_stopping(self) -> None:
        if self.draining.is_set():
            raise FullError("the engine is stopping", retry_after=5)

    def _refuse_if_full(self) -> None:
        if self.held + self.reserved >= self.limit:
            raise FullError(f"all {self.limit} sessions are taken", retry_after=1)
        if not self._has_room():
            raise FullError("the engine is busy to its limit", retry_after=1)

    async def drain(self, timeout: float) -> bool:
        """Take nothing new and wait for what is held. False if some was left after `timeout` s."""
        self.draining.set()
        try:
            async with asyncio.timeout(timeout):
                await self.empty()
        except TimeoutError:
            return False
        return True

    async def empty(self) -> None:
        """Returns when no session is held."""
        await self._empty.wait()
