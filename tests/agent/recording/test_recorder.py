"""A call's recording, on virtual time, as a file that is whole or not there."""

import asyncio
import wave
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from livekit import rtc

from agent.persona.policies import RecordingKind
from agent.recording.files import UNFINISHED
from agent.recording.recorder import RATE, Recorder
from tests.fakes.virtual_time import on_virtual_time

FRAME = 0.02


def tone(seconds: float, rate: int, hertz: float = 400.0) -> rtc.AudioFrame:
    at = np.arange(round(seconds * rate)) / rate
    samples = (8000 * np.sin(2 * np.pi * hertz * at)).astype(np.int16)
    return rtc.AudioFrame(samples.tobytes(), rate, 1, len(samples))


async def caller_says(recorder: Recorder, seconds: float) -> None:
    for _ in range(round(seconds / FRAME)):
        await asyncio.sleep(FRAME)
        recorder.hear(tone(FRAME, 16_000))


def now() -> float:
    return asyncio.get_running_loop().time()


def loud(path: Path) -> npt.NDArray[np.bool_]:
    """Of each 0.1 s, left and right. Shape (n, 2)."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 2)
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    window = RATE // 10
    whole = pcm[: len(pcm) // window * window].reshape(-1, window, 2).astype(float)
    return np.asarray(np.sqrt(np.mean(whole**2, axis=1)) > 1000)


def test_the_caller_is_left_and_the_agent_right_when_they_were_heard(tmp_path: Path) -> None:
    recorded: list[Path] = []

    @on_virtual_time
    async def talk() -> None:
        recorder = Recorder(tmp_path, "call", "wav", secret=lambda: False)
        recorder.start()
        await caller_says(recorder, 1.0)
        recorder.played(now() + 0.5, tone(1.0, 24_000))
        await asyncio.sleep(3.0)
        assert not recorder.path.exists()
        assert await recorder.stop()
        recorded.append(recorder.path)

    talk()
    (path,) = recorded
    assert list(np.flatnonzero(loud(path)[:, 0])) == list(range(10))
    assert set(range(15, 25)) <= set(np.flatnonzero(loud(path)[:, 1])) <= set(range(14, 26))
    assert len(loud(path)) == pytest.approx(40, abs=1)


def test_what_an_interruption_dropped_is_not_in_it(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"

    @on_virtual_time
    async def talk() -> None:
        recorder = Recorder(tmp_path, "call", "wav", secret=lambda: False)
        recorder.start()
        await asyncio.sleep(1.0)
        recorder.played(now(), tone(2.0, 24_000))
        await asyncio.sleep(0.5)
        recorder.dropped(now())
        await asyncio.sleep(2.0)
        assert await recorder.stop()

    talk()
    assert np.flatnonzero(loud(path)[:, 1]).max() <= 15


def test_secrets_are_silence(tmp_path: Path) -> None:
    secret = [False]

    @on_virtual_time
    async def talk() -> None:
        recorder = Recorder(tmp_path, "call", "wav", secret=lambda: secret[0])
        recorder.start()
        await caller_says(recorder, 0.5)
        secret[0] = True
        await caller_says(recorder, 0.5)
        secret[0] = False
        await caller_says(recorder, 0.5)
        assert await recorder.stop()

    talk()
    heard = loud(tmp_path / "call.wav")[:, 0]
    assert heard[:5].all()
    assert not heard[6:10].any()
    assert heard[10:15].all()


@pytest.mark.parametrize(("kind", "suffix"), [("opus", ".ogg"), ("wav", ".wav")])
def test_both_kinds_can_be_played_and_are_their_owners_alone(
    tmp_path: Path, kind: RecordingKind, suffix: str
) -> None:
    @on_virtual_time
    async def talk() -> None:
        recorder = Recorder(tmp_path / "new" / "folder", "call", kind, secret=lambda: False)
        recorder.start()
        await caller_says(recorder, 2.0)
        assert await recorder.stop()

    talk()
    path = tmp_path / "new" / "folder" / f"call{suffix}"
    with av.open(str(path)) as file:
        seconds = sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))
    assert seconds == pytest.approx(2.0, abs=0.1)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_written_costs_the_recording_and_not_the_call(
    tmp_path: Path,
) -> None:
    (tmp_path / "folder").write_text("a file")

    @on_virtual_time
    async def talk() -> None:
        recorder = Recorder(tmp_path / "folder", "call", "opus", secret=lambda: False)
        recorder.start()
        await caller_says(recorder, 1.0)
        assert not recorder.running
        assert not await recorder.stop()

    talk()


def test_a_call_that_is_not_recorded_has_no_file(tmp_path: Path) -> None:
    @on_virtual_time
    async def talk() -> None:
        recorder = Recorder(tmp_path, "call", "opus", secret=lambda: False)
        await caller_says(recorder, 1.0)
        assert not await recorder.stop()

    talk()
    assert not list(tmp_path.iterdir())


def test_a_worker_that_is_killed_leaves_what_can_be_played(tmp_path: Path) -> None:
    @on_virtual_time
    async def talk() -> None:
        recorder = Recorder(tmp_path, "call", "wav", secret=lambda: False)
        recorder.start()
        await caller_says(recorder, 5.0)

    talk()
    left = tmp_path / f"call.wav{UNFINISHED}"
    assert len(loud(left)) >= 30
