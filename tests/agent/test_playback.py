"""The agent's sound is bounded, and its stalls are counted."""

import asyncio

import pytest
from livekit import rtc

from agent.playback import LEAD, Playback, PlayoutClock
from tests.fakes.earpiece import Earpiece
from tests.fakes.models import RATE
from tests.fakes.virtual_time import on_virtual_time


def sound(seconds: float) -> rtc.AudioFrame:
    samples = int(seconds * RATE)
    return rtc.AudioFrame(bytes(2 * samples), RATE, 1, samples)


async def fill(playback: Playback, seconds: float) -> None:
    for _ in range(round(seconds / 0.1)):
        await playback.capture_frame(sound(0.1))


def test_the_clock_plays_in_real_time_and_never_more_than_there_is() -> None:
    clock = PlayoutClock()
    clock.add(1.0, now=0.0)
    assert clock.ahead(0.4) == pytest.approx(0.6)
    assert clock.ahead(5.0) == 0.0
    assert clock.played == pytest.approx(1.0)


def test_the_clock_forgets_what_is_cleared() -> None:
    clock = PlayoutClock()
    clock.add(1.0, now=0.0)
    clock.clear(0.7)
    assert clock.ahead(0.7) == 0.0
    assert clock.played == pytest.approx(0.7)


@on_virtual_time
async def test_no_more_than_the_limit_waits_ahead_of_the_listener() -> None:
    room = Earpiece()
    playback = Playback(room, limit=0.5)
    filling = asyncio.create_task(fill(playback, 30.0))
    await asyncio.wait({filling}, timeout=10.0)
    assert not filling.done()
    assert room.taken == pytest.approx(10.0 + LEAD, abs=0.06)
    assert playback.position == pytest.approx(10.5, abs=0.11)
    filling.cancel()


@on_virtual_time
async def test_whoever_makes_the_sound_is_held_back_before_it_is_handed_over() -> None:
    playback = Playback(Earpiece(), limit=0.5)
    admitted = 0

    async def make() -> None:
        nonlocal admitted
        while True:
            await playback.admit(0.1)
            admitted += 1

    making = asyncio.create_task(make())
    await asyncio.sleep(60)
    making.cancel()
    assert admitted == 6  # the limit, and the frame that reached it


@on_virtual_time
async def test_an_interruption_lets_the_next_speech_in_at_once() -> None:
    room = Earpiece()
    playback = Playback(room, limit=0.5)
    for _ in range(6):
        await playback.admit(0.1)
    await fill(playback, 0.5)
    playback.flush()
    playback.clear_buffer()
    async with asyncio.timeout(0.3):
        await playback.admit(0.4)
        await playback.capture_frame(sound(0.4))
    await asyncio.sleep(1.0)
    assert room.taken == pytest.approx(0.4)  # of the first, nothing had been heard


@on_virtual_time
async def test_a_pause_holds_the_sound_until_it_is_resumed() -> None:
    playback = Playback(Earpiece(), limit=0.2)
    await fill(playback, 0.3)
    playback.pause()
    waiting = asyncio.create_task(fill(playback, 1.0))
    await asyncio.wait({waiting}, timeout=60.0)
    assert not waiting.done()
    playback.resume()
    async with asyncio.timeout(2.0):
        await waiting


@on_virtual_time
async def test_a_frame_longer_than_the_limit_still_passes() -> None:
    playback = Playback(Earpiece(), limit=0.05)
    async with asyncio.timeout(5.0):
        for _ in range(3):
            await playback.admit(0.08)
            await playback.capture_frame(sound(0.08))


@on_virtual_time
async def test_an_engine_that_leaves_the_caller_waiting_is_a_stall_named_starved() -> None:
    playback = Playback(Earpiece(), limit=1.0)
    await playback.capture_frame(sound(0.5))
    await asyncio.sleep(1.4)
    await playback.capture_frame(sound(0.5))
    assert not playback.stalls
    await asyncio.sleep(1.6)
    await playback.capture_frame(sound(0.5))
    assert playback.stalls == {"starved": 1}


@on_virtual_time
async def test_a_room_that_takes_nothing_is_a_stall_named_blocked() -> None:
    playback = Playback(Earpiece(delay=1.5), limit=1.0)
    await playback.capture_frame(sound(0.05))
    await asyncio.sleep(2.0)
    assert playback.stalls == {"blocked": 1}


@on_virtual_time
async def test_silence_between_two_speeches_or_in_a_pause_is_no_stall() -> None:
    playback = Playback(Earpiece(), limit=1.0)
    await playback.capture_frame(sound(0.5))
    playback.flush()
    await asyncio.sleep(30)
    await playback.capture_frame(sound(0.5))
    playback.pause()
    await asyncio.sleep(30)
    playback.resume()
    await playback.capture_frame(sound(0.5))
    assert not playback.stalls


@on_virtual_time
async def test_a_frame_that_the_room_never_took_is_not_waited_for() -> None:
    """The caller hung up before the room's track had a listener: the call must end at once."""
    playback = Playback(Earpiece(delay=3600.0), limit=0.5)
    await playback.capture_frame(sound(0.02))
    await asyncio.sleep(0.05)
    playback.flush()
    playback.clear_buffer()
    async with asyncio.timeout(1.0):
        ended = await playback.wait_for_playout()
    assert ended.playback_position == 0.0


@on_virtual_time
async def test_a_speech_nobody_is_waiting_for_ends_with_the_call() -> None:
    playback = Playback(Earpiece(), limit=0.5)
    await fill(playback, 0.5)
    await playback.aclose()
    assert len(asyncio.all_tasks()) == 1  # this one
