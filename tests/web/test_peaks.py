"""The picture of a recording."""

import io
import wave
from pathlib import Path
from threading import Barrier, Thread

import numpy as np
import pytest

from agent.recording.files import Draft
from tests.web.rig import Rig
from web.server.keys import Scope
from web.server.waveform import BusyError, NotSoundError, Waveform, Waveforms, read_waveform

RATE = 16_000


def wav(path: Path, samples: np.ndarray) -> Path:
    """Shape (n, 2)."""
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def talk() -> np.ndarray:
    """Four seconds: the caller in the second, at half of full scale, the agent in the third."""
    sound = np.zeros((4 * RATE, 2), np.int16)
    tone = np.sin(np.arange(RATE) * 0.2)
    sound[RATE : 2 * RATE, 0] = 16_384 * tone
    sound[2 * RATE : 3 * RATE, 1] = 32_767 * tone
    return sound


def test_each_side_is_as_loud_as_it_is_where_it_is(tmp_path: Path) -> None:
    found = read_waveform(str(wav(tmp_path / "c1.wav", talk())), 4)
    assert found.seconds == pytest.approx(4.0, abs=0.01)
    assert found.caller[1] == pytest.approx(0.5, abs=0.05)
    assert found.agent[2] == pytest.approx(1.0, abs=0.05)
    is_talk(found)


def test_what_the_recorder_writes_is_drawn(tmp_path: Path) -> None:
    draft = Draft(tmp_path / "c1.ogg", "opus", RATE)
    draft.write(talk())
    draft.finish()
    found = read_waveform(str(draft.path), 4)
    assert found.seconds == pytest.approx(4.0, abs=0.1)
    is_talk(found)


def is_talk(found: Waveform) -> None:
    """A filter rings a little beyond where a sound ends."""
    assert [peak > 0.3 for peak in found.caller] == [False, True, False, False]
    assert [peak > 0.6 for peak in found.agent] == [False, False, True, False]


def test_a_recording_shorter_than_its_pieces_has_fewer(tmp_path: Path) -> None:
    found = read_waveform(str(wav(tmp_path / "c1.wav", talk()[:RATE])), 2000)
    assert len(found.caller) == len(found.agent) == 20
    empty = read_waveform(str(wav(tmp_path / "c2.wav", talk()[:0])), 100)
    assert (empty.seconds, empty.caller) == (0.0, ())


def test_what_is_no_sound_is_said(tmp_path: Path) -> None:
    file = tmp_path / "c1.ogg"
    file.write_bytes(b"OggS" + bytes(100))
    with pytest.raises(NotSoundError):
        read_waveform(str(file), 100)


def test_a_picture_is_made_once_and_no_more_at_once_than_cores_are_spared(tmp_path: Path) -> None:
    file = wav(tmp_path / "c1.wav", talk())
    waveforms, together, opened = Waveforms(), Barrier(3), []

    def source() -> str:
        opened.append(file)
        return str(file)

    def slowly() -> str:
        together.wait(20)  # two are at it
        together.wait(20)  # the third has been refused
        return str(file)

    assert waveforms.of("c1", 8, source) is waveforms.of("c1", 8, source)
    assert len(opened) == 1
    readers = [Thread(target=waveforms.of, args=(f"r{n}", 8, slowly)) for n in range(2)]
    for reader in readers:
        reader.start()
    together.wait(20)
    with pytest.raises(BusyError):
        waveforms.of("c2", 8, source)
    together.wait(20)
    for reader in readers:
        reader.join(20)
    assert waveforms.of("c2", 8, source).seconds == pytest.approx(4.0, abs=0.01)


async def test_peaks_are_told_over_http_without_the_scope_for_the_sound(rig: Rig) -> None:
    file = wav(rig.folder / "recordings" / "c1.wav", talk())
    rig.call(recording=str(file))
    rig.call("silent")
    rig.call("stolen", recording=str(wav(rig.folder / "secret.wav", talk())))
    broken = rig.folder / "recordings" / "broken.wav"
    broken.write_bytes(b"RIFF")
    rig.call("broken", recording=str(broken))
    status, said = await rig.get("/v1/calls/c1/peaks?pieces=16", Scope.CALLS_READ)
    assert (status, len(said["caller"]), len(said["agent"])) == (200, 16, 16)
    assert said["seconds"] == pytest.approx(4.0, abs=0.01)
    for none in ("silent", "stolen", "broken"):
        status, said = await rig.get(f"/v1/calls/{none}/peaks")
        assert (status, said["error"]["code"]) == (404, "no_recording")
    assert (await rig.get("/v1/calls/nobody/peaks"))[0] == 404
    assert (await rig.get("/v1/calls/c1/peaks?pieces=100000"))[0] == 422


def test_sound_that_comes_from_a_bucket_is_drawn_from_memory(tmp_path: Path) -> None:
    file = wav(tmp_path / "c1.wav", talk())
    assert read_waveform(io.BytesIO(file.read_bytes()), 4) == read_waveform(str(file), 4)
