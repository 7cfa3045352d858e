"""What the bench over SIP makes of a call: figures, a page and a picture."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from bench.manners_calls import SENTENCES, Call, Case, Uttered
from bench.manners_picture import page as told_page
from bench.manners_picture import picture
from bench.manners_sip import Measured, Outcome, outcomes, page
from bench.manners_sound import Story
from parley.rehearse.sip_mind import Asked, Notes
from sip.simulate.observer import Overheard, Words
from sip.simulate.speech import RATE, Samples
from sip.simulate.timeline import Recording
from tests.bench.speech import babbled

DIALLED = 100.0
"""Seconds of the loop's clock."""
ENDS = [0.5 * count for count in range(1, 25)]
"""Of the story's words: two a second."""


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.int16)


@pytest.fixture(scope="module")
def story() -> Story:
    return Story(babbled(12.0, 3))


def interrupted(story: Story, kept: str) -> Call:
    """The story begins at 1 s; at 5 s the caller speaks; the agent stops at 5.8 s, 4.8 s into it."""
    agent = np.concatenate([silence(1.0), story.telling[: round(4.8 * RATE)], silence(8.0)])
    case = Case("interruption", "Stop.", silence(0.4), stops=True)
    return Call(
        recording=Recording(DIALLED, silence(agent.size / RATE), agent),
        uttered=(Uttered(case, DIALLED + 5.0, DIALLED + 5.4),),
        overheard=Overheard(
            states=[(DIALLED + 5.7, "listening")],
            interims=[Words(DIALLED + 5.4, "well"), Words(DIALLED + 5.6, "well wait")],
        ),
        notes=Notes(asked=[Asked(DIALLED + 6.5, "user: stop", ("Good day.", kept))]),
    )


def test_an_interruption_is_timed_and_its_history_counted(story: Story) -> None:
    kept = " ".join(SENTENCES[0].split()[:8])
    [found] = outcomes(interrupted(story, kept), story, ENDS)
    assert found.stopped
    assert found.silent == pytest.approx(0.8, abs=0.02)
    assert found.decided == pytest.approx(0.2, abs=0.02)  # after the words that claim the turn
    assert found.off_by == 8 - 9


def test_a_model_that_was_sent_no_story_tells_nothing_of_its_history(story: Story) -> None:
    [found] = outcomes(interrupted(story, "I see."), story, ENDS)
    assert found.off_by is None


STOP = Outcome("interruption", "Wait.", True, True, 0.7, 0.3, 0.0, 0.0, 1)
MISSED = Outcome("interruption", "Stop.", True, False, None, None, 0.0, 0.0, None)
FALSE = Outcome("cough", "", False, True, None, None, 0.9, 0.0, None)
LOSSY = Outcome("laugh", "", False, True, None, None, 0.9, 0.2, None)


def test_the_page_counts_shares_and_names_what_was_wrong() -> None:
    text = "\n".join(page(Measured((STOP, MISSED, FALSE, LOSSY), (0.2, 0.3), left_out=2)))
    assert "| false stops, of backchannels and noises | ≤ 5 % | 1 | 100.0 % |" in text
    assert "| interruptions missed | ≤ 2 % | 2 | 50.0 % |" in text
    assert "| onset → silent, ms | p95 ≤ 1100 | 1 | 700 / 700 / 700 |" in text
    assert "| history within one word of what was heard | ≥ 95 % | 1 | 100.0 % |" in text
    assert "| resumed without a loss | all | 2 | 50.0 % |" in text
    assert "Left out, for no story was told then or the call failed: 2." in text
    assert "Wrong: cough '', interruption 'Stop.'." in text


def test_a_picture_shows_both_sides_and_the_moments(story: Story) -> None:
    told = interrupted(story, "Once there lived")
    drawn = ET.fromstring(picture(told, STOP))
    texts = [element.text or "" for element in drawn.iter() if element.tag.endswith("text")]
    assert {"20 dB down", "decided", "the caller's voice begins"} <= set(texts)
    assert [text.rpartition(",")[0] for text in texts[:3]] == [
        "caller",
        "agent",
        "agent, at the cut",
    ]


def test_the_history_is_told_beside_the_picture(story: Story) -> None:
    text = "\n".join(told_page(interrupted(story, "Once there lived"), STOP))
    assert "    user: stop" in text
    assert "0.700 s" in text
