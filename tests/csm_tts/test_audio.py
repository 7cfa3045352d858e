"""Rate and grain: nothing lost, nothing added, whole frames as soon as they are there."""

from collections.abc import AsyncGenerator, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from csm_engine.audio import Resampler, reframed, to_mulaw

FRAME = 1_920 * 2


async def pieces_of(pieces: Sequence[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece


@given(st.lists(st.binary(max_size=9_000).map(lambda piece: piece[: len(piece) // 2 * 2])))
async def test_frames_join_to_what_came(pieces: list[bytes]) -> None:
    frames = [frame async for frame in reframed(pieces_of(pieces), 24_000, 24_000)]
    assert b"".join(frames) == b"".join(pieces)
    assert {len(frame) for frame in frames[:-1]} <= {FRAME}
    assert all(0 < len(frame) <= FRAME for frame in frames)


async def test_a_frame_leaves_before_the_next_piece_is_asked_for() -> None:
    asked: list[int] = []

    async def source() -> AsyncGenerator[bytes, None]:
        for number in range(3):
            asked.append(number)
            yield bytes(FRAME)

    frames = reframed(source(), 24_000, 24_000)
    await anext(frames)
    assert asked == [0]
    await frames.aclose()


async def test_closing_the_frames_closes_their_source() -> None:
    closed = False

    async def source() -> AsyncGenerator[bytes, None]:
        nonlocal closed
        try:
            while True:
                yield bytes(FRAME)
        finally:
            closed = True

    frames = reframed(source(), 24_000, 8_000)
    await anext(frames)
    await frames.aclose()
    assert closed


def test_resampling_in_pieces_is_resampling_whole() -> None:
    time = np.arange(22_050) / 22_050
    tone = (12_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    whole, pieces = Resampler(22_050, 24_000), Resampler(22_050, 24_000)
    expected = whole.push(tone.tobytes()) + whole.finish()
    got = b"".join(pieces.push(part.tobytes()) for part in np.array_split(tone, 37))
    got += pieces.finish()
    heard, reference = (np.frombuffer(pcm, np.int16).astype(float) for pcm in (got, expected))
    assert len(heard) == len(reference) == 24_000
    assert np.abs(heard - reference).max() <= 2, "more than rounding"
    wanted = 12_000 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000)[2_400:-2_400]
    assert np.abs(heard[2_400:-2_400] - wanted).max() < 30


def test_mulaw_cuts_where_g711_does() -> None:
    steps = np.arange(128)
    lowest = ((16 + (steps & 0x0F)) << (3 + (steps >> 4))) - 132
    samples = np.arange(-32_768, 32_768)
    wanted = np.searchsorted(lowest, np.abs(samples), side="right") - 1
    codes = np.frombuffer(to_mulaw(samples.astype("<i2").tobytes()), np.uint8) ^ 0xFF
    assert np.array_equal(codes & 0x7F, wanted)
    assert np.array_equal(codes >= 0x80, samples < 0)


def test_mulaw_has_g711s_code_words() -> None:
    known = {0: 0xFF, -1: 0x7F, 32_767: 0x80, -32_768: 0x00, 124: 0xEF, 123: 0xF0, -124: 0x6F}
    pcm = np.array(list(known), "<i2").tobytes()
    assert list(to_mulaw(pcm)) == list(known.values())
