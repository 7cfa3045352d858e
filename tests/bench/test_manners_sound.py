"""A story at the caller: where it is, that it was cut, that it went on and what of it was lost."""

import numpy as np
import pytest

from bench.manners_sound import Story, effect, word_ends
from sip.simulate.speech import RATE, Samples
from tests.bench.speech import babbled

SECONDS = 12.0


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.int16)


@pytest.fixture(scope="module")
def telling() -> Samples:
    """With a pause after every two seconds."""
    sentences = [
        np.concatenate([babbled(1.7, seed), silence(0.3)]) for seed in range(round(SECONDS / 2))
    ]
    return np.concatenate(sentences)


@pytest.fixture(scope="module")
def story(telling: Samples) -> Story:
    return Story(telling)


def upto(telling: Samples, seconds: float) -> Samples:
    return telling[: round(seconds * RATE)]


def since(telling: Samples, seconds: float) -> Samples:
    return telling[round(seconds * RATE) :]


def test_a_piece_is_found_where_it_is_however_loud(story: Story, telling: Samples) -> None:
    piece = (telling[RATE * 4 : RATE * 6] // 4).astype(np.int16)
    assert story.place(piece) == pytest.approx(6.0, abs=0.006)


def test_what_is_not_of_the_story_is_found_nowhere(story: Story) -> None:
    other = babbled(1.5, 104)
    assert story.place(other) is None
    assert story.place(silence(1.0)) is None


def test_a_story_that_goes_on_was_not_touched(story: Story, telling: Samples) -> None:
    agent = np.concatenate([silence(1.0), telling, silence(3.0)])
    what = effect(story, agent, onset=4.0, end=4.4)
    assert what is not None
    assert what.silent is None
    assert what.paused < 0.02
    assert what.lost < 0.02


def test_a_story_that_is_cut_tells_when_and_how_far_it_came(story: Story, telling: Samples) -> None:
    agent = np.concatenate([silence(1.0), upto(telling, 4.5), silence(6.0)])
    what = effect(story, agent, onset=5.0, end=5.6)
    assert what is not None
    assert what.silent == pytest.approx(0.5, abs=0.02)
    assert what.reached == pytest.approx(4.5, abs=0.02)


@pytest.mark.parametrize("after", [0.1, 0.6])
def test_another_speech_soon_after_the_cut_is_not_the_story(
    story: Story, telling: Samples, after: float
) -> None:
    answer = babbled(1.0, 105)
    parts = [silence(1.0), upto(telling, 4.5), silence(after), answer, silence(6.0)]
    what = effect(story, np.concatenate(parts), onset=5.0, end=5.6)
    assert what is not None
    assert what.silent == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("lost", [0.0, 0.3])
def test_a_pause_is_measured_and_what_is_lost_in_it(
    story: Story, telling: Samples, lost: float
) -> None:
    parts = [silence(1.0), upto(telling, 4.5), silence(1.2), since(telling, 4.5 + lost)]
    what = effect(story, np.concatenate([*parts, silence(3.0)]), onset=5.0, end=5.6)
    assert what is not None
    assert what.silent is None
    assert what.paused == pytest.approx(1.2, abs=0.05)
    assert what.lost == pytest.approx(lost, abs=0.05)


def test_where_no_story_is_told_nothing_is_said(story: Story) -> None:
    assert effect(story, silence(20.0), onset=5.0, end=5.5) is None


def test_words_end_where_the_sound_of_the_words_before_them_does(
    story: Story, telling: Samples
) -> None:
    beginnings = [np.concatenate([upto(telling, end), silence(0.2)]) for end in (0.6, 1.0, 1.7)]
    assert word_ends(story, [beginnings]) == pytest.approx([0.6, 1.0, 1.7], abs=0.02)
