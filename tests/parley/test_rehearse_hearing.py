"""Words are known by their sound: what came through, at full level, and nothing else."""

import numpy as np
import pytest

from agent.clips import SAMPLE_RATE, Clip
from parley.rehearse.hearing import Hearing, is_loud
from parley.rehearse.voice import SAMPLES_A_WORD, Voice

PIECE = 2 * SAMPLE_RATE // 20
"""Bytes of 50 ms."""


def hear(hearing: Hearing, pcm: bytes) -> list[str]:
    pieces = [pcm[start : start + PIECE] for start in range(0, len(pcm), PIECE)]
    return [word for piece in pieces for word in hearing.hear(piece)]


def faded(pcm: bytes) -> bytes:
    samples = np.frombuffer(pcm, np.int16)
    gain = np.linspace(1.0, 0.0, len(samples))
    return (samples * gain).astype(np.int16).tobytes()


def test_words_are_heard_in_order_each_once_though_they_are_the_same() -> None:
    voice = Voice()
    pcm = b"".join(voice.sound_of(word) for word in ("no", "no", "yes"))
    assert hear(Hearing(voice.word_of, []), pcm) == ["no", "no", "yes"]


@pytest.mark.parametrize(("share", "heard"), [(0.4, []), (0.6, ["yes"])])
def test_half_a_word_is_a_word(share: float, heard: list[str]) -> None:
    voice = Voice()
    cut = voice.sound_of("yes")[: 2 * int(share * SAMPLES_A_WORD)]
    assert hear(Hearing(voice.word_of, []), cut) == heard


def test_a_word_that_fades_is_no_word_and_what_is_said_again_is_heard_once() -> None:
    voice = Voice()
    words = [voice.sound_of(word) for word in ("one", "two", "three", "four")]
    hearing = Hearing(voice.word_of, [])
    assert hear(hearing, words[0] + faded(words[1])) == ["one"]
    assert hear(hearing, words[1] + words[1] + words[2]) == ["two", "three"]


def test_a_clip_is_known_by_its_sound_and_read_as_far_as_it_was_heard() -> None:
    clip = Clip.load("moment")
    hearing = Hearing(Voice().word_of, [clip])
    assert hear(hearing, clip.pcm[: 16 * PIECE]) in (
        clip.text.split()[:2],
        clip.text.split()[:3],
    )
    assert " ".join(hear(Hearing(Voice().word_of, [clip]), clip.pcm)) == clip.text


def test_a_clip_that_is_played_again_is_heard_again() -> None:
    clip = Clip.load("moment")
    hearing = Hearing(Voice().word_of, [clip])
    assert " ".join(hear(hearing, clip.pcm) + hear(hearing, clip.pcm)) == f"{clip.text} {clip.text}"


def test_silence_is_nothing() -> None:
    assert Hearing(Voice().word_of, []).hear(bytes(PIECE)) == []
    assert not is_loud(np.zeros(0, np.int16))
