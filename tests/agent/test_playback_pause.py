"""A pause loses nothing, and the voice goes down instead of breaking off."""

import asyncio

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.voice import io

from agent.playback import LEAD, Playback, faded
from tests.fakes.earpiece import Earpiece, Samples
from tests.fakes.models import RATE
from tests.fakes.virtual_time import on_virtual_time

FADE = 0.12
RAMP = np.arange(1, 2 * RATE + 1).astype(np.int16)  # two seconds, of which no two samples are alike


def frame(samples: Samples) -> rtc.AudioFrame:
    return rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples))


async def say(playback: Playback, samples: Samples = RAMP) -> None:
    """In the frames in which a voice comes."""
    for start in range(0, len(samples), RATE // 5):
        await playback.capture_frame(frame(samples[start : start + RATE // 5]))
    playback.flush()


def runs(recording: Samples) -> list[Samples]:
    """Of sound, between the silences."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (recording != 0).astype(int), [0]))))
    return [recording[start:end] for start, end in edges.reshape(-1, 2)]


def test_a_fade_begins_at_its_level_and_is_20_db_down_after_two_thirds() -> None:
    loud = np.full(RATE, 10_000, np.int16)
    tail = np.frombuffer(faded([frame(loud)], FADE, start=0.8).data, np.int16)
    assert len(tail) == FADE * RATE
    assert tail[0] == 8_000
    assert tail[-1] == 0
    assert np.all(np.diff(tail) <= 0)
    assert tail[round(0.69 * len(tail))] < 8_000 / 10


def test_a_fade_is_as_short_as_what_there_is() -> None:
    assert faded([frame(RAMP[:100])], FADE).samples_per_channel == 100


@on_virtual_time
async def test_a_speech_without_a_pause_is_heard_as_it_was_made() -> None:
    room = Earpiece()
    playback = Playback(room, limit=1.0, fade=FADE)
    await say(playback)
    ended = await playback.wait_for_playout()
    assert np.array_equal(room.recording(), RAMP)
    assert not ended.interrupted
    assert ended.playback_position == pytest.approx(2.0)


@on_virtual_time
async def test_a_pause_goes_down_and_its_end_loses_no_sample() -> None:
    room = Earpiece()
    playback = Playback(room, limit=1.0, fade=FADE)
    saying = asyncio.create_task(say(playback))
    await asyncio.sleep(0.7)
    playback.pause()
    await asyncio.sleep(3.0)
    assert playback.silent_for == pytest.approx(3.0 - LEAD - FADE, abs=0.06)
    playback.resume()
    await saying
    ended = await playback.wait_for_playout()
    before, after = runs(room.recording())
    resumed_at = after[0] - 1
    assert np.array_equal(before[:resumed_at], RAMP[:resumed_at])
    assert np.array_equal(after, RAMP[resumed_at:])
    assert resumed_at / RATE == pytest.approx(0.7 + LEAD, abs=0.06)
    assert before[-1] < before[resumed_at] / 10
    assert ended.playback_position == pytest.approx(2.0)


@on_virtual_time
async def test_an_interruption_goes_down_and_tells_what_was_heard() -> None:
    room = Earpiece()
    playback = Playback(room, limit=1.0, fade=FADE)
    saying = asyncio.create_task(say(playback))
    await asyncio.sleep(0.7)
    decided = asyncio.get_running_loop().time()
    saying.cancel()
    playback.flush()
    playback.clear_buffer()
    ended = await playback.wait_for_playout()
    assert asyncio.get_running_loop().time() - decided <= LEAD + FADE + 0.01
    assert ended.interrupted
    assert ended.playback_position == pytest.approx(len(room.recording()) / RATE, abs=0.001)
    assert room.recording()[-2] < 10


@on_virtual_time
async def test_without_a_fade_an_interruption_drops_what_the_room_holds() -> None:
    room = Earpiece()
    playback = Playback(room, limit=1.0)
    saying = asyncio.create_task(say(playback))
    await asyncio.sleep(0.7)
    saying.cancel()
    playback.flush()
    playback.clear_buffer()
    ended = await playback.wait_for_playout()
    assert ended.playback_position == pytest.approx(0.7, abs=0.01)
    assert len(room.recording()) / RATE == pytest.approx(0.7, abs=0.01)


@on_virtual_time
async def test_an_interruption_in_a_pause_says_nothing_more() -> None:
    room = Earpiece()
    playback = Playback(room, limit=1.0, fade=FADE)
    saying = asyncio.create_task(say(playback))
    await asyncio.sleep(0.7)
    playback.pause()
    await asyncio.sleep(2.0)
    saying.cancel()
    playback.flush()
    playback.clear_buffer()
    ended = await playback.wait_for_playout()
    assert len(runs(room.recording())) == 1
    assert ended.playback_position == pytest.approx(len(room.recording()) / RATE, abs=0.001)


@on_virtual_time
async def test_a_clip_follows_an_interruption_and_counts_for_nothing() -> None:
    room = Earpiece()
    breath = frame(np.full(RATE // 2, 10_000, np.int16))
    playback = Playback(room, limit=1.0, fade=FADE, clip=[breath])
    finished: list[io.PlaybackFinishedEvent] = []
    playback.on("playback_finished", finished.append)
    saying = asyncio.create_task(say(playback))
    await asyncio.sleep(0.7)
    saying.cancel()
    playback.flush()
    playback.clear_buffer()
    await asyncio.sleep(2.0)
    speech, clip = runs(room.recording())
    assert clip[0] == 8_000
    assert clip[-1] < 80
    assert len(clip) / RATE == pytest.approx(0.5, abs=0.01)
    assert [event.playback_position for event in finished] == [
        pytest.approx(len(speech) / RATE, abs=0.001)
    ]


@on_virtual_time
async def test_the_next_speech_waits_for_the_clip() -> None:
    room = Earpiece()
    breath = frame(np.full(RATE // 2, 10_000, np.int16))
    playback = Playback(room, limit=1.0, fade=FADE, clip=[breath])
    saying = asyncio.create_task(say(playback))
    await asyncio.sleep(0.7)
    saying.cancel()
    playback.flush()
    playback.clear_buffer()
    await playback.wait_for_playout()
    await say(playback)
    await playback.wait_for_playout()
    assert np.array_equal(room.recording()[-len(RAMP) :], RAMP)


@on_virtual_time
async def test_a_speech_that_begins_in_a_pause_is_not_heard_before_its_end() -> None:
    room = Earpiece()
    playback = Playback(room, limit=1.0, fade=FADE)
    playback.pause()
    saying = asyncio.create_task(say(playback))
    await asyncio.sleep(1.0)
    assert room.taken == 0.0
    playback.resume()
    await saying
    await playback.wait_for_playout()
    assert np.array_equal(room.recording()[-len(RAMP) :], RAMP)


@on_virtual_time
async def test_an_interruption_of_the_last_sound_cuts_nothing() -> None:
    room = Earpiece()
    playback = Playback(room, limit=1.0, fade=FADE)
    saying = asyncio.create_task(say(playback))
    await asyncio.sleep(1.95)
    await saying
    playback.clear_buffer()
    ended = await playback.wait_for_playout()
    assert ended.interrupted
    assert ended.playback_position == pytest.approx(2.0)
    assert np.array_equal(room.recording(), RAMP)


@on_virtual_time
async def test_each_of_two_pauses_goes_down_and_loses_nothing() -> None:
    room = Earpiece()
    playback = Playback(room, limit=1.0, fade=FADE)
    saying = asyncio.create_task(say(playback))
    for _ in range(2):
        await asyncio.sleep(0.5)
        playback.pause()
        await asyncio.sleep(1.0)
        playback.resume()
    await saying
    ended = await playback.wait_for_playout()
    first, second, last = runs(room.recording())
    resumed, again = second[0] - 1, last[0] - 1
    assert np.array_equal(first[:resumed], RAMP[:resumed])
    assert np.array_equal(second[: again - resumed], RAMP[resumed:again])
    assert np.array_equal(last, RAMP[again:])
    assert ended.playback_position == pytest.approx(2.0)
