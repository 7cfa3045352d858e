"""The rehearsal voice, as late as another machine would have it."""

import asyncio
from collections.abc import AsyncIterator

from csm_engine.config import RehearsalSettings
from csm_engine.rehearsal import no_sooner
from tests.fakes.virtual_time import on_virtual_time


async def made(*seconds: float) -> AsyncIterator[bytes]:
    """Frames, each so long after the one before."""
    for number, wait in enumerate(seconds):
        await asyncio.sleep(wait)
        yield bytes([number])


async def times(frames: AsyncIterator[bytes], waits: RehearsalSettings) -> list[float]:
    clock = asyncio.get_running_loop().time
    began = clock()
    return [round(clock() - began, 6) async for _ in no_sooner(frames, waits)]


@on_virtual_time
async def test_frames_come_when_the_other_machine_would_have_them() -> None:
    waits = RehearsalSettings(first=0.5, frame=0.0625)
    assert await times(made(0.0, 0.0, 0.0), waits) == [0.5, 0.5625, 0.625]


@on_virtual_time
async def test_what_is_late_by_itself_waits_for_nothing_more() -> None:
    waits = RehearsalSettings(first=0.5, frame=0.0625)
    assert await times(made(0.75, 0.0, 0.0), waits) == [0.75, 0.75, 0.75]


@on_virtual_time
async def test_without_settings_nothing_waits() -> None:
    assert await times(made(0.0, 0.25), RehearsalSettings()) == [0.0, 0.25]
