import wave
from pathlib import Path

import numpy as np
import pytest

from sip.simulate.hearing import levels, spells
from sip.simulate.speech import RATE, Samples
from sip.simulate.timeline import Recording, Track
from tests.sip.sounds import laid, silence, tone

FRAME = 80


def track(sound: Samples, late: dict[int, float], start: float = 100.0) -> Track:
    """`sound` in 10 ms frames; frame n comes `late[n]` seconds after its time."""
    frames = Track()
    for index, frame in enumerate(sound.reshape(-1, FRAME)):
        frames.add(start + index * 0.01 + late.get(index, 0.0), frame)
    return frames


def test_frames_lie_where_their_time_says_and_silence_is_between() -> None:
    frames = Track()
    frames.add(10.5, tone(0.1))
    frames.add(11.0, tone(0.1))
    line = frames.laid_out(10.0, 2.0)
    assert line.size == 2 * RATE
    assert list(np.flatnonzero(line)[[0, -1]] // 10) == [400, 879]
    assert not line[4800:8000].any()


def test_what_lies_outside_is_cut() -> None:
    frames = Track()
    frames.add(9.95, tone(0.1))
    frames.add(10.95, tone(0.1))
    frames.add(20.0, tone(0.1))
    line = frames.laid_out(10.0, 1.0)
    assert line.size == RATE
    assert line[: round(0.05 * RATE)].any()
    assert not line[round(0.06 * RATE) : round(0.94 * RATE)].any()


def test_a_busy_loop_does_not_move_the_sound() -> None:
    sound = laid(4.0, (1.0, tone(1.0)))
    jitter = dict.fromkeys(range(90, 130), 0.03) | {200: 0.2, 201: 0.19}
    heard = track(sound, jitter).steadied().laid_out(100.0, 4.0)
    assert (heard == sound).all()


def test_a_source_that_stalls_leaves_its_hole_where_it_was() -> None:
    sound = laid(4.0, (1.0, tone(2.0)))
    stalled = dict.fromkeys(range(200, 400), 0.3)
    (first, second) = spells(levels(track(sound, stalled).steadied().laid_out(100.0, 5.0)))
    assert first.end == pytest.approx(2.0, abs=0.02)
    assert second.start == pytest.approx(2.3, abs=0.02)
    assert second.end == pytest.approx(3.3, abs=0.02)


def test_nothing_heard_is_silence() -> None:
    recording = Recording.of(Track(), Track(), 5.0, 6.0)
    assert recording.agent.size == recording.caller.size == RATE
    assert not recording.agent.any()


def test_a_recording_is_stereo_with_the_caller_left(tmp_path: Path) -> None:
    caller, agent = tone(1.0), silence(1.0)
    Recording(0.0, caller, agent).save(tmp_path / "call.wav")
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, RATE, 2)
        both = np.frombuffer(file.readframes(RATE), dtype="<i2").reshape(-1, 2)
    assert (both[:, 0] == caller).all()
    assert (both[:, 1] == agent).all()
