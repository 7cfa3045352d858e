"""Files of all kinds to the engine's sound, in bounded pieces; and those that are none."""

import contextlib
import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.whisper_stt.containers import FILES, container
from tests.whisper_stt.doors import wav
from whisper_engine.api.files import Cutter
from whisper_engine.api.uploads import PIECE, Limits, UploadError, pieces
from whisper_engine.protocol import SAMPLE_RATE

RATE = 24_000
SECONDS = 3
TRUNCATED_SHOWS = ["stereo wav", "float wav", "flac", "webm", "m4a"]


@pytest.fixture(scope="session")
def tone() -> NDArray[np.int16]:
    at = np.arange(SECONDS * RATE) / RATE
    return np.asarray(np.rint(8_000 * np.sin(2 * np.pi * 440 * at)), np.int16)


def read(data: bytes, limits: Limits | None = None) -> NDArray[np.int16]:
    return np.frombuffer(b"".join(pieces(io.BytesIO(data), limits or Limits())), "<i2")


@pytest.mark.parametrize("kind", FILES)
def test_every_container_becomes_16_khz_mono(kind: str, tone: NDArray[np.int16]) -> None:
    samples = read(container(kind, tone, RATE))
    assert len(samples) == pytest.approx(SECONDS * SAMPLE_RATE, abs=0.06 * SAMPLE_RATE)
    spectrum = np.abs(np.fft.rfft(samples[SAMPLE_RATE : 2 * SAMPLE_RATE].astype(float)))
    assert spectrum.argmax() == 440
    assert np.sqrt((samples[SAMPLE_RATE : 2 * SAMPLE_RATE].astype(float) ** 2).mean()) > 3_000


@pytest.mark.parametrize("rate", [6_000, 8_000, 11_025, 37_800, 96_000])
def test_any_rate_is_taken(rate: int) -> None:
    samples = read(wav(bytes(2 * rate), rate))
    assert len(samples) == pytest.approx(SAMPLE_RATE, abs=32)


def test_both_sides_of_a_stereo_file_are_heard(tone: NDArray[np.int16]) -> None:
    for side in (0, 1):
        both = np.zeros((len(tone), 2), "<i2")
        both[:, side] = tone
        assert np.abs(read(wav(both.tobytes(), RATE, channels=2))).max() > 3_000


class _Endless(io.RawIOBase):
    """A WAV of many hours that is made as it is read, and counts how much of it was."""

    def __init__(self, seconds: int) -> None:
        self.length = seconds * 2 * SAMPLE_RATE
        self._head = wav(b"")
        self._head = self._head[:4] + struct.pack("<I", self.length + 36) + self._head[8:40]
        self._head += struct.pack("<I", self.length)
        self.at = 0

    def readinto(self, buffer: Any, /) -> int:
        into = memoryview(buffer)
        size = min(len(into), len(self._head) + self.length - self.at)
        part = self._head[self.at : self.at + size]
        into[:size] = part + bytes(size - len(part))
        self.at += size
        return size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: len(self._head) + self.length}
        self.at = base[whence] + offset
        return self.at

    def tell(self) -> int:
        return self.at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def test_a_long_file_comes_in_pieces_and_is_read_no_further_than_they() -> None:
    file = _Endless(3 * 3600)
    sound = pieces(io.BufferedReader(file, 1 << 16), Limits())
    for number in range(1, 6):
        piece = next(sound)
        assert 2 * PIECE <= len(piece) < 2 * PIECE + SAMPLE_RATE
        assert file.at < number * 2 * PIECE + 1_000_000
    sound.close()


def test_more_than_the_longest_is_refused_without_reading_it_all() -> None:
    file = _Endless(3 * 3600)
    with pytest.raises(UploadError, match=r"longer than 0\.01 h") as raised:
        list(pieces(io.BufferedReader(file), Limits(seconds=36)))
    assert raised.value.status == 413
    assert file.at < 80 * SAMPLE_RATE


def strangers() -> Iterator[tuple[str, bytes, int]]:
    yield "empty", b"", 400
    yield "a header and no sound", wav(b""), 400
    yield "text", b"hello " * 200, 415
    yield "a cut header", b"RIFF", 415
    yield "zeros", bytes(5_000), 415
    yield "noise", np.random.default_rng(0).bytes(20_000), 415
    yield "a picture", b"\x89PNG\r\n\x1a\n" + bytes(1_000), 415
    yield "a PDF", b"%PDF-1.4 " * 100, 415


