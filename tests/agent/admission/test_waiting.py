"""What one who waits hears, on virtual time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.admission.policy import Queue
from agent.admission.waiting import wait_for_a_place
from tests.fakes.virtual_time import on_virtual_time

SENTENCE = 3.0
PATIENT = {"do": "queue", "announcement": "{position}", "announce_seconds": 20}


@dataclass
class Room:
    """Somebody waits in it. `places` are where they stand at each look, the last again and again."""

    places: Sequence[int]
    heard: list[tuple[float, str]] = field(default_factory=list)
    """And when it began, in seconds of the wait."""
    told: list[int] = field(default_factory=list)
    music_fails: bool = False

    async def say(self, text: str) -> None:
        assert not self.heard or self.heard[-1][1] != "music", "music goes on behind it"
        self._note(text)
        await asyncio.sleep(SENTENCE)

    async def music(self) -> None:
        if self.music_fails:
            raise ValueError
        self._note("music")
        try:
            await asyncio.Event().wait()
        finally:
            self._note("faded")

    async def wait(self, position: int, **queue: object) -> bool:
        self._began = asyncio.get_running_loop().time()
        places = iter(self.places)
        last = position

        async def look() -> int:
            nonlocal last
            last = next(places, last)
            return last

        plan = Queue.model_validate(PATIENT | queue)
        return await wait_for_a_place(plan, position, look, self, self.told.append)

    def _note(self, what: str) -> None:
        now = asyncio.get_running_loop().time() - self._began
        self.heard.append((round(now, 1), what))


@on_virtual_time
async def test_the_place_is_said_then_music_until_it_is_theirs() -> None:
    room = Room(places=[1, 1, 0])
    assert await room.wait(1)
    assert room.heard == [(0.0, "1"), (3.0, "music"), (6.0, "faded")]
    assert room.told == [1]


@on_virtual_time
async def test_a_place_that_changes_is_said_again_but_not_too_often() -> None:
    room = Room(places=[3, 2, 1, *[1] * 30, 0])
    assert await room.wait(3)
    assert room.heard[:4] == [(0.0, "3"), (3.0, "music"), (23.0, "faded"), (23.0, "1")]
    assert room.told == [3, 1]


@on_virtual_time
async def test_a_place_that_stays_is_said_once() -> None:
    room = Room(places=[2] * 100 + [0])
    assert await room.wait(2)
    assert room.told == [2]


@on_virtual_time
async def test_after_the_longest_wait_it_is_over() -> None:
    room = Room(places=[1])
    assert not await room.wait(1, max_wait_seconds=30)
    assert room.heard[-1] == (30.0, "faded")


@on_virtual_time
async def test_without_music_the_wait_goes_on() -> None:
    room = Room(places=[1, 0], music_fails=True)
    assert await room.wait(1)


@on_virtual_time
async def test_who_hangs_up_hears_no_more() -> None:
    room = Room(places=[1])
    waiting = asyncio.create_task(room.wait(1))
    await asyncio.sleep(10.0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert room.heard[-1] == (10.0, "faded")
