"""A call on our own engines. Whisper is real but for its weights, which say what a caller says who asks
for the opening hours; CSM is real but for its size, and speaks noise, a sentence at a time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sip.simulate.report import Report
from sip.simulate.run import simulate
from sip.simulate.script import TurnScript
from tests.csm_tts.csm_folders import write_folders
from tests.e2e.conftest import line_to
from tests.stack import Stack, parley_up
from whisper_engine.synthetic import write_scripted

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SAID = "what are your opening hours"
QUESTION = Path(__file__).parent.parent / "data" / "audio" / "weather_question.wav"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("whisper")
    model = folder / "base.en"
    write_scripted(model, SAID, multilingual=False, listens=False, token_seconds=0.3)
    voice = write_folders(folder)
    async with parley_up(
        folder,
        WHISPER_MODEL=str(model),
        WHISPER_COMPUTE_TYPE="float32",
        CSM_MODEL=str(voice.model),
        CSM_VOICES=str(voice.voices),
        OMP_NUM_THREADS="1",
    ) as stack:
        yield stack


async def test_a_caller_is_heard_by_whisper_and_answered_by_csm(stack: Stack) -> None:
    turns = [
        TurnScript(say=SAID),  # may be asked again what it was: two cores carry both engines barely
        TurnScript(say=SAID, contains=("nine", "six")),
        TurnScript(play=QUESTION, contains=("nine", "six")),
    ]
    done = await simulate(line_to(stack), to="+15550100", turns=turns)
    report = Report.of([each.report for each in done])
    assert report.problems == (), report.table()


def test_it_says_which_models_hear_and_speak(stack: Stack) -> None:
    assert "base.en" in stack.said()
    assert "tiny-csm" in stack.said()
