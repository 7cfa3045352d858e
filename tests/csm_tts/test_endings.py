"""How a sentence ends and begins: by the model's word, or without it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csm_engine.endings.ending import Ending, Guards, Verdict, is_end
from csm_engine.endings.level import Pcm, dbfs

CODEBOOKS = 8
END = [0] * CODEBOOKS
FRAME = 1920


def frame(seed: int) -> list[int]:
    return [seed % 2000 + 1, *range(1, CODEBOOKS)]


def sound(level: float = -20.0) -> Pcm:
    wave = np.tile(np.array([1, -1], np.float32), FRAME // 2)
    return wave * np.float32(10 ** (level / 20))


def run(ending: Ending, levels: list[float], first: int = 0) -> list[Verdict]:
    """The last verdict on each of these frames, until the sentence is over."""
    verdicts = []
    for index, level in enumerate(levels, first):
        verdict = ending.codes(frame(index))
        if verdict is Verdict.SEND:
            verdict = ending.sound(level)
        verdicts.append(verdict)
        if ending.reason:
            break
    return verdicts


def test_the_model_ends_it() -> None:
    ending = Ending(expected=20, most=40)
    assert run(ending, [-20.0] * 10) == [Verdict.SEND] * 10
    assert ending.codes(END) is Verdict.END
    assert (ending.reason, ending.frames) == ("stop", 10)
    with pytest.raises(RuntimeError, match="over"):
        ending.codes(frame(0))


def test_the_last_codebook_does_not_count() -> None:
    assert is_end(END)
    assert is_end(np.array([0] * (CODEBOOKS - 1) + [5], np.int32).tolist())
    assert not is_end([0] * (CODEBOOKS - 2) + [5, 0])


def test_the_cap_on_frames_ends_it_after_its_last() -> None:
    ending = Ending(expected=50, most=5)
    assert run(ending, [-20.0] * 9) == [Verdict.SEND] * 4 + [Verdict.END_AFTER]
    assert (ending.reason, ending.frames) == ("length", 5)


def test_silence_ends_it_once_most_was_said() -> None:
    ending = Ending(expected=20, most=60)
    verdicts = run(ending, [-20.0] * 10 + [-50.0] * 30)
    assert verdicts == [Verdict.SEND] * 18 + [Verdict.END]
    assert ending.reason == "silence"


def test_a_pause_early_in_a_long_sentence_does_not() -> None:
    ending = Ending(expected=100, most=200)
    levels = [-20.0] * 10 + [-50.0] * 30 + [-20.0] * 50
    assert run(ending, levels) == [Verdict.SEND] * 90
    assert ending.reason is None


def test_a_long_pause_ends_it_as_soon_as_most_should_have_been_said() -> None:
    ending = Ending(expected=100, most=200)
    assert len(run(ending, [-20.0] * 10 + [-50.0] * 90)) == 60
    assert ending.reason == "silence"


def test_one_frame_over_and_over_ends_it() -> None:
    ending = Ending(expected=100, most=200, guards=Guards(repeats=6))
    run(ending, [-20.0] * 7)
    verdicts = []
    for _ in range(6):
        verdicts.append(ending.codes(frame(77)))
        if not ending.reason:
            ending.sound(-20.0)
    assert verdicts == [Verdict.SEND] * 5 + [Verdict.END]
    assert ending.reason == "repetition"


def test_silence_before_the_first_sound_is_not_sent_up_to_a_limit() -> None:
    ending = Ending(expected=20, most=40)
    assert run(ending, [-60.0, -50.0, -60.0]) == [Verdict.SKIP, Verdict.SEND, Verdict.SEND]
    ending = Ending(expected=20, most=40)
    assert run(ending, [-60.0] * 5) == [Verdict.SKIP] * 3 + [Verdict.SEND] * 2


def test_levels() -> None:
    assert dbfs(np.ones(100, np.float32)) == pytest.approx(0)
    assert dbfs(sound(-45.0)) == pytest.approx(-45, abs=1e-4)
    for nothing in ([], [0.0] * 5, [np.nan, 1.0], [np.inf]):
        assert dbfs(np.array(nothing, np.float32)) == -np.inf


@pytest.mark.parametrize(
    "wrong",
    [
        {"silent_frames": 0},
        {"repeats": 1},
        {"min_frames": -1},
        {"leading_frames": -1},
        {"silent_after": 1.5},
    ],
)
def test_guards_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|share"):
        Guards(**wrong)  # type: ignore[arg-type]


def test_a_sentence_of_no_frames_is_refused() -> None:
    for expected, most in ((0, 5), (5, 0)):
        with pytest.raises(ValueError, match="at least one frame"):
            Ending(expected, most)


FRAMES = st.lists(
    st.tuples(st.sampled_from([-90.0, -50.0, -20.0]), st.integers(0, 3)), min_size=120, max_size=150
)


@given(FRAMES, st.integers(1, 60), st.integers(1, 100))
def test_every_sentence_ends(frames: list[tuple[float, int]], expected: int, most: int) -> None:
    """Code 0 stands for the end. All that comes is sent but for what the guards say."""
    ending = Ending(expected, most)
    sent = skipped = silent = 0
    for level, code in frames * 3:
        verdict = ending.codes(frame(code) if code else END)
        if verdict is Verdict.SEND:
            silent = silent + 1 if level < -45 else 0
            verdict = ending.sound(level)
        sent += verdict in (Verdict.SEND, Verdict.END_AFTER)
        skipped += verdict is Verdict.SKIP
        if ending.reason:
            break
    assert ending.reason is not None
    assert ending.frames <= most
    assert skipped <= 3
    assert sent + skipped <= ending.frames
    assert (ending.reason == "length") <= (ending.frames == most)
    assert (ending.reason == "silence") <= (
        silent >= 9 and ending.frames >= 0.6 * min(expected, most)
    )
