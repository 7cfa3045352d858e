import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_engine.cli.ab.clips import (
    LEAD,
    LONGEST,
    ONE_WORD,
    SHORTEST,
    TAIL,
    cut_turns,
    make_clips,
    on_line,
)
from whisper_engine.cli.ab.recordings import Recording, TimedWord
from whisper_engine.cli.sounds import SoundError

RATE = 16_000


@st.composite
def speech(draw: st.DrawFn) -> list[TimedWord]:
    at, words = 0.0, []
    for _ in range(draw(st.integers(1, 60))):
        at += draw(st.sampled_from((0.0, 0.0, 0.05, 0.4, 3.0)))
        end = at + draw(st.floats(0.05, 1.5))
        words.append(TimedWord("word", at, end))
        at = end
    return words


@given(speech(), st.integers(0, 2**32 - 1))
def test_turns_are_in_order_apart_and_of_a_callers_length(
    words: list[TimedWord], seed: int
) -> None:
    turns = list(cut_turns(words, seed))
    assert turns == list(cut_turns(words, seed))
    for turn in turns:
        assert SHORTEST <= words[turn.stop - 1].end - words[turn.start].start <= LONGEST
    assert all(one.stop <= other.start for one, other in pairwise(turns))


def test_even_speech_becomes_turns_short_and_long_with_every_word_in_one() -> None:
    words = [TimedWord("word", n * 0.4, n * 0.4 + 0.35) for n in range(4_000)]
    turns = list(cut_turns(words, 7))
    lengths = [turn.stop - turn.start for turn in turns]
    assert sum(lengths) == len(words)
    assert lengths.count(1) / len(lengths) == pytest.approx(ONE_WORD, abs=0.1)
    assert max(lengths) > 20


def test_a_turn_ends_at_the_widest_pause_near_its_length() -> None:
    starts = np.cumsum([0.3 + (0.2 if n % 3 == 0 else 0.0) for n in range(3_000)])
    words = [TimedWord("word", start, start + 0.3) for start in starts]
    longer = [turn for turn in cut_turns(words, 7) if turn.stop - turn.start > 16]
    assert longer
    assert all(turn.stop % 3 == 0 for turn in longer)


def recording(path: Path, seconds: float, *, words: tuple[TimedWord, ...] = ()) -> Recording:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        level = np.repeat(np.arange(round(seconds * 10)), RATE // 10) * 100
        file.writeframes(level.astype(np.int16).tobytes())
    return Recording(path, "one two", words)


def test_a_clip_holds_its_words_and_a_quiet_line_around_them(tmp_path: Path) -> None:
    words = (TimedWord("one", 0.5, 0.9), TimedWord("two", 2.0, 2.4))
    clips = list(make_clips([recording(tmp_path / "a.wav", 4, words=words)]))
    assert " ".join(clip.text for clip in clips) == "one two"
    for clip in clips:
        lead, tail = clip.pcm[: round(LEAD * RATE)], clip.pcm[-round(TAIL * RATE) :]
        assert max(abs(lead).max(), abs(tail).max()) < 60
    assert clips[0].pcm[round(LEAD * RATE)] == pytest.approx(400, abs=1)


def test_where_no_times_are_known_a_recording_is_one_turn_or_none(tmp_path: Path) -> None:
    lengths = {"short": 0.2, "long": 13.0, "good": 2.0}
    clips = list(make_clips(recording(tmp_path / f"{n}.wav", s) for n, s in lengths.items()))
    assert [(clip.name, clip.text) for clip in clips] == [("good-0", "one two")]
    assert clips[0].seconds == pytest.approx(LEAD + 2.0 + TAIL)


def test_what_is_no_sound_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("not a sound")
    with pytest.raises(SoundError, match=r"a\.wav: not a sound"):
        list(make_clips([Recording(path, "one")]))


def test_a_line_keeps_a_clips_length_and_loses_the_same_packets_each_time(tmp_path: Path) -> None:
    (clip,) = make_clips([recording(tmp_path / "a.wav", 8)])
    once, again = on_line(clip, 0.2), on_line(clip, 0.2)
    assert np.array_equal(once.pcm, again.pcm)
    assert len(once.pcm) == len(clip.pcm)
    assert not np.array_equal(once.pcm, on_line(clip, 0.0).pcm)
