"""The rehearsal ears, as late as another machine would have them."""

import asyncio

from tests.fakes.virtual_time import on_virtual_time
from whisper_engine.rehearsal.model import no_sooner


async def taken(own: float, least: float) -> float:
    clock = asyncio.get_running_loop().time
    began = clock()
    assert await no_sooner(asyncio.sleep(own, "heard"), least) == "heard"
    return clock() - began


@on_virtual_time
async def test_a_text_comes_no_sooner_than_it_would_there() -> None:
    assert await taken(0.25, 1.0) == 1.0


@on_virtual_time
async def test_what_takes_longer_by_itself_waits_for_nothing_more() -> None:
    assert await taken(1.5, 1.0) == 1.5
    assert await taken(0.25, 0.0) == 0.25