@pytest.mark.parametrize(
    ("data", "status"),
    [pytest.param(data, status, id=name) for name, data, status in strangers()],
)
def test_what_is_no_sound_is_said_to_be_none(data: bytes, status: int) -> None:
    with pytest.raises(UploadError) as raised:
        read(data)
    assert raised.value.status == status


ODD_HEADERS = {
    "a codec that nobody knows": ("<H", 20, 0x1234, "codec"),
    "no bits": ("<H", 34, 0, "codec"),
    "one sample a second": ("<I", 24, 1, "1 Hz"),
}


@pytest.mark.parametrize(("kind", "at", "value", "says"), ODD_HEADERS.values(), ids=ODD_HEADERS)
def test_a_wav_whose_header_cannot_be_is_told_what_is_wrong(
    kind: str, at: int, value: int, says: str
) -> None:
    data = bytearray(wav(bytes(SAMPLE_RATE)))
    struct.pack_into(kind, data, at, value)
    with pytest.raises(UploadError, match=says) as raised:
        read(bytes(data))
    assert raised.value.status == 415


def test_more_channels_than_can_be_mixed_are_refused() -> None:
    with pytest.raises(UploadError, match="mixed to one") as raised:
        read(wav(bytes(2 * 255 * 100), channels=255))
    assert raised.value.status == 415


def test_two_mp3s_of_different_rates_in_one_file_are_refused(tone: NDArray[np.int16]) -> None:
    both = container("mp3", tone, RATE) + container("mono mp3", tone, RATE)
    with pytest.raises(UploadError, match=r"damaged after [2-3]\.\d s") as raised:
        read(both)
    assert raised.value.status == 400


def test_samples_that_are_no_numbers_are_heard_as_nothing() -> None:
    """A float file may hold them; the engine's own sound cannot."""
    data = bytearray(wav(np.full(SAMPLE_RATE, np.nan, "<f4").tobytes()))
    struct.pack_into("<HHIIHH", data, 20, 3, 1, SAMPLE_RATE, 4 * SAMPLE_RATE, 4, 32)
    cutter = Cutter()
    assert cutter.push(read(bytes(data)).tobytes()) == cutter.end() == []


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", FILES)
def test_whatever_is_damaged_nothing_but_an_upload_error_is_raised(
    kind: str, seed: int, tone: NDArray[np.int16]
) -> None:
    chance = np.random.default_rng(seed)
    data = bytearray(container(kind, tone[:RATE], RATE))
    for at in chance.integers(0, chance.choice([64, 512, len(data)]), 20):
        data[at] = chance.integers(256)
    with contextlib.suppress(UploadError):
        read(bytes(data), Limits(seconds=60))


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {path}\n",
        "{path}\n",
    ],
)
def test_a_list_of_files_opens_none_of_the_engines(playlist: str, tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(wav(bytes(SAMPLE_RATE)))
    with pytest.raises(UploadError) as raised:
        read(playlist.format(path=tmp_path / "secret.wav").encode())
    assert raised.value.status == 415


@pytest.mark.parametrize("kind", TRUNCATED_SHOWS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_file_that_breaks_off_is_refused(
    kind: str, share: float, tone: NDArray[np.int16]
) -> None:
    data = container(kind, tone, RATE)
    with pytest.raises(UploadError) as raised:
        read(data[: int(len(data) * share)])
    assert raised.value.status in {400, 415}


def test_a_part_of_an_mp3_is_an_mp3(tone: NDArray[np.int16]) -> None:
    data = container("mp3", tone, RATE)
    assert 0.4 < len(read(data[: len(data) // 2])) / (SECONDS * SAMPLE_RATE) < 0.6


@pytest.mark.parametrize("length", [b"\xff" * 4, bytes(4)])
def test_a_wav_written_to_a_pipe_is_whole(length: bytes) -> None:
    data = wav(bytes(2 * SAMPLE_RATE))
    data = data[:4] + length + data[8:40] + length + data[44:]
    assert len(read(data)) == SAMPLE_RATE
