"""A recording on a disk that is full for a while, or for good. A limit on the size of files fails a
write as a full disk does; it holds for a process, so each is a child."""

import subprocess
import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from agent.recording.files import UNFINISHED
from agent.recording.recorder import RATE

CHILD = """
import asyncio, logging, resource, sys
from pathlib import Path

from agent.recording.files import UNFINISHED
from agent.recording.recorder import Recorder
from tests.agent.recording.test_recorder import caller_says
from tests.fakes.virtual_time import on_virtual_time

folder, kind, full_after, full_for = Path(sys.argv[1]), sys.argv[2], *map(float, sys.argv[3:])
logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
HARD = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, HARD))

def written():
    return max((file.stat().st_size for file in folder.iterdir()), default=0)

@on_virtual_time
async def talk():
    recorder = Recorder(folder, "call", kind, secret=lambda: False)
    if not full_after:
        limit(0)
    recorder.start()
    await caller_says(recorder, full_after)
    room = written() + 1001 if full_after else 0
    limit(room)
    await caller_says(recorder, full_for)
    assert written() <= room
    if full_for < 100:
        limit(HARD)
        await caller_says(recorder, 4.0)
    print("whole", await recorder.stop())

talk()
"""

SAID_FULL = "the disk is full: a recording waits in memory"
SAID_AGAIN = "a recording is written again"


def recorded(folder: Path, kind: str, full_after: float, full_for: float) -> list[str]:
    """What is said of a recording of `full_after` seconds, a full disk for `full_for`, and 4 s more."""
    told = (str(folder), kind, str(full_after), str(full_for))
    done = subprocess.run(
        (sys.executable, "-c", CHILD, *told), check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def seconds(path: Path) -> float:
    with av.open(str(path)) as file:
        return sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))


@pytest.mark.parametrize(("kind", "suffix"), [("wav", ".wav"), ("opus", ".ogg")])
@pytest.mark.parametrize("full_after", [0.0, 8.0], ids=["from the start", "in the call"])
def test_a_disk_that_is_full_for_a_while_costs_nothing(
    tmp_path: Path, kind: str, suffix: str, full_after: float
) -> None:
    said = recorded(tmp_path, kind, full_after, 30.0)
    assert said == [SAID_FULL, SAID_AGAIN, "whole True"]
    (file,) = tmp_path.iterdir()
    assert file.name == f"call{suffix}"
    assert seconds(file) == pytest.approx(full_after + 34.0, abs=0.2)


def test_every_sample_is_in_its_place(tmp_path: Path) -> None:
    recorded(tmp_path, "wav", 8.0, 30.0)
    with wave.open(str(tmp_path / "call.wav")) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    caller = pcm[: len(pcm) // 1600 * 1600, 0].reshape(-1, 1600).astype(float)
    assert (np.sqrt(np.mean(caller**2, axis=1)) > 1000).all(), "silence where the caller spoke"
    assert RATE == 16_000


def test_one_that_stays_full_costs_no_more_than_what_came_after(tmp_path: Path) -> None:
    said = recorded(tmp_path, "wav", 8.0, 200.0)
    assert said[0] == SAID_FULL
    assert "the recording is lost" in said
    assert said[-1] == "whole False"
    assert seconds(tmp_path / f"call.wav{UNFINISHED}") > 6.0
